/*
 * Private to ip*.c: IPv4 at the starts of texts.  This is where filtering a
 * log spends its time, and a log holds every mix of octets with one, two and
 * three digits: there is no branch here that depends on it, as guessing
 * wrong costs more than all of the arithmetic.
 */
#ifndef IP_IMPL_H
#define IP_IMPL_H

#include "tcpkit/ip.h"

/*
 * tcpk_ip_scan4_many with the means of the language alone: ip_swar.c.  The
 * function itself is in ip_scan4.c or ip_scan4_x86.c.
 */
void	tcpk__ip_scan4_swar(uint32_t *, uint8_t *len,
	    const char *const *text, size_t n);

#endif
