/*
 * Private to ip*.c: IPv4 at the start of 16 bytes, of which those behind the
 * text may be anything that is no digit.  This is where filtering a log
 * spends its time, and a log holds every mix of octets with one, two and
 * three digits: there is no branch here that depends on it, as guessing
 * wrong costs more than all of the arithmetic.
 */
#ifndef IP_IMPL_H
#define IP_IMPL_H

#include <stddef.h>
#include <stdint.h>

/* The length of the address, or 0.  ip_scan4.c or ip_scan4_x86.c. */
size_t	tcpk__ip_scan4(uint32_t *, const unsigned char p[16]);

/* With the means of the language alone: ip_swar.c. */
size_t	tcpk__ip_scan4_swar(uint32_t *, const unsigned char p[16]);

#endif
