#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "opts.h"

/* Numbers for endpoint options in getopt's answers. */
#define ENDPOINT_BASE	1000

/* What is remembered of a flag without a value; not one that is empty. */
static const char	no_value[] = "";

static void
add_long(struct opts *o, size_t *n, const char *name, int has_arg, int val)
{
	struct option	*l = &o->longs[(*n)++];

	l->name = name;
	l->has_arg = has_arg;
	l->flag = NULL;
	l->val = val;
}

static int
has_arg(const char *value)
{
	if (value == NULL)
		return no_argument;
	return value[0] == '=' ? optional_argument : required_argument;
}

static bool
is_own(const struct opts *o, const char *name)
{
	const struct opts_own	*own;

	for (own = o->own; own->letter != 0; own++)
		if (own->name != NULL && strcmp(own->name, name) == 0)
			return true;
	return false;
}

/* Is it an option of an address that this tool may be given? */
static bool
is_offered(const struct opts *o, const struct tcpk_option_info *info)
{
	unsigned	role, schemes = 0;

	for (role = TCPK_CONNECT; role <= TCPK_TARGET; role++)
		if ((o->roles & 1u << role) != 0)
			schemes |= info->schemes[role];
	return schemes != 0 && !is_own(o, info->flag);
}

void
opts_init(struct opts *o, const struct msg *m, const struct opts_own *own,
    unsigned roles)
{
	struct tcpk_option_info	 info;
	size_t			 i, n = 0, at = 0;

	memset(o, 0, sizeof(*o));
	o->msg = m;
	o->own = own;
	o->roles = roles;
	o->shorts[at++] = ':';
	/* "-,OPTION" is no flag but an address: opts_next. */
	o->shorts[at++] = ',';
	o->shorts[at++] = ':';
	for (; own->letter != 0; own++) {
		if (own->name != NULL)
			add_long(o, &n, own->name, has_arg(own->value),
			    own->letter);
		if (own->letter > 255)
			continue;
		o->shorts[at++] = (char)own->letter;
		if (own->value != NULL)
			o->shorts[at++] = ':';
	}
	for (i = 0; tcpk_option_info(i, &info); i++) {
		o->names[i] = info.name;
		if (is_offered(o, &info) && n < OPTS_MAX)
			add_long(o, &n, info.flag, has_arg(info.value),
			    ENDPOINT_BASE + (int)i);
	}
	o->nnames = i;
	opterr = 0;
}

