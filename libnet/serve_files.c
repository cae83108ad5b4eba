/* What a listener reads from files, and reads again when asked to. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_impl.h"

static void
on_warning(void *arg, const char *text)
{
	struct tcpk_serve	*s = arg;

	if (s->handler.warning != NULL)
		s->handler.warning(s->arg, text);
}

/* Several addresses may have such a list: of which one is it? */
static void
on_list_warning(void *arg, const char *text)
{
	struct tcpk_serve	*s = arg;
	char			 named[400];

	snprintf(named, sizeof(named), "%s (%.100s)", text, s->ep->text);
	on_warning(s, named);
}

static int
add_list(struct tcpk_serve *s, struct tcpk_acl *acl, const char *name,
    const char *list, struct tcpk_err *err)
{
	struct tcpk_err	why;

	if (list == NULL || tcpk_acl_add_text(acl, name, list, strlen(list),
	    &why) == 0)
		return 0;
	return tcpk_err_set(err, why.kind, "%s (%.100s)", why.text,
	    s->ep->text);
}

static int
read_acl(struct tcpk_serve *s, struct tcpk_acl **acl, struct tcpk_err *err)
{
	const struct tcpk_options	*o = &s->ep->o;

	*acl = NULL;
	if (o->acl == NULL && o->acl_file == NULL)
		return 0;
	*acl = tcpk_acl_new(o->acl != NULL ? on_list_warning : on_warning, s,
	    err);
	if (*acl == NULL)
		return -1;
	if ((o->acl_file != NULL &&
	    tcpk_acl_add_file(*acl, o->acl_file, err) == -1) ||
	    add_list(s, *acl, "acl", o->acl, err) == -1 ||
	    tcpk_acl_compile(*acl, err) == -1) {
		tcpk_acl_free(*acl);
		return -1;
	}
	return 0;
}

/* Who may send PROXY headers. */
static int
read_senders(struct tcpk_serve *s, struct tcpk_acl **acl,
    struct tcpk_err *err)
{
	const struct tcpk_options	*o = &s->ep->o;
	char				 text[200];

	*acl = NULL;
	if (o->proxy_protocol != 0 && o->proxy_senders == NULL) {
		/* Said once.  Of a Unix socket its mode is the list. */
		if (s->files != NULL || s->ep->scheme == TCPK_UNIX)
			return 0;
		snprintf(text, sizeof(text), "%.100s: PROXY headers are "
		    "believed from any sender: no list says from whom",
		    s->ep->text);
		on_warning(s, text);
	}
	if (o->proxy_senders == NULL)
		return 0;
	*acl = tcpk_acl_new(on_list_warning, s, err);
	if (*acl != NULL && add_list(s, *acl, "proxy-protocol",
	    o->proxy_senders, err) == 0 && tcpk_acl_compile(*acl, err) == 0)
		return 0;
	tcpk_acl_free(*acl);
	*acl = NULL;
	return -1;
}

static struct tcpk_serve_files *
read_files(struct tcpk_serve *s, struct tcpk_err *err)
{
	struct tcpk_serve_files	*f = calloc(1, sizeof(*f));

	if (f == NULL) {
		tcpk_err_set(err, TCPK_EIO, "out of memory");
		return NULL;
	}
	if (read_acl(s, &f->acl, err) == -1) {
		free(f);
		return NULL;
	}
	if (read_senders(s, &f->senders, err) == -1) {
		tcpk_serve_files_free(f);
		return NULL;
	}
	f->ep = s->ep;
	if (s->ep->scheme != TCPK_TLS)
		return f;
	f->tls = s->files == NULL || s->files->tls == NULL ?
	    tcpk_tls_config_new(s->ep, on_warning, s, err) :
	    tcpk_tls_config_again(s->files->tls, s->ep, on_warning, s, err);
	if (f->tls != NULL)
		return f;
	tcpk_serve_files_free(f);
	return NULL;
}

struct tcpk_serve_files *
tcpk_serve_read_as(struct tcpk_serve *s, const struct tcpk_endpoint *ep,
    struct tcpk_err *err)
{
	const struct tcpk_endpoint	*now = s->ep;
	struct tcpk_serve_files		*f;

	s->ep = ep;
	f = read_files(s, err);
	s->ep = now;
	return f;
}

struct tcpk_serve_files *
tcpk_serve_read(struct tcpk_serve *s, struct tcpk_err *err)
{
	return tcpk_serve_read_as(s, s->ep, err);
}

void
tcpk_serve_files_free(struct tcpk_serve_files *f)
{
	if (f == NULL)
		return;
	tcpk_acl_free(f->acl);
	tcpk_acl_free(f->senders);
	tcpk_tls_config_free(f->tls);
	free(f);
}

void
tcpk_serve_use(struct tcpk_serve *s, struct tcpk_serve_files *f)
{
	tcpk_serve_files_free(s->files);
	s->files = f;
	s->ep = f->ep;
	if (s->limits != NULL)
		tcpk_limits_change(s->limits, s->ep->o.max_clients,
		    s->ep->o.max_per_host);
	/* There may be room now for those who wait. */
	if (s->full)
		tcpk_timer_set(&s->again, tcpk_now());
}

struct tcpk_tls_cert *
tcpk_serve_cert(const struct tcpk_serve *s, size_t i)
{
	return s->files->tls != NULL ?
	    tcpk_tls_config_cert(s->files->tls, i) : NULL;
}
