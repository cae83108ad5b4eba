/* tcpacl-check: who may join. */

#ifdef HAVE_CONFIG_H
#include <config.h>
#endif

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tcpkit/value.h>

#include "acl_tool.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION	"unreleased"
#endif

enum {
	OPT_ALLOWED = 256,
	OPT_DENIED,
	OPT_FIELD,
	OPT_ANY,
	OPT_COUNT,
	OPT_EXPECT,
	OPT_EXPLAIN,
	OPT_LINT,
	OPT_SIMPLIFY,
	OPT_JSON,
	OPT_QUIET,
	OPT_VERSION
};

static const struct option	longs[] = {
	{ "acl", required_argument, NULL, 'a' },
	{ "acl-file", required_argument, NULL, 'f' },
	{ "allowed", no_argument, NULL, OPT_ALLOWED },
	{ "any", no_argument, NULL, OPT_ANY },
	{ "count", no_argument, NULL, OPT_COUNT },
	{ "denied", no_argument, NULL, OPT_DENIED },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "explain", no_argument, NULL, OPT_EXPLAIN },
	{ "field", required_argument, NULL, OPT_FIELD },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "lint", no_argument, NULL, OPT_LINT },
	{ "quiet", no_argument, NULL, OPT_QUIET },
	{ "simplify", no_argument, NULL, OPT_SIMPLIFY },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

static const char	help[] =
"usage: tcpacl-check [options] -a LIST | -f FILE [address ...]\n"
"\n"
"Says whether an access list allows each address, given as argument or one a\n"
"line on standard input.\n"
"\n"
"  -a LIST, --acl LIST       the list: +10/8,-10.1.2.3\n"
"  -f FILE, --acl-file FILE  the list from a file; - is standard input\n"
"      --explain             add the rule that decided, with file and line\n"
"      --allowed, --denied   print only the lines whose address is\n"
"      --field N             the address is the Nth field (1)\n"
"      --any                 the address is anywhere in the line\n"
"      --count               print the two counts only\n"
"      --expect FILE         lines ADDRESS allow|deny: report those that\n"
"                            come out otherwise\n"
"      --lint                report what is odd about the list\n"
"      --simplify            print the shortest list that means the same\n"
"      --json                results and messages as JSON lines\n"
"      --quiet               no warnings\n"
"  -v, --verbose             say what was loaded\n"
"  -h, --help; --version     print this; print the version\n"
"\n"
"Status: 0 all allowed, 1 any denied, 2 trouble.  As a filter: 0 something\n"
"printed, 1 nothing.  --expect, --lint: 0 nothing found, 1 something.\n";

enum job { ANSWER, EXPECT, LINT, SIMPLIFY };

struct list {
	const char	*arg;
	bool		 is_file;
};

struct options {
	enum job	 job;
	const char	*job_name;	/* the option; NULL: none */
	const char	*expect;
	const char	*where;		/* --field or --any */
	struct list	*lists;
	int		 nlists;
	bool		 stdin_taken;	/* by a list */
};

static const struct msg_fields	about_list = {
	.event = "acl", .reason = "usage"
};

static void
warn(void *arg, const char *text)
{
	struct acl_tool		*t = arg;

	msg(&t->msg, MSG_WARNING, &about_list, "%s", text);
}

/* One -a or -f.  Returns an exit status, or -1 to go on. */
static int
add_list(struct acl_tool *t, struct options *o, const struct list *list)
{
	struct tcpk_err	 err;
	const char	*arg = list->arg;
	int		 ret;

	if (!list->is_file)
		ret = tcpk_acl_add_text(t->acl, "-a", arg, strlen(arg), &err);
	else if (strcmp(arg, "-") == 0) {
		if (o->stdin_taken)
			return msg_usage(&t->msg,
			    "-f -: standard input was read already");
		o->stdin_taken = true;
		ret = tcpk_acl_add_fd(t->acl, "standard input", STDIN_FILENO,
		    &err);
	} else
		ret = tcpk_acl_add_file(t->acl, arg, &err);
	if (ret == 0)
		return -1;
	msg_err(&t->msg, MSG_ERROR, &about_list, &err);
	return 2;
}

