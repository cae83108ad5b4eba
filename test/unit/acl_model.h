/*
 * acl_model: what a list means, said as plainly as possible.
 *
 * The rules are walked from the last to the first, with numbers of 16 bytes
 * compared byte by byte; it shares no code with the library.  The unit tests
 * and the fuzz target compare the library with it.
 */
#ifndef ACL_MODEL_H
#define ACL_MODEL_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct model_rule {
	bool		allow, all;
	uint8_t		first[16], last[16];	/* IPv4 as mapped */
};

struct model {
	struct model_rule *rule;
	size_t		 n;
};

static inline bool
model_is4(const uint8_t a[16])
{
	static const uint8_t	mapped[12] =
	    { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

	return memcmp(a, mapped, 12) == 0;
}

static inline bool
model_rule4(const struct model_rule *r)
{
	return model_is4(r->first) && model_is4(r->last);
}

static inline bool
model_matches(const struct model_rule *r, const uint8_t a[16])
{
	if (r->all)
		return true;
	if (model_rule4(r) != model_is4(a))
		return false;
	return memcmp(r->first, a, 16) <= 0 && memcmp(a, r->last, 16) <= 0;
}

/* Does the rule take in a whole family? */
static inline bool
model_whole(const struct model_rule *r)
{
	int	i, from = model_rule4(r) ? 12 : 0;

	if (r->all)
		return true;
	for (i = from; i < 16; i++)
		if (r->first[i] != 0 || r->last[i] != 0xff)
			return false;
	return true;
}

/* The verdict; *rule is the number of the rule, 0 for the default. */
static inline bool
model_check(const struct model *m, const uint8_t a[16], uint32_t *rule)
{
	size_t	n;

	for (n = m->n; n > 0; n--) {
		if (model_matches(&m->rule[n - 1], a)) {
			*rule = (uint32_t)n;
			return m->rule[n - 1].allow;
		}
	}
	*rule = 0;
	return m->n == 0 ||
	    (!m->rule[0].allow && !model_whole(&m->rule[0]));
}

static inline void
model_network(struct model_rule *r, unsigned bits)
{
	unsigned	i;

	for (i = 0; i < 16; i++) {
		unsigned	keep = bits > 8 * i ? bits - 8 * i : 0;
		uint8_t		host = keep >= 8 ? 0 : 0xff >> keep;

		r->last[i] = r->first[i] | host;
		r->first[i] &= (uint8_t)~host;
	}
}

static inline bool
model_address(uint8_t a[16], const char *text)
{
	memset(a, 0, 16);
	a[10] = a[11] = 0xff;
	return inet_pton(AF_INET, text, a + 12) == 1 ||
	    inet_pton(AF_INET6, text, a) == 1;
}

/*
 * Add a rule as the library writes them: an address, a network by length, a
 * range, or all.  False when it is anything else.
 */
static inline bool
model_add(struct model *m, const char *text)
{
	struct model_rule	r = { .allow = text[0] == '+' };
	char			buf[200], *rest;

	if (strlen(text) >= sizeof(buf) || (text[0] != '+' && text[0] != '-'))
		return false;
	strcpy(buf, text + 1);
	rest = buf + strcspn(buf, "-/");
	r.all = strcmp(buf, "all") == 0;
	if (!r.all) {
		char	kind = *rest;

		*rest = '\0';
		if (!model_address(r.first, buf))
			return false;
		memcpy(r.last, r.first, 16);
		if (kind == '-' && !model_address(r.last, rest + 1))
			return false;
		if (kind == '/')
			model_network(&r, (strchr(buf, ':') == NULL ? 96 : 0)
			    + (unsigned)atoi(rest + 1));
	}
	m->rule = realloc(m->rule, (m->n + 1) * sizeof(r));
	if (m->rule == NULL)
		abort();
	m->rule[m->n++] = r;
	return true;
}

static inline void
model_free(struct model *m)
{
	free(m->rule);
	memset(m, 0, sizeof(*m));
}

#endif
