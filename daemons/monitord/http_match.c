/*
 * http_match: KMP search, one byte at a time.
 */
#include "daemons/monitord/http_match.h"

#include <string.h>

/* How much of want matches when c follows k matching bytes. */
static size_t
step(const struct http_match *m, size_t k, char c)
{
	while (k > 0 && (k >= m->len || m->want[k] != c))
		k = m->border[k - 1];
	return k < m->len && m->want[k] == c ? k + 1 : 0;
}

void
http_match_init(struct http_match *m, const char *want)
{
	size_t i;

	m->len = strnlen(want, CONF_TEXT_LEN - 1);
	memcpy(m->want, want, m->len);
	m->want[m->len] = '\0';
	m->matched = 0;
	m->border[0] = 0;
	for (i = 1; i < m->len; i++)
		m->border[i] = (uint8_t)step(m, m->border[i - 1], want[i]);
}

bool
http_match_found(const struct http_match *m)
{
	return m->matched == m->len;
}

bool
http_match_add(struct http_match *m, const char *piece, size_t len)
{
	size_t i;

	for (i = 0; i < len && !http_match_found(m); i++)
		m->matched = step(m, m->matched, piece[i]);
	return http_match_found(m);
}
