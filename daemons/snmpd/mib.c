/*
 * mib: see mib.h. A group is a matrix of values: rows of the table by columns; a
 * group of scalars is a table of one row without an index. GETNEXT in a table
 * goes down a column and then to the next one.
 */
#include "daemons/snmpd/mib.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "watch/status_get.h"

#define STEPS_TEXT 160
#define INDEX_MAX 2
#define OBJECTS_MAX 20 /* of a group */

enum kind {
	STRING,
	BOOL,
	NUM,
	COUNT,
	BIG,
	MAYBE,
#define ENUM(name, words) name,
#include "schema/mib.def"
	KIND__LAST
};

static const struct object {
	uint32_t group, number;
	enum kind kind;
	const char *path;
} objects[] = {
#define OBJ(group, number, name, type, path, help) \
	{ group, number, type, path },
#include "schema/mib.def"
};

static const struct group_row {
	uint32_t number;
	bool table;
	const char *at;
} group_rows[] = {
#define SCALARS(group, name, at) { group, false, at },
#define TABLE(group, name, at) { group, true, at },
#include "schema/mib.def"
};

static const struct {
	const char *name, *words;
} enums[KIND__LAST] = {
#define ENUM(name, words) [name] = { #name, words },
#include "schema/mib.def"
};

#define GROUPS ARRAY_LEN(group_rows)

/* One row of a table. */
struct row {
	uint32_t index[INDEX_MAX];
	const json_t *item;
	char *own; /* text of ours; NULL: none */
};

struct group {
	const struct group_row *row;
	const struct object *columns;
	size_t n_columns, n_rows, n_index;
	struct row *rows;
	struct mib_value *values; /* n_rows times n_columns */
};

struct mib {
	json_t *status;
	usec_t when;
	struct group groups[GROUPS];
};

/* ---- words ---- */

/* The words have blanks where the status has them, as "by hand". */
static unsigned
word_number(const char *words, const char *word)
{
	size_t n = strlen(word), k, i;
	unsigned number = 1;

	for (; *words != '\0'; words += k + (words[k] == ' '), number++) {
		k = strcspn(words, " ");
		if (k != n || n == 0)
			continue;
		for (i = 0; i < n; i++)
			if (words[i] != (word[i] == ' ' ? '-' : word[i]))
				break;
		if (i == n)
			return number;
	}
	return 0;
}

unsigned
mib_word(const char *name, const char *word)
{
	size_t i;

	for (i = 0; i < KIND__LAST; i++)
		if (enums[i].name != NULL && strcmp(enums[i].name, name) == 0)
			return word_number(enums[i].words, word);
	return 0;
}

/* ---- values ---- */

static struct mib_value
integer(int64_t v)
{
	if (v > INT32_MAX)
		v = INT32_MAX;
	return (struct mib_value){ MIB_INTEGER, (uint64_t)v, "" };
}

static struct mib_value
gauge(uint64_t v)
{
	return (struct mib_value){ MIB_GAUGE,
		v > UINT32_MAX ? UINT32_MAX : v, "" };
}

static struct mib_value
string(const char *text)
{
	return (struct mib_value){ MIB_STRING, 0, text };
}

/* Not negative, whatever the status has. */
static uint64_t
number(const json_t *v)
{
	int64_t n = json_integer_value(v);

	return n > 0 ? (uint64_t)n : 0;
}

static struct mib_value
value_of(enum kind kind, const json_t *v)
{
	const char *text = json_string_value(v);

	switch (kind) {
	case STRING:
		return string(text != NULL ? text : "");
	case BOOL:
		return integer(json_is_true(v) ? 1 : 2);
	case NUM:
		return gauge(number(v));
	case COUNT:
	case BIG:
		return (struct mib_value){ MIB_COUNTER64, number(v), "" };
	case MAYBE:
		return integer(json_is_integer(v) ? (int64_t)number(v) : -1);
	default:
		return integer(
		    word_number(enums[kind].words, text != NULL ? text : ""));
	}
}