static int
set_job(struct acl_tool *t, struct options *o, enum job job,
    const char *name)
{
	if (o->job_name != NULL)
		return msg_usage(&t->msg, "%s and %s exclude each other",
		    o->job_name, name);
	o->job = job;
	o->job_name = name;
	return -1;
}

static int
set_filter(struct acl_tool *t, struct options *o, bool want_allowed,
    const char *name)
{
	t->filter = true;
	t->want_allowed = want_allowed;
	return set_job(t, o, ANSWER, name);
}

static int
set_where(struct acl_tool *t, struct options *o, const char *name,
    const char *field)
{
	struct tcpk_err	err;

	if (o->where != NULL)
		return msg_usage(&t->msg, "%s and %s exclude each other",
		    o->where, name);
	o->where = name;
	t->field = 0;
	if (field != NULL && tcpk_value_number(&t->field, field, 1,
	    1000000, &err) == -1)
		return msg_usage(&t->msg, "%s: %s", name, err.text);
	return -1;
}

static int
print_and_leave(const char *text)
{
	/* A full disk is trouble here too. */
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		fprintf(stderr, "tcpacl-check: standard output: %s\n",
		    strerror(errno));
		return 2;
	}
	return 0;
}

/* One option.  Returns an exit status, or -1 to go on. */
static int
option(struct acl_tool *t, struct options *o, int letter)
{
	switch (letter) {
	case 'a':
	case 'f':
		o->lists[o->nlists].is_file = letter == 'f';
		o->lists[o->nlists++].arg = optarg;
		return -1;
	case 'h':
		return print_and_leave(help);
	case 'v':
		t->msg.verbose++;
		return -1;
	case OPT_ALLOWED:
		return set_filter(t, o, true, "--allowed");
	case OPT_ANY:
		return set_where(t, o, "--any", NULL);
	case OPT_COUNT:
		t->count = true;
		return -1;
	case OPT_DENIED:
		return set_filter(t, o, false, "--denied");
	case OPT_EXPECT:
		o->expect = optarg;
		return set_job(t, o, EXPECT, "--expect");
	case OPT_EXPLAIN:
		t->explain = true;
		return -1;
	case OPT_FIELD:
		return set_where(t, o, "--field", optarg);
	case OPT_JSON:
		t->msg.json = true;
		return -1;
	case OPT_QUIET:
		t->msg.quiet = true;
		return -1;
	case OPT_LINT:
		return set_job(t, o, LINT, "--lint");
	case OPT_SIMPLIFY:
		return set_job(t, o, SIMPLIFY, "--simplify");
	case OPT_VERSION:
		return print_and_leave("tcpacl-check " PACKAGE_VERSION "\n");
	default:
		return -1;
	}
}

/* What getopt_long would not take. */
static int
bad_option(const struct acl_tool *t, int c, int at, char **argv)
{
	const char	*arg = argv[optind - 1];

	if (optopt > 0 && optopt < 256 && strncmp(argv[at], "--", 2) != 0)
		return msg_usage(&t->msg, c == ':' ?
		    "option -%c needs a value" : "unknown option -%c",
		    optopt);
	if (c == ':')
		return msg_usage(&t->msg, "option %s needs a value", arg);
	return msg_usage(&t->msg, "%s option %s", optopt != 0 ?
	    "a value does not go with" : "unknown or ambiguous", arg);
}

