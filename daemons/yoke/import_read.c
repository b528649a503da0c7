/*
 * import_read: which reader a file is for. In an ldirectord.cf every line is
 * key=value, in a keepalived.conf none is.
 */
#include <string.h>

#include "daemons/yoke/import.h"

/* The first line that is not empty and no comment. */
static const char *
first_line(const char *s)
{
	for (;;) {
		s += strspn(s, " \t\r\n");
		if (*s != '#' && *s != '!')
			return s;
		s += strcspn(s, "\n");
	}
}

int
imp_read(struct imp *m, char *text, size_t len)
{
	const char *s = first_line(text);
	size_t word = strspn(s, "abcdefghijklmnopqrstuvwxyz_6");

	if (*s == '\0')
		return imp_fail(m, 0, "there is nothing in it");
	s += word;
	s += strspn(s, " \t");
	return word > 0 && *s == '=' ? imp_ldirectord(m, text, len)
				     : imp_keepalived(m, text, len);
}
