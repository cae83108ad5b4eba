/* tcpecho: an endpoint joined to itself, and what measures one. */

#include <signal.h>

#include "sig.h"
#include "tcpecho.h"

int
main(int argc, char **argv)
{
	struct tcpecho_opts	o;
	struct msg		m = { .tool = "tcpecho" };
	bool			pipe_ignored;
	int			status;

	pipe_ignored = sig_prepare();
	status = tcpecho_options(&o, &m, argc, argv);
	if (status != -1)
		return status;
	status = o.is_client ? tcpecho_client(&o, &m) :
	    tcpecho_server(&o, &m);
	tcpecho_options_free(&o);
	if (status == 128 + SIGPIPE && pipe_ignored)
		return 7;
	if (status > 128)
		sig_die(status - 128);
	return status;
}
