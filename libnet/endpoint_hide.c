/* Passwords that are written in an address, before anybody reads them. */

#include <string.h>

#include "endpoint_impl.h"

/* Where the next URL or the next option begins, or the text is over. */
static char *
end_of(char *p)
{
	for (; *p != '\0'; p++)
		if (strncmp(p, "://", 3) == 0 ||
		    (*p == ',' && tcpk__options_begin(p + 1)))
			break;
	return p;
}

/* user:password@, with anything at all in the password, be it wrong. */
static bool
hide_login(char *p, char *end)
{
	char	*at = end;

	while (at > p && *at != '@')
		at--;
	while (p < at && *p != ':')
		p++;
	if (p + 1 >= at)
		return false;
	memset(p + 1, 'x', (size_t)(at - p) - 1);
	return true;
}

bool
tcpk_endpoint_hide(char *text)
{
	bool	 found = false;
	char	*p;

	for (p = text; *p != '\0'; p++) {
		if (strncmp(p, "://", 3) == 0)
			p += 3;
		else if (strncmp(p, ",via=", 5) == 0)
			p += 5;
		else
			continue;
		found |= hide_login(p, end_of(p));
		/* What comes next may follow at once. */
		p--;
	}
	return found;
}
