/* A system without Multipath TCP. */

#include "sock_impl.h"

int
tcpk__sock_new_mptcp(int family, struct tcpk_err *err)
{
	(void)family;
	return tcpk_err_set(err, TCPK_EUSAGE,
	    "option mptcp: this system does not have it");
}