/* There may be a password in it. */
static void
wipe(char *text)
{
	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* In a flag commas separate as well; in an address they end the option. */
static void
add_to_list(struct opts *o, size_t i, const char *value)
{
	char	*text, *p;

	if (asprintf(&text, "%s%s%s", o->joined[i] != NULL ? o->joined[i] :
	    "", o->joined[i] != NULL ? ";" : "", value) == -1)
		return;
	for (p = text; *p != '\0'; p++)
		if (*p == ',')
			*p = ';';
	wipe(o->joined[i]);
	o->joined[i] = text;
	o->flags[i] = text;
}

static void
remember(struct opts *o, size_t i, const char *value)
{
	struct tcpk_option_info	info;

	tcpk_option_info(i, &info);
	o->given[i] = NULL;
	if (info.list && value != NULL)
		add_to_list(o, i, value);
	else
		o->flags[i] = value != NULL ? value : no_value;
}

void
opts_flag_as(struct opts *o, const char *name, const char *value,
    const char *given)
{
	size_t	i;

	for (i = 0; i < o->nnames; i++) {
		if (strcmp(o->names[i], name) != 0)
			continue;
		remember(o, i, value);
		o->given[i] = given;
	}
}

void
opts_flag(struct opts *o, const char *name, const char *value)
{
	opts_flag_as(o, name, value, NULL);
}

int
opts_family(struct opts *o, bool v4, bool v6)
{
	const char	*family = v4 ? "4" : "6";
	size_t		 i;

	if (v4 && v6)
		return msg_usage(o->msg, "-4 and -6 exclude each other");
	for (i = 0; i < o->nnames && (v4 || v6); i++) {
		if (strcmp(o->names[i], "family") != 0)
			continue;
		if (o->flags[i] != NULL && strcmp(o->flags[i], family) != 0)
			return msg_usage(o->msg, "-%s and --family %s exclude "
			    "each other", family, o->flags[i]);
		remember(o, i, family);
		o->given[i] = v4 ? "-4" : "-6";
	}
	return -1;
}

const char *
opts_tls_flag(const struct opts *o)
{
	struct tcpk_option_info	info;
	size_t			i;
	unsigned		schemes;

	for (i = 0; i < o->nnames; i++) {
		if (o->flags[i] == NULL)
			continue;
		tcpk_option_info(i, &info);
		schemes = info.schemes[TCPK_CONNECT] |
		    info.schemes[TCPK_LISTEN];
		if (schemes == 1u << TCPK_TLS)
			return info.flag;
	}
	return NULL;
}

bool
opts_any_tls(const struct opts *o)
{
	return opts_tls_flag(o) != NULL;
}

void
opts_free(struct opts *o)
{
	size_t	i;

	for (i = 0; i < o->nnames; i++)
		wipe(o->joined[i]);
	for (i = 0; i < o->nsecrets; i++)
		wipe(o->secrets[i]);
	free(o->secrets);
}

/* A flag's value, which is remembered elsewhere. */
static void
hide_value(size_t i, char *value)
{
	struct tcpk_option_info	info;

	tcpk_option_info(i, &info);
	if (!info.secret || value == NULL)
		return;
	tcpk_endpoint_hide(value);
	/* Whatever that was meant to be, a password may be in it. */
	if (strstr(value, "://") == NULL)
		memset(value, 'x', strlen(value));
}

/*
 * "-,OPTION", an address that looks like a flag with a value.  It is kept for
 * the end, when the place of a flag before the operands is free for it.
 */
static int
keep_stdio(struct opts *o, char **argv)
{
	/* "-," by itself has taken the next argument, if there is one. */
	if (optarg != NULL && optarg == argv[optind - 1])
		optind--;
	if (strncmp(argv[optind - 1], "-,", 2) != 0)
		msg_usage(o->msg, "unknown option -,");
	else if (o->stdio != NULL) {
		tcpk_endpoint_hide(argv[optind - 1]);
		msg_usage(o->msg, "too many addresses: %s", argv[optind - 1]);
	} else {
		o->stdio = argv[optind - 1];
		return 0;
	}
	return '?';
}

/* What is left of the arguments is addresses. */
static void
hide_operands(struct opts *o, int argc, char **argv)
{
	char	*copy;
	int	 i;

	if (optind >= argc || o->secrets != NULL)
		return;
	o->secrets = calloc((size_t)(argc - optind), sizeof(*o->secrets));
	for (i = optind; i < argc && o->secrets != NULL; i++) {
		copy = strdup(argv[i]);
		if (copy == NULL || !tcpk_endpoint_hide(argv[i])) {
			wipe(copy);
			continue;
		}
		o->secrets[o->nsecrets++] = copy;
		argv[i] = copy;
	}
}

int
opts_next(struct opts *o, int argc, char **argv)
{
	int	c, at = optind;

	c = getopt_long(argc, argv, o->shorts, o->longs, NULL);
	if (c >= ENDPOINT_BASE) {
		remember(o, (size_t)(c - ENDPOINT_BASE), optarg);
		hide_value((size_t)(c - ENDPOINT_BASE), optarg);
		return 0;
	}
	if (c == ',' || (c == ':' && optopt == ','))
		return keep_stdio(o, argv);
	if (c == -1 && o->stdio != NULL) {
		argv[--optind] = o->stdio;
		o->stdio = NULL;
	}
	if (c == -1)
		hide_operands(o, argc, argv);
	if (c == ':') {
		if (optopt > 255 || optopt == 0)
			msg_usage(o->msg, "option %s needs a value",
			    argv[optind - 1]);
		else
			msg_usage(o->msg, "option -%c needs a value", optopt);
		return '?';
	}
	if (c != '?')
		return c;
	tcpk_endpoint_hide(argv[optind - 1]);
	if (optopt > 0 && optopt <= 255 && (at >= argc ||
	    strncmp(argv[optind - 1], "--", 2) != 0))
		msg_usage(o->msg, "unknown option -%c", optopt);
	else
		msg_usage(o->msg, "%s option %s",
		    optopt > 255 ? "a value does not go with" :
		    "unknown or ambiguous", argv[optind - 1]);
	return '?';
}

/* The bundle of authorities that other programs are told of, too. */
static int
take_cert_file(const struct opts *o, struct tcpk_endpoint *ep)
{
	const char	*file = getenv("SSL_CERT_FILE");
	struct tcpk_err	 err;

	if (file == NULL || file[0] == '\0' || ep->scheme != TCPK_TLS ||
	    ep->role == TCPK_LISTEN || ep->o.insecure || ep->o.pin_only ||
	    tcpk_endpoint_default(ep, "ca", file, &err) == 0)
		return 0;
	return msg_usage(o->msg, "SSL_CERT_FILE: %s", err.text);
}

int
opts_apply(const struct opts *o, struct tcpk_endpoint *const eps[], size_t n)
{
	struct tcpk_option_info	info;
	struct tcpk_err		err;
	const char		*value;
	size_t			i, j, taken;

	for (i = 0; i < o->nnames; i++) {
		if (o->flags[i] == NULL)
			continue;
		tcpk_option_info(i, &info);
		value = o->flags[i] == no_value ? NULL : o->flags[i];
		taken = 0;
		for (j = 0; j < n; j++) {
			/* Where nothing takes it, the last one says why. */
			if (!tcpk_endpoint_takes(eps[j], info.name) &&
			    (taken > 0 || j + 1 < n))
				continue;
			taken++;
			if (tcpk_endpoint_default(eps[j], info.name, value,
			    &err) == -1)
				return msg_usage(o->msg, "%s%s: %s: %s",
				    o->given[i] != NULL ? "" : "--",
				    o->given[i] != NULL ? o->given[i] :
				    info.flag, eps[j]->text, err.text);
		}
	}
	for (j = 0; j < n; j++)
		if (take_cert_file(o, eps[j]) != 0)
			return 2;
	return 0;
}

int
opts_printed(const struct opts *o)
{
	struct msg_fields	f = { .event = "error" };
	struct tcpk_err		err;

	if (fflush(stdout) == 0)
		return 0;
	tcpk_err_errno(&err, TCPK_EIO, errno, "standard output");
	msg_err(o->msg, MSG_ERROR, &f, &err);
	return msg_status(&err);
}

static void
help_line(int letter, const char *name, const char *value, const char *help)
{
	char	left[64];
	int	n;

	n = snprintf(left, sizeof(left), "  %c%c%s", letter <= 255 ? '-' : ' ',
	    letter <= 255 ? letter : ' ', name == NULL ? "" :
	    letter <= 255 ? ", " : "  ");
	if (name != NULL)
		n += snprintf(left + n, sizeof(left) - n, "--%s", name);
	if (value != NULL && value[0] == '=')
		n += snprintf(left + n, sizeof(left) - n, "[%s]", value);
	else if (value != NULL)
		n += snprintf(left + n, sizeof(left) - n, " %s", value);
	printf("%-30s%s%s\n", left, n >= 30 ? "  " : "", help);
}

void
opts_help(const struct opts *o)
{
	const struct opts_own	*own;
	struct tcpk_option_info	 info;
	size_t			 i;

	printf("Options:\n");
	for (own = o->own; own->letter != 0; own++)
		help_line(own->letter, own->name, own->value, own->help);
	printf("\nOptions of addresses, as a flag or behind a comma in the "
	    "address:\n");
	for (i = 0; tcpk_option_info(i, &info); i++)
		if (is_offered(o, &info))
			help_line(256, info.flag, info.value, info.help);
}
