/*
 * test_monitor_parts: monitord's small parts that need no server: searching a
 * body that comes in pieces, and the histogram of its own lateness.
 */
#include "common/mem.h"
#include "daemons/monitord/http_match.h"
#include "daemons/monitord/lateness.h"
#include "test/tap.h"

static void
test_match(void)
{
	static const struct {
		const char *want, *text;
		bool found;
	} rows_[] = {
		{ "", "", true },
		{ "a", "", false },
		{ "abab", "aababb", true },
		{ "aab", "aaab", true },
		{ "abcabd", "abcabcabd", true },
		{ "abcabd", "abcabcab", false },
	};
	struct http_match m;
	size_t i, k, len;

	for (i = 0; i < ARRAY_LEN(rows_); i++) {
		len = strlen(rows_[i].text);
		for (k = 0; k <= len; k++) {
			http_match_init(&m, rows_[i].want);
			(void)http_match_add(&m, rows_[i].text, k);
			(void)http_match_add(&m, rows_[i].text + k, len - k);
			if (http_match_found(&m) != rows_[i].found)
				break;
		}
		is_int(k, len + 1, "\"%s\" in \"%s\", cut anywhere",
		    rows_[i].want, rows_[i].text);
	}
}

static void
test_lateness(void)
{
	static struct lateness l;
	usec_t v, p;

	is_int(lateness_quantile(&l, 990), 0, "none: 0");
	for (v = 0; v < 1000; v++)
		lateness_add(&l, v);
	p = lateness_quantile(&l, 990);
	ok(p >= 989 && p <= 999, "p99 of 0..999 is %d", (int)p);
	p = lateness_quantile(&l, 500);
	ok(p >= 499 && p <= 499 + 499 / 8, "median is %d", (int)p);
	lateness_add(&l, UINT64_MAX);
	ok(l.max == UINT64_MAX, "the largest is kept");
	ok(lateness_quantile(&l, 1000) >= UINT32_MAX, "and found");
}

int
main(void)
{
	test_match();
	test_lateness();
	return done();
}