/* ---- what is computed ---- */

struct look {
	const struct mib *m, *before;
	const struct group *group, *group_before;
	size_t row;
};

static struct mib_value
get_alarms(const struct look *l)
{
	return gauge(json_array_size(get_at(l->m->status, "alarms")));
}

static struct mib_value
get_servers(const struct look *l)
{
	return gauge(json_array_size(
	    get_at(l->group->rows[l->row].item, "servers")));
}

static struct mib_value
get_serving(const struct look *l)
{
	const json_t *list = get_at(l->group->rows[l->row].item, "servers");
	size_t i, n = 0;

	for (i = 0; i < json_array_size(list); i++)
		n += get_num_at(json_array_get(list, i), "weight") > 0;
	return gauge(n);
}

/* Of a counter that may have begun anew. */
static struct mib_value
rate(const struct look *l, const char *key)
{
	const struct row *now = &l->group->rows[l->row], *was;
	int64_t n = get_num_at(now->item, key), k;
	usec_t took;

	if (l->before == NULL || l->row >= l->group_before->n_rows)
		return gauge(0);
	was = &l->group_before->rows[l->row];
	k = get_num_at(was->item, key);
	took = l->m->when - l->before->when;
	if (took == 0 || n < k || was->index[0] != now->index[0] ||
	    strcmp(get_str_at(was->item, "name"),
		get_str_at(now->item, "name")) != 0)
		return gauge(0);
	return gauge((uint64_t)((double)(n - k) * (double)USEC_S /
				    (double)took + 0.5));
}

static struct mib_value
get_conn_rate(const struct look *l)
{
	return rate(l, "conns");
}

static struct mib_value
get_in_rate(const struct look *l)
{
	return rate(l, "in_bytes");
}

static struct mib_value
get_steps(const struct look *l)
{
	struct row *r = &l->group->rows[l->row];
	const json_t *list = get_at(r->item, "steps"), *s;
	size_t i, n = 0;

	r->own = calloc(1, STEPS_TEXT);
	for (i = 0; r->own != NULL && i < json_array_size(list); i++) {
		s = json_array_get(list, i);
		n += (size_t)snprintf(r->own + n, STEPS_TEXT - n,
		    "%s%.16s %llu", i > 0 ? ", " : "", get_str_at(s, "name"),
		    (unsigned long long)number(get_at(s, "us")));
		if (n >= STEPS_TEXT)
			break;
	}
	return string(r->own != NULL ? r->own : "");
}

/* Set by mib_set_live(). */
static struct mib_value
get_later(const struct look *l)
{
	(void)l;
	return gauge(0);
}

static const struct {
	const char *path;
	struct mib_value (*fn)(const struct look *l);
} computed[] = {
	{ "=alarms", get_alarms },
	{ "=answers", get_later },
	{ "=age", get_later },
	{ "=servers", get_servers },
	{ "=serving", get_serving },
	{ "=conn_rate", get_conn_rate },
	{ "=in_rate", get_in_rate },
	{ "=steps", get_steps },
};

static struct mib_value
compute(const struct look *l, const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(computed); i++)
		if (strcmp(computed[i].path, path) == 0)
			return computed[i].fn(l);
	return string("");
}

/* ---- making it ---- */

static int
add_row(struct group *g, uint32_t a, uint32_t b, const json_t *item)
{
	struct row *p = g->rows;

	if ((g->n_rows & (g->n_rows - 1)) == 0) { /* 0 or a power of two */
		p = realloc(p, (g->n_rows > 0 ? g->n_rows * 2 : 1) *
				   sizeof(*p));
		if (p == NULL)
			return -1;
		g->rows = p;
	}
	p[g->n_rows++] = (struct row){ { a, b }, item, NULL };
	return 0;
}