/* All of them.  Returns an exit status, or -1 to go on. */
static int
read_options(struct acl_tool *t, struct options *o, int argc, char **argv)
{
	int	c, at, status = -1;

	opterr = 0;
	while (status == -1) {
		at = optind;
		c = getopt_long(argc, argv, ":a:f:hv", longs, NULL);
		if (c == -1)
			break;
		if (c == '?' || c == ':')
			return bad_option(t, c, at, argv);
		status = option(t, o, c);
	}
	t->args = argv + optind;
	t->nargs = argc - optind;
	return status;
}

/* Do the options go together?  -1: yes. */
static int
check_options(struct acl_tool *t, const struct options *o)
{
	if (o->nlists == 0)
		return msg_usage(&t->msg,
		    "no access list: give -a LIST or -f FILE");
	if (o->job != ANSWER && t->nargs > 0)
		return msg_usage(&t->msg, "%s takes no addresses: \"%s\"",
		    o->job_name, t->args[0]);
	if (o->job != ANSWER && t->count)
		return msg_usage(&t->msg, "--count does not go with %s",
		    o->job_name);
	if (o->where != NULL && !t->filter && !t->count)
		return msg_usage(&t->msg,
		    "%s goes with --allowed, --denied or --count", o->where);
	if (o->where != NULL && o->job != ANSWER)
		return msg_usage(&t->msg, "%s does not go with %s", o->where,
		    o->job_name);
	if (t->explain && t->filter)
		return msg_usage(&t->msg, "--explain does not go with %s: "
		    "lines are printed unchanged", o->job_name);
	return -1;
}

/* Make the list.  Returns an exit status, or -1 to go on. */
static int
load(struct acl_tool *t, struct options *o)
{
	struct tcpk_acl_rule	 rule;
	struct tcpk_err		 err;
	int			 i, status;

	t->acl = tcpk_acl_new(o->job == LINT ? NULL : warn, t, &err);
	if (t->acl == NULL)
		goto fail;
	for (i = 0; i < o->nlists; i++) {
		status = add_list(t, o, &o->lists[i]);
		if (status != -1)
			return status;
	}
	if (tcpk_acl_compile(t->acl, &err) == -1)
		goto fail;
	tcpk_acl_rule(t->acl, 0, &rule);
	msg(&t->msg, MSG_INFO, &about_list, "%u rules; what none of them "
	    "matches is %s", (unsigned)tcpk_acl_rules(t->acl),
	    rule.allow ? "allowed" : "denied");
	if (o->stdin_taken && t->nargs == 0 && (o->job == ANSWER ||
	    (o->job == EXPECT && strcmp(o->expect, "-") == 0)))
		return msg_usage(&t->msg, "-f -: standard input cannot be "
		    "both the list and what is checked");
	return -1;
fail:
	msg_err(&t->msg, MSG_ERROR, &about_list, &err);
	return 2;
}

static int
run(struct acl_tool *t, const struct options *o)
{
	switch (o->job) {
	case EXPECT:
		return acl_expect(t, o->expect);
	case LINT:
		return acl_lint(t);
	case SIMPLIFY:
		return acl_simplify(t);
	case ANSWER:
		break;
	}
	return t->filter || o->where != NULL ? acl_filter(t) : acl_answer(t);
}

int
main(int argc, char **argv)
{
	struct options	 o = { .job = ANSWER };
	struct acl_tool	*t;
	int		 status;

	t = calloc(1, sizeof(*t));
	o.lists = calloc((size_t)argc + 1, sizeof(*o.lists));
	if (t == NULL || o.lists == NULL) {
		fprintf(stderr, "tcpacl-check: out of memory\n");
		return 2;
	}
	t->msg.tool = "tcpacl-check";
	t->out.fd = STDOUT_FILENO;
	t->field = 1;
	status = read_options(t, &o, argc, argv);
	if (status == -1)
		status = check_options(t, &o);
	if (status == -1)
		status = load(t, &o);
	if (status == -1)
		status = run(t, &o);
	tcpk_acl_free(t->acl);
	free(o.lists);
	free(t);
	return status;
}
