#include "acl_impl.h"

void
tcpk__acl_find4(const struct table *t, const uint32_t *ip, uint32_t *i,
    size_t n)
{
	tcpk__acl_find4_plain(t, ip, i, n);
}

int
tcpk__acl_changes(struct table *t)
{
	(void)t;
	return 0;
}

void
tcpk__acl_allow4(const struct table *t, const uint32_t *ip, bool *allow)
{
	uint32_t	i[GROUP];
	size_t		k;

	tcpk__acl_find4_plain(t, ip, i, GROUP);
	for (k = 0; k < GROUP; k++)
		allow[k] = allow4(t, i[k]);
}