/* at: "peer", "paths[]", "services[].servers[]", "" */
static int
find_rows(struct group *g, const json_t *status)
{
	const char *at = g->row->at, *inner = strstr(at, "].");
	const json_t *list, *more;
	char key[64];
	size_t i, k;

	(void)snprintf(key, sizeof(key), "%.*s", (int)strcspn(at, "["), at);
	list = key[0] != '\0' ? get_at(status, key) : status;
	if (!g->row->table)
		return add_row(g, 0, 0, list);
	g->n_index = inner != NULL ? 2 : 1;
	for (i = 0; i < json_array_size(list); i++) {
		if (inner == NULL) {
			if (add_row(g, (uint32_t)i + 1, 0,
				json_array_get(list, i)) < 0)
				return -1;
			continue;
		}
		(void)snprintf(key, sizeof(key), "%.*s",
		    (int)strcspn(inner + 2, "["), inner + 2);
		more = get_at(json_array_get(list, i), key);
		for (k = 0; k < json_array_size(more); k++)
			if (add_row(g, (uint32_t)i + 1, (uint32_t)k + 1,
				json_array_get(more, k)) < 0)
				return -1;
	}
	return 0;
}

static void
fill(struct mib *m, struct group *g, const struct mib *before)
{
	struct look l = { .m = m, .before = before, .group = g };
	size_t r, c;

	if (before != NULL)
		l.group_before = &before->groups[g - m->groups];
	for (r = 0; r < g->n_rows; r++)
		for (c = 0; c < g->n_columns; c++) {
			const struct object *o = &g->columns[c];

			l.row = r;
			g->values[r * g->n_columns + c] = o->path[0] == '='
			    ? compute(&l, o->path)
			    : value_of(o->kind,
				  get_at(g->rows[r].item, o->path));
		}
}

static int
make_group(struct mib *m, size_t i, const struct mib *before)
{
	struct group *g = &m->groups[i];
	size_t k;

	g->row = &group_rows[i];
	for (k = 0; k < ARRAY_LEN(objects); k++) {
		if (objects[k].group != g->row->number)
			continue;
		if (g->n_columns++ == 0)
			g->columns = &objects[k];
	}
	if (find_rows(g, m->status) < 0)
		return -1;
	if (g->n_rows == 0)
		return 0;
	g->values = calloc(g->n_rows * g->n_columns, sizeof(*g->values));
	if (g->values == NULL)
		return -1;
	fill(m, g, before);
	return 0;
}

void
mib_free(struct mib *m)
{
	size_t i, r;

	if (m == NULL)
		return;
	for (i = 0; i < GROUPS; i++) {
		for (r = 0; r < m->groups[i].n_rows; r++)
			free(m->groups[i].rows[r].own);
		free(m->groups[i].rows);
		free(m->groups[i].values);
	}
	json_decref(m->status);
	free(m);
}

struct mib *
mib_new(json_t *status, usec_t when, const struct mib *before)
{
	struct mib *m = mem_new(struct mib);
	size_t i;

	m->status = status;
	m->when = when;
	for (i = 0; i < GROUPS; i++)
		if (make_group(m, i, before) < 0) {
			m->status = NULL;
			mib_free(m);
			return NULL;
		}
	mib_set_live(m, true, when);
	return m;
}

const json_t *
mib_status(const struct mib *m)
{
	return m->status;
}

void
mib_set_live(struct mib *m, bool answers, usec_t now)
{
	struct group *g;
	size_t i, c;

	for (i = 0; i < GROUPS; i++) {
		g = &m->groups[i];
		for (c = 0; c < g->n_columns && g->n_rows > 0; c++) {
			if (strcmp(g->columns[c].path, "=answers") == 0)
				g->values[c] = integer(answers ? 1 : 2);
			if (strcmp(g->columns[c].path, "=age") == 0)
				g->values[c] = gauge(
				    (now - m->when) / USEC_MS);
		}
	}
}

