/*
 * conf_value: one value of the configuration as text and as a field of a
 * struct: parsed, printed, compared. One row of functions per type; what is
 * particular about a key (range, words, check) comes with its row.
 */
#include "common/conf_impl.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct why {
	char *text;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static int
refuse(const struct why *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(w->text, w->len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static uint64_t
load_uint(const void *field, size_t size)
{
	switch (size) {
	case 1:
		return *(const uint8_t *)field;
	case 2:
		return *(const uint16_t *)field;
	case 4:
		return *(const uint32_t *)field;
	default:
		return *(const uint64_t *)field;
	}
}

static void
store_uint(void *field, size_t size, uint64_t v)
{
	switch (size) {
	case 1:
		*(uint8_t *)field = (uint8_t)v;
		break;
	case 2:
		*(uint16_t *)field = (uint16_t)v;
		break;
	case 4:
		*(uint32_t *)field = (uint32_t)v;
		break;
	default:
		*(uint64_t *)field = v;
	}
}

/* Zeroes what is behind the text, so that fields compare as bytes. */
static void
store_text(const struct conf_row *r, const char *text, void *field)
{
	memset(field, 0, r->size);
	memcpy(field, text, strlen(text));
}

static int
parse_text(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	size_t i, n = strlen(text);

	if (n > r->max || n >= r->size)
		return refuse(
		    w, "is too long: at most %" PRIu64 " bytes", r->max);
	if (n < r->min)
		return refuse(w, "is empty; say something or leave it out");
	for (i = 0; i < n; i++)
		if (iscntrl((unsigned char)text[i]))
			return refuse(w, "has a control character in it "
					 "(a quote not closed?)");
	store_text(r, text, field);
	return 0;
}

static int
parse_name(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	if (strlen(text) > r->max || !name_valid(text))
		return refuse(w,
		    "\"%s\" is no name: use 1 to %" PRIu64
		    " letters, digits and . _ - : [ ], "
		    "the first a letter or digit",
		    text, r->max);
	store_text(r, text, field);
	return 0;
}

static int
parse_filename(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	if (text[0] != '/' && (text[0] != '\0' || r->min > 0))
		return refuse(w,
		    "\"%s\" must be a full path that begins "
		    "with /",
		    text);
	return parse_text(r, text, field, w);
}

static int
parse_uint(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end != '\0')
		return refuse(w,
		    "\"%s\" is no number: say one from %" PRIu64 " to %" PRIu64,
		    text, r->min, r->max);
	if (errno != 0 || v < r->min || v > r->max)
		return refuse(w,
		    "%s is out of range: say a number from %" PRIu64
		    " to %" PRIu64,
		    text, r->min, r->max);
	store_uint(field, r->size, v);
	return 0;
}

static int
parse_bool(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	bool yes = strcmp(text, "true") == 0;

	(void)r;
	if (!yes && strcmp(text, "false") != 0)
		return refuse(w, "\"%s\" is neither true nor false", text);
	*(bool *)field = yes;
	return 0;
}

static int
duration(const struct conf_row *r, const char *text, usec_t *ret,
    const struct why *w)
{
	char min[32], max[32];
	usec_t t;
	int rc = usec_parse(text, &t);

	(void)usec_format(r->min, min, sizeof(min));
	(void)usec_format(r->max, max, sizeof(max));
	if (rc == -EINVAL)
		return refuse(w,
		    "\"%s\" is no duration: say a number with a "
		    "unit (us, ms, s, m, h, d), from %s to %s",
		    text, min, max);
	if (rc < 0 || t < r->min || t > r->max)
		return refuse(w,
		    "%s is out of range: say a duration from %s "
		    "to %s",
		    text, min, max);
	*ret = t;
	return 0;
}

static int
parse_duration(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	return duration(r, text, field, w);
}

static int
parse_auto(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	if (strcmp(text, "auto") == 0) {
		*(usec_t *)field = 0;
		return 0;
	}
	return duration(r, text, field, w);
}

static int
parse_seconds(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	usec_t t;
	int rc = duration(r, text, &t, w);

	if (rc < 0)
		return rc;
	if (t % USEC_S != 0)
		return refuse(w, "%s must be whole seconds", text);
	store_uint(field, r->size, t / USEC_S);
	return 0;
}

static int
parse_address(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	static const uint8_t zero[16];
	struct addr a;

	(void)r;
	if (addr_parse(text, &a) < 0)
		return refuse(w,
		    "\"%s\" is no address: write a numeric one, "
		    "like 192.0.2.10 or 2001:db8::10",
		    text);
	if (memcmp(a.bytes, zero, addr_len(&a)) == 0)
		return refuse(w, "%s is not the address of anything", text);
	*(struct addr *)field = a;
	return 0;
}

static int
parse_prefix(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	struct conf_vip *v = field;
	unsigned bits;
	struct addr a;

	if (addr_parse_prefix(text, &a, &bits) < 0 || bits == 0)
		return refuse(w,
		    "\"%s\" is no address/prefix: write a numeric "
		    "one, like 192.0.2.10/24",
		    text);
	v->bits = bits;
	(void)r;
	v->addr = a;
	return 0;
}

static void
list_words(const struct conf_word *words, char *buf, size_t len)
{
	FILE *f = fmemopen(buf, len, "w");

	buf[0] = '\0';
	if (f == NULL)
		return;
	for (; words->text != NULL; words++)
		fprintf(f, "%s%s", words->text,
		    words[1].text == NULL   ? ""
		    : words[2].text == NULL ? " or "
					    : ", ");
	(void)fclose(f);
	buf[len - 1] = '\0';
}

static const struct conf_word *
word_find(const struct conf_row *r, const char *text, const struct why *w)
{
	const struct conf_word *word;
	char known[128];

	for (word = r->words; word->text != NULL; word++)
		if (strcmp(word->text, text) == 0)
			return word;
	list_words(r->words, known, sizeof(known));
	(void)refuse(w, "\"%s\" is not known here: say %s", text, known);
	return NULL;
}

static int
parse_enum(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	const struct conf_word *word = word_find(r, text, w);

	if (word == NULL)
		return -EINVAL;
	store_uint(field, r->size, word->value);
	return 0;
}

static int
parse_words(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	const struct conf_word *word;

	if (text[0] == '\0')
		return 0;
	word = word_find(r, text, w);
	if (word == NULL)
		return -EINVAL;
	*(uint32_t *)field |= 1u << (word - r->words);
	return 0;
}

/* One more of a list. */
static int
parse_witness(const struct conf_row *r, const char *text, void *field,
    const struct why *w)
{
	struct conf_witnesses *list = field;
	struct conf_witness one = { .gateway = strcmp(text, "gateway") == 0 };
	int rc = 0;

	if (text[0] == '\0')
		return 0;
	if (list->n == CONF_WITNESSES_MAX)
		return refuse(w, "has more than %d; the first few will do",
		    CONF_WITNESSES_MAX);
	if (!one.gateway)
		rc = parse_address(r, text, &one.addr, w);
	if (rc == 0)
		list->list[list->n++] = one;
	return rc;
}

static void
print_name(const struct conf_row *r, const void *field, FILE *f)
{
	(void)r;
	fputs(field, f);
}

static void
print_text(const struct conf_row *r, const void *field, FILE *f)
{
	const char *s = field;

	(void)r;
	fputc('"', f);
	for (; *s != '\0'; s++) {
		if (strchr("\"\\$", *s) != NULL)
			fputc('\\', f);
		fputc(*s, f);
	}
	fputc('"', f);
}

static void
print_uint(const struct conf_row *r, const void *field, FILE *f)
{
	fprintf(f, "%" PRIu64, load_uint(field, r->size));
}

static void
print_bool(const struct conf_row *r, const void *field, FILE *f)
{
	(void)r;
	fputs(*(const bool *)field ? "true" : "false", f);
}

static void
print_duration(const struct conf_row *r, const void *field, FILE *f)
{
	char buf[32];
	usec_t t = load_uint(field, r->size);

	if (r->type == VALUE_SECONDS)
		t *= USEC_S;
	if (r->type == VALUE_DURATION_AUTO && t == 0)
		fputs("auto", f);
	else
		fputs(usec_format(t, buf, sizeof(buf)), f);
}

static void
print_address(const struct conf_row *r, const void *field, FILE *f)
{
	char buf[ADDR_TEXT_MAX];

	(void)r;
	fputs(addr_format(field, buf, sizeof(buf)), f);
}

static void
print_prefix(const struct conf_row *r, const void *field, FILE *f)
{
	const struct conf_vip *v = field;

	print_address(r, &v->addr, f);
	fprintf(f, "/%u", v->bits);
}

static void
print_enum(const struct conf_row *r, const void *field, FILE *f)
{
	const struct conf_word *word;

	for (word = r->words; word->text != NULL; word++)
		if (word->value == load_uint(field, r->size))
			fputs(word->text, f);
}

static void
print_words(const struct conf_row *r, const void *field, FILE *f)
{
	const struct conf_word *word;
	const char *sep = "";

	fputc('{', f);
	for (word = r->words; word->text != NULL; word++) {
		if ((*(const uint32_t *)field & 1u << (word - r->words)) == 0)
			continue;
		fprintf(f, "%s%s", sep, word->text);
		sep = ", ";
	}
	fputc('}', f);
}

static void
print_witnesses(const struct conf_row *r, const void *field, FILE *f)
{
	const struct conf_witnesses *list = field;
	size_t i;

	fputc('{', f);
	for (i = 0; i < list->n; i++) {
		fputs(i > 0 ? ", " : "", f);
		if (list->list[i].gateway)
			fputs("gateway", f);
		else
			print_address(r, &list->list[i].addr, f);
	}
	fputc('}', f);
}

static const struct value_ops {
	int (*parse)(const struct conf_row *r, const char *text, void *field,
	    const struct why *w);
	void (*print)(const struct conf_row *r, const void *field, FILE *f);
} ops[VALUE__TYPES] = {
	[VALUE_NAME] = { parse_name, print_name },
	[VALUE_TEXT] = { parse_text, print_text },
	[VALUE_FILENAME] = { parse_filename, print_text },
	[VALUE_UINT] = { parse_uint, print_uint },
	[VALUE_BOOL] = { parse_bool, print_bool },
	[VALUE_DURATION] = { parse_duration, print_duration },
	[VALUE_DURATION_AUTO] = { parse_auto, print_duration },
	[VALUE_SECONDS] = { parse_seconds, print_duration },
	[VALUE_ADDRESS] = { parse_address, print_address },
	[VALUE_PREFIX] = { parse_prefix, print_prefix },
	[VALUE_ENUM] = { parse_enum, print_enum },
	[VALUE_WORDS] = { parse_words, print_words },
	[VALUE_WITNESSES] = { parse_witness, print_witnesses },
};

bool
conf_is_list(enum conf_value type)
{
	return type == VALUE_WORDS || type == VALUE_WITNESSES;
}

int
conf_value_parse(const struct conf_row *r, const char *text, void *base,
    char *why, size_t len)
{
	void *field = (char *)base + r->offset;
	const struct why w = { why, len };
	const char *wrong;
	int rc;

	rc = ops[r->type].parse(r, text, field, &w);
	if (rc < 0 || r->check == NULL)
		return rc;
	wrong = r->check(field);
	if (wrong != NULL)
		return refuse(&w, "\"%s\" will not do: %s", text, wrong);
	return 0;
}

void
conf_value_print(const struct conf_row *r, const void *base, FILE *out)
{
	ops[r->type].print(r, (const char *)base + r->offset, out);
}

bool
conf_value_same(
    const struct conf_row *r, const void *base_a, const void *base_b)
{
	const void *a = (const char *)base_a + r->offset;
	const void *b = (const char *)base_b + r->offset;

	/* struct conf_vip's bits lie behind its address */
	if (r->type == VALUE_PREFIX)
		return addr_cmp(a, b) == 0 &&
		       ((const struct conf_vip *)a)->bits ==
			   ((const struct conf_vip *)b)->bits;
	return memcmp(a, b, r->size) == 0;
}
