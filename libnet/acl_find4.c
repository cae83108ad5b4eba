#include "acl_impl.h"

void
tcpk__acl_find4(const struct table *t, const uint32_t *ip, uint32_t *i)
{
	tcpk__acl_find4_plain(t, ip, i);
}
