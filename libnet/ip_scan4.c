#include "ip_impl.h"

size_t
tcpk__ip_scan4(uint32_t *v, const unsigned char p[16])
{
	return tcpk__ip_scan4_swar(v, p);
}
