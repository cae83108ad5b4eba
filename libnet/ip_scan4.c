#include "ip_impl.h"

void
tcpk_ip_scan4_many(uint32_t *ip, uint8_t *len, const char *const *text,
    size_t n)
{
	tcpk__ip_scan4_swar(ip, len, text, n);
}