/* ---- finding ---- */

/* The suffix of a value. */
static size_t
suffix_of(const struct group *g, size_t row, size_t column, uint32_t *ret)
{
	size_t n = 0, i;

	ret[n++] = MIB_OBJECTS;
	ret[n++] = g->row->number;
	if (g->row->table)
		ret[n++] = 1; /* the entry */
	ret[n++] = g->columns[column].number;
	for (i = 0; i < g->n_index; i++)
		ret[n++] = g->rows[row].index[i];
	if (!g->row->table)
		ret[n++] = 0;
	return n;
}

static int
suffix_cmp(const uint32_t *a, size_t n, const uint32_t *b, size_t k)
{
	size_t i;

	for (i = 0; i < n && i < k; i++)
		if (a[i] != b[i])
			return a[i] < b[i] ? -1 : 1;
	return (n > k) - (n < k);
}

/* The first value of a group behind suffix, by halving: they are in order,
 * column by column. -1: none. */
static long
first_behind(const struct group *g, const uint32_t *suffix, size_t len)
{
	size_t lo = 0, hi = g->n_rows * g->n_columns, mid, n;
	size_t all = hi;
	uint32_t at[MIB_SUFFIX_MAX];

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		n = suffix_of(g, mid % g->n_rows, mid / g->n_rows, at);
		if (suffix_cmp(at, n, suffix, len) > 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo < all ? (long)lo : -1;
}

static struct mib_value
value_at(const struct group *g, size_t place)
{
	return g->values[place % g->n_rows * g->n_columns + place / g->n_rows];
}

enum mib_found
mib_next(const struct mib *m, const uint32_t *suffix, size_t len,
    uint32_t ret_suffix[MIB_SUFFIX_MAX], size_t *ret_len,
    struct mib_value *ret)
{
	const struct group *g;
	long place;
	size_t i;

	for (i = 0; i < GROUPS; i++) {
		g = &m->groups[i];
		place = first_behind(g, suffix, len);
		if (place < 0)
			continue;
		*ret_len = suffix_of(g, (size_t)place % g->n_rows,
		    (size_t)place / g->n_rows, ret_suffix);
		*ret = value_at(g, (size_t)place);
		return MIB_FOUND;
	}
	return MIB_END;
}

/* Whether the suffix is of an object that there is, with any instance. */
static bool
is_object(const uint32_t *suffix, size_t len)
{
	size_t i, g, at;

	for (i = 0; i < ARRAY_LEN(objects); i++) {
		for (g = 0; group_rows[g].number != objects[i].group; g++)
			;
		at = group_rows[g].table ? 3 : 2;
		if (len > at && suffix[0] == MIB_OBJECTS &&
		    suffix[1] == objects[i].group &&
		    (!group_rows[g].table || suffix[2] == 1) &&
		    suffix[at] == objects[i].number)
			return true;
	}
	return false;
}

enum mib_found
mib_get(const struct mib *m, const uint32_t *suffix, size_t len,
    struct mib_value *ret)
{
	uint32_t at[MIB_SUFFIX_MAX];
	const struct group *g;
	size_t i, n, lo, hi, mid;
	int c;

	for (i = 0; i < GROUPS; i++) {
		g = &m->groups[i];
		if (len < 3 || suffix[1] != g->row->number)
			continue;
		lo = 0;
		hi = g->n_rows * g->n_columns;
		while (lo < hi) {
			mid = lo + (hi - lo) / 2;
			n = suffix_of(
			    g, mid % g->n_rows, mid / g->n_rows, at);
			c = suffix_cmp(at, n, suffix, len);
			if (c == 0) {
				*ret = value_at(g, mid);
				return MIB_FOUND;
			}
			if (c > 0)
				hi = mid;
			else
				lo = mid + 1;
		}
	}
	return is_object(suffix, len) ? MIB_NO_INSTANCE : MIB_NO_OBJECT;
}
