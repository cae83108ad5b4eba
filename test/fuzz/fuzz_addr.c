/*
 * fuzz_addr: any text as a numeric address and as a Unix name, and any bytes
 * as what the kernel reported.  What is taken is shown in a way that is taken
 * again and is the same address.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tcpkit/addr.h>

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
need(int cond)
{
	if (!cond)
		abort();
}

static void
check_text(const char *text)
{
	struct tcpk_addr	a, b;
	struct tcpk_err		err;
	char			shown[TCPK_ADDR_TEXT];

	memset(&err, 0, sizeof(err));
	if (tcpk_addr_parse(&a, text, 4711, &err) == -1) {
		need(err.kind == TCPK_EUSAGE && err.text[0] != '\0');
		return;
	}
	need(tcpk_addr_port(&a) == 4711);
	need(tcpk_addr_family(&a) == AF_INET ||
	    !IN6_IS_ADDR_V4MAPPED(&a.u.in6.sin6_addr));
	/* Every IPv4 address looks like one. */
	need(tcpk_addr_family(&a) != AF_INET || strchr(text, ':') != NULL ||
	    tcpk_addr_looks_ipv4(text));
	tcpk_addr_format_host(&a, shown, sizeof(shown));
	need(tcpk_addr_parse(&b, shown, 4711, &err) == 0);
	need(tcpk_addr_equal(&a, &b));
}

static void
check_unix(const char *text)
{
	struct tcpk_addr	a, b;
	char			shown[TCPK_ADDR_TEXT];

	if (tcpk_addr_unix(&a, text, NULL) == -1)
		return;
	tcpk_addr_format_host(&a, shown, sizeof(shown));
	need(shown[0] != '\0');
	/* What prints is shown as it is. */
	if (strchr(shown, '\\') == NULL)
		need(tcpk_addr_unix(&b, shown, NULL) == 0 &&
		    tcpk_addr_equal(&a, &b));
}

static void
check_bytes(const uint8_t *data, size_t size)
{
	struct sockaddr_storage	ss;
	struct tcpk_addr	a;
	char			shown[TCPK_ADDR_TEXT], small[8];

	memset(&ss, 0, sizeof(ss));
	if (size > sizeof(ss))
		size = sizeof(ss);
	if (size > 1)
		memcpy((char *)&ss + 1, data + 1, size - 1);
	ss.ss_family = size == 0 ? AF_UNSPEC : data[0] % 3 == 0 ? AF_INET :
	    data[0] % 3 == 1 ? AF_INET6 : AF_UNIX;
	tcpk_addr_from(&a, (struct sockaddr *)&ss, (socklen_t)size);
	need(a.len <= sizeof(a.u));
	tcpk_addr_format(&a, shown, sizeof(shown));
	need(strlen(shown) < sizeof(shown));
	tcpk_addr_format(&a, small, sizeof(small));
	need(memchr(small, '\0', sizeof(small)) != NULL);
	need(tcpk_addr_equal(&a, &a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char	*text = malloc(size + 1);

	need(text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_text(text);
	check_unix(text);
	check_bytes(data, size);
	tcpk_addr_looks_ipv4(text);
	free(text);
	return 0;
}
