#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include <tcpkit/value.h>

#include "opts_values.h"

static int
take_fd(int *fd, const char *text, struct tcpk_err *err)
{
	uint64_t	n;

	if (tcpk_value_number(&n, text, 0, 65535, err) == -1)
		return -1;
	*fd = (int)n;
	return fcntl(*fd, F_GETFD) != -1 ? 0 : tcpk_err_errno(err,
	    TCPK_EUSAGE, errno, "descriptor %d", *fd);
}

static int
take_number(const struct opts_value *v, uint64_t *to, const char *text,
    struct tcpk_err *err)
{
	uint64_t	max = v->max != 0 ? v->max : UINT64_MAX;

	if (v->kind == OPTS_NUMBER)
		return tcpk_value_number(to, text, v->min, max, err);
	if ((v->kind == OPTS_TIME ? tcpk_value_time(to, text, err) :
	    tcpk_value_size(to, text, err)) == -1)
		return -1;
	if (*to >= v->min && *to <= max)
		return 0;
	if (v->why != NULL)
		return tcpk_err_set(err, TCPK_EUSAGE, "%s %s", text, v->why);
	return tcpk_err_set(err, TCPK_EUSAGE, "0 is no limit; leave the "
	    "option out");
}

int
opts_value(const struct opts_value *v, size_t n, int letter,
    const char *value, void *base, struct tcpk_err *err)
{
	const struct opts_value	*end = v + n;
	void			*to;
	int			 r = 0;

	while (v < end && v->letter != letter)
		v++;
	if (v == end)
		return 0;
	to = (char *)base + v->offset;
	if (v->kind == OPTS_SWITCH)
		*(bool *)to = true;
	else if (value == NULL)
		return 1;
	else if (v->kind == OPTS_TEXT)
		*(const char **)to = value;
	else if (v->kind == OPTS_FD)
		r = take_fd(to, value, err);
	else
		r = take_number(v, to, value, err);
	return r == -1 ? -1 : 1;
}

const char *
opts_name(const struct opts_own *own, int letter, char buf[32])
{
	while (own->letter != letter)
		own++;
	if (own->name != NULL)
		snprintf(buf, 32, "--%s", own->name);
	else
		snprintf(buf, 32, "-%c", letter);
	return buf;
}
