/* record_text: what a file of --hexdump says, but for the time. */
#ifndef RECORD_TEXT_H
#define RECORD_TEXT_H

#include "record_read.h"

/* Every time becomes T, if it is one. */
static char *
masked(const char *path)
{
	static const char	like[] = "0000-00-00T00:00:00.000000Z ";
	size_t			len, i, at = 0;
	char			*text = (char *)read_file(path, &len), *p;

	for (p = text; *p != '\0'; p++) {
		for (i = 0; like[i] != '\0'; i++)
			if (like[i] == '0' ? p[i] < '0' || p[i] > '9' :
			    p[i] != like[i])
				break;
		if (like[i] == '\0') {
			text[at++] = 'T';
			p += i - 1;
		}
		while (*p != '\n' && *p != '\0')
			text[at++] = *p++;
		text[at++] = '\n';
	}
	text[at] = '\0';
	return text;
}

static void
is_text(const char *path, const char *want, const char *what)
{
	char	*text = masked(path);

	ok(strcmp(text, want) == 0, "%s", what);
	if (strcmp(text, want) != 0)
		note("instead:\n%s", text);
	free(text);
}

#endif
