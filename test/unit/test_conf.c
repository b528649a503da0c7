/*
 * test_conf: yoke.conf, by goldens and by hand. Run from the repository root.
 *
 * test/conf/NAME.conf is loaded as node d1; NAME.ok is its canonical print, or
 * the error. GOLDEN=1 rewrites the .ok files: the review is the diff.
 * The linker gives us our own allocator (--wrap), so that the Nth allocation
 * of conf can fail; libconfuse's own are not touched.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/conf.h"
#include "common/conf_impl.h"
#include "common/conf_service.h"
#include "common/err.h"
#include "common/mem.h"
#include "test/scratch.h"
#include "test/tap.h"

#define GOLDENS "test/conf"
#define FULL GOLDENS "/002-full.conf"

static long fail_at; /* 0: never */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

static int
fails_now(void)
{
	return fail_at > 0 && --fail_at == 0;
}

void *
__wrap_malloc(size_t n)
{
	return fails_now() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails_now() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails_now() ? NULL : __real_realloc(p, n);
}

char *
__wrap_strdup(const char *s)
{
	return fails_now() ? NULL : __real_strdup(s);
}

static char *
slurp(const char *file)
{
	FILE *f = fopen(file, "r");
	char *text = NULL;
	size_t cap = 0;

	if (f == NULL)
		return strdup("");
	if (getdelim(&text, &cap, EOF, f) < 0) {
		free(text);
		text = strdup("");
	}
	(void)fclose(f);
	return text;
}

static void
spew(const char *file, const char *text, mode_t mode)
{
	FILE *f = fopen(file, "w");

	if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(file, mode) < 0) {
		perror(file);
		exit(1);
	}
}

/* What a .ok file holds; caller free()s. */
static char *
outcome(const char *file)
{
	struct conf *c = NULL;
	struct conf_err e;
	char buf[1024 + 2], *text;

	if (conf_load(file, "d1", CONF_NO_KEY, &c, &e) < 0) {
		if (c != NULL)
			return strdup("conf_load() let half a thing escape");
		(void)conf_err_format(&e, buf, sizeof(buf) - 1);
		strcat(buf, "\n");
		return strdup(buf);
	}
	text = conf_print(c);
	conf_free(c);
	return text;
}

static void
round_trip(const char *name, const char *text, const char *dir)
{
	char file[128], *again;

	(void)snprintf(file, sizeof(file), "%s/again.conf", dir);
	spew(file, text, 0600);
	again = outcome(file);
	is_str(again, text, "%s: its print loads to the same print", name);
	free(again);
}

static int
is_conf(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot != NULL && strcmp(dot, ".conf") == 0;
}

static void
test_goldens(const char *dir)
{
	struct dirent **list = NULL;
	char file[512], *got, *want;
	int i, n = scandir(GOLDENS, &list, is_conf, alphasort);

	ok(n > 100, "%d goldens in " GOLDENS, n);
	for (i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		(void)snprintf(file, sizeof(file), GOLDENS "/%s", name);
		got = outcome(file);
		strcpy(strrchr(file, '.'), ".ok");
		if (getenv("GOLDEN") != NULL)
			spew(file, got, 0644);
		want = slurp(file);
		is_str(got, want, "%s", name);
		if (strstr(name, "-bad-") == NULL)
			round_trip(name, got, dir);
		else
			ok(strncmp(got, GOLDENS, strlen(GOLDENS)) == 0,
			    "%s: is an error", name);
		free(got);
		free(want);
		free(list[i]);
	}
	free(list);
}

/* The whole file's print without its services; caller free()s. */
static char *
print_without(struct conf *c)
{
	size_t n = c->n_services;
	char *text;

	c->n_services = 0;
	text = conf_print(c);
	c->n_services = n;
	return text;
}

/* With CONF_NO_SERVICES all else is as it is with them. */
static void
without_services(const char *file, size_t *ret_services)
{
	const unsigned flags = CONF_NO_KEY | CONF_NO_SERVICES;
	struct conf *whole = NULL, *less = NULL;
	char *want = NULL, *got = NULL;
	struct conf_err e;

	if (conf_load(file, "d1", CONF_NO_KEY, &whole, &e) < 0 ||
	    conf_load(file, "d1", flags, &less, &e) < 0) {
		ok(false, "%s: without services", file);
	} else {
		want = print_without(whole);
		got = conf_print(less);
		is_str(got, want, "%s without its %zu services", file,
		    whole->n_services);
		is_int(less->n_services, 0, "they are not there");
		*ret_services += whole->n_services;
	}
	free(want);
	free(got);
	conf_free(whole);
	conf_free(less);
}

static void
test_without_services(const char *dir)
{
	static const char nodes[] =
	    "node d1 { id = 1 path a { device = e address = 10.0.0.1 } }\n"
	    "node d2 { id = 2 path a { device = e address = 10.0.0.2 } }\n";
	static const char *const texts[] = {
		"instance = service\nvip 192.0.2.1 { device = e }\n",
		"instance = service vip 192.0.2.1 { device = service }\n",
		"vip 192.0.2.1 { device = e }\n"
		"service web { address = \"192.0.2.1\" port = 80\n"
		"check a { type = http body = \"}}{\" }"
		"# }\n/* } */ server b { address = 10.0.0.3 } }\n"
		"beat { interval = 30ms }\n",
		("vip 192.0.2.1 { device = e }\n"
		 "service{address=192.0.2.1 port=80}"),
	};
	struct dirent **list = NULL;
	char file[512], text[1024];
	size_t services = 0, i;
	struct conf_err e;
	struct conf *c;
	int k, n = scandir(GOLDENS, &list, is_conf, alphasort);

	for (k = 0; k < n; k++) {
		(void)snprintf(
		    file, sizeof(file), GOLDENS "/%s", list[k]->d_name);
		if (strstr(file, "-bad-") == NULL)
			without_services(file, &services);
		free(list[k]);
	}
	free(list);
	ok(services > 10, "%zu services were left out", services);
	(void)snprintf(file, sizeof(file), "%s/less.conf", dir);
	for (i = 0; i < ARRAY_LEN(texts) - 1; i++) {
		(void)snprintf(text, sizeof(text), "%s%s", nodes, texts[i]);
		spew(file, text, 0600);
		without_services(file, &services);
	}
	(void)snprintf(text, sizeof(text), "%s%sinterval = 3\n", nodes, texts[i]);
	spew(file, text, 0600);
	c = NULL;
	(void)conf_load(file, "d1", CONF_NO_KEY | CONF_NO_SERVICES, &c, &e);
	ok(c == NULL && e.line == 4, "what follows one keeps its line: %u",
	    e.line);
	conf_free(c);
}

static struct conf *
load(const char *file)
{
	struct conf *c = NULL;
	struct conf_err e;
	char buf[1024];

	if (conf_load(file, "d1", CONF_NO_KEY, &c, &e) < 0)
		printf("# %s\n", conf_err_format(&e, buf, sizeof(buf)));
	return c;
}

static void
test_values(void)
{
	struct conf *c = load(FULL);
	const struct conf_service *s = c->services;
	const struct conf_path *p;
	char text[ADDR_TEXT_MAX];

	is_str(c->file, FULL, "the file's name is kept");
	is_str(c->self->name, "d1", "self");
	is_str(c->peer->name, "d2", "peer");
	is_int(c->beat_interval, 10 * USEC_MS, "interval in microseconds");
	is_int(c->n_vips, 2, "two vips");
	is_int(c->vips[0].bits, 24, "prefix");
	is_int(c->vips[1].bits, 32, "no prefix: the whole address");
	is_int(c->n_services, 2, "two services");
	is_int(s[0].line, 17, "line of a service");
	is_int(s[0].def.flags, SERVICE_SCHED1 | SERVICE_SCHED2, "sh's flags");
	is_int(s[1].def.flags, SERVICE_ONEPACKET | SERVICE_SCHED3, "ops");
	is_int(s[0].def.persistence_s, 300, "persistence in seconds");
	is_int(s[0].servers[0].port, 8080, "a port of its own");
	is_int(s[0].servers[1].port, 80, "the service's port");
	is_int(s[0].servers[0].method, METHOD_NAT, "the service's method");
	is_int(s[0].servers[1].method, METHOD_TUN, "a method of its own");
	is_str(s[0].checks[0].body, "it is \"ok\"", "escaped quotes");
	is_int(c->checkpoint_interval, 10 * USEC_S, "checkpoint interval");
	p = conf_peer_path(c, &c->self->paths[1]);
	is_str(p->device, "/dev/ttyS1", "the peer's end, by name");
	is_int(p->speed, 9600, "of a serial line");
	p = conf_peer_path(c, &c->self->paths[0]);
	is_str(addr_format(&p->address, text, sizeof(text)), "10.1.0.2",
	    "the peer's address");
	conf_free(c);
	conf_free(NULL);
}

static void
test_example(void)
{
	struct conf *c = load("packaging/yoke.conf");

	if (ok(c != NULL, "the shipped example loads")) {
		is_int(c->n_services, 1, "with a service");
		is_int(c->checkpoint_interval, 0, "checkpoint interval auto");
		is_str(c->key_file, "/etc/yoke/key", "key file");
	}
	conf_free(c);
}

static void
test_node_by_uname(const char *dir)
{
	struct utsname un;
	char file[128], text[512];
	struct conf_err e;
	struct conf *c = NULL;

	(void)uname(&un);
	(void)snprintf(file, sizeof(file), "%s/uname.conf", dir);
	(void)snprintf(text, sizeof(text),
	    "node other { id = 1 path a { device = e address = 10.0.0.1 } }\n"
	    "node \"%s\" { id = 2 path a { device = e address = 10.0.0.2 } }\n",
	    un.nodename);
	spew(file, text, 0600);
	is_int(conf_load(file, NULL, CONF_NO_KEY, &c, &e), 0, "by uname");
	if (c != NULL)
		is_str(c->self->name, un.nodename, "self is this machine");
	conf_free(c);
}

/* Loads a file that cannot be; the error must hold text. */
static void
refused(const char *file, unsigned flags, const char *text)
{
	struct conf *c = NULL;
	struct conf_err e;
	char buf[1024];

	is_int(conf_load(file, "d1", flags, &c, &e), -ERR_CONFIG, "refused: %s",
	    text);
	ok(c == NULL, "nothing escapes");
	ok(strstr(conf_err_format(&e, buf, sizeof(buf)), text) != NULL, "%s",
	    buf);
}

static void
test_files(const char *dir)
{
	char file[128], long_name[CONF_TEXT_LEN + 10];

	(void)snprintf(file, sizeof(file), "%s/none", dir);
	refused(file, CONF_NO_KEY, "No such file");
	refused(dir, CONF_NO_KEY, "not a regular file");
	(void)snprintf(file, sizeof(file), "%s/fifo", dir);
	(void)mkfifo(file, 0600);
	refused(file, CONF_NO_KEY, "not a regular file");
	(void)snprintf(file, sizeof(file), "%s/large", dir);
	spew(file, "", 0600);
	ok(truncate(file, CONF_FILE_MAX + 1) == 0, "a large file");
	refused(file, CONF_NO_KEY, "more than 16 MiB");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	refused(long_name, CONF_NO_KEY, "name is too long");
}

#define TEXT_16 "0123456789abcdef"
#define TEXT_64 TEXT_16 TEXT_16 TEXT_16 TEXT_16

/* The full configuration with its key in dir. */
static void
key_conf(const char *dir, char *conf, char *key, size_t len)
{
	char *full = slurp(FULL);
	FILE *f;

	(void)snprintf(conf, len, "%s/key.conf", dir);
	(void)snprintf(key, len, "%s/key", dir);
	spew(conf, strstr(full, "start_wait"), 0600);
	f = fopen(conf, "a");
	fprintf(f, "key_file = %s\n", key);
	(void)fclose(f);
	free(full);
}

static void
test_key(const char *dir)
{
	static const struct {
		const char *text;
		mode_t mode;
		size_t len;	   /* of a good one */
		const char *wrong; /* NULL: it is good */
	} rows[] = {
		{ TEXT_16, 0600, 16, NULL },
		{ TEXT_16 "\n", 0400, 16, NULL },
		{ TEXT_64, 0600, 64, NULL },
		{ TEXT_64 "\n", 0600, 64, NULL },
		{ TEXT_16 "\n\n", 0600, 17, NULL },
		{ TEXT_64 "x", 0600, 0, "more than 64" },
		{ TEXT_64 "\n\n", 0600, 0, "more than 64" },
		{ TEXT_64 TEXT_64, 0600, 0, "more than 64" },
		{ "0123456789abcde\n", 0600, 0, "less than 16" },
		{ "", 0600, 0, "less than 16" },
		{ TEXT_16, 0640, 0, "chmod 600" },
		{ TEXT_16, 0604, 0, "chmod 600" },
		{ TEXT_16, 0610, 0, "chmod 600" },
	};
	char conf[128], key[128], *text;
	struct conf_err e;
	struct conf *c;
	size_t i;

	key_conf(dir, conf, key, sizeof(conf));
	refused(conf, 0, "key.conf:56: key_file: cannot open");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)unlink(key);
		spew(key, rows[i].text, rows[i].mode);
		if (rows[i].wrong != NULL) {
			refused(conf, 0, rows[i].wrong);
			continue;
		}
		c = NULL;
		is_int(conf_load(conf, "d1", 0, &c, &e), 0, "key %zu", i);
		if (c == NULL)
			continue;
		is_int(c->key_len, rows[i].len, "its length");
		ok(memcmp(c->key, rows[i].text, c->key_len) == 0, "its bytes");
		text = conf_print(c);
		ok(strstr(text, TEXT_16) == NULL, "is not printed");
		free(text);
		conf_free(c);
	}
	c = load(conf);
	is_int(c->key_len, 0, "CONF_NO_KEY reads none");
	conf_free(c);
	(void)unlink(key);
	ok(mkdir(key, 0700) == 0, "a directory as key");
	refused(conf, 0, "not a regular file");
	(void)rmdir(key);
	spew(key, TEXT_16, 0600);
	if (geteuid() == 0 && chown(key, 4242, 4242) == 0)
		refused(conf, 0, "belongs to user 4242");
	(void)unlink(key);
}

/* The struct a row's field is in, in a configuration that has it. */
static void *
base_of(struct conf *c, const struct conf_row *r)
{
	switch (r->section) {
	case SEC_node:
		return &c->nodes[0];
	case SEC_path:
		return &c->nodes[0].paths[r->when == WHEN_SERIAL];
	case SEC_vip:
		return &c->vips[0];
	case SEC_service:
		return &c->services[0];
	case SEC_check:
		return &c->services[0].checks[0];
	case SEC_server:
		return &c->services[0].servers[0];
	case SEC_notify:
		return &c->notifies[0];
	case SEC_policy:
		return &c->services[0].policy;
	default:
		return c;
	}
}

static void
diff_row(struct conf *a, struct conf *b, const struct conf_row *r,
    const char *section)
{
	uint8_t *byte = (uint8_t *)base_of(b, r) + r->offset;
	const char *key = r->key != NULL ? r->key : "(title)";
	unsigned change;

	if (r->section == SEC_service &&
	    r->offset >= sizeof(struct conf_service))
		return; /* not kept as such */
	*byte ^= 1;
	change = conf_diff(a, b);
	if (r->key != NULL)
		is_int(change, r->change, "%s / %s changes", section, key);
	else
		is_int(change & r->change, r->change, "%s renamed", section);
	*byte ^= 1;
	is_int(conf_diff(a, b), 0, "and back");
}

static void
test_rows(void)
{
	struct conf *a = load(FULL), *b = load(FULL);
	struct conf_section_view v;
	unsigned s;
	size_t i;

	for (s = 0; s < SEC__LAST; s++) {
		v = conf_section(s);
		ok(v.n_keys <= CONF_KEYS_MAX && v.n_keys > 0, "%s: %zu keys",
		    v.name, v.n_keys);
		ok(s == SEC_top || v.parent < s, "%s: parent first", v.name);
		if (v.title != NULL)
			diff_row(a, b, v.title, v.name);
		for (i = 0; i < v.n_keys; i++) {
			const struct conf_row *r = &v.keys[i];

			ok(r->section == s && r->key != NULL,
			    "%s / %s stands with its section", v.name, r->key);
			ok(r->help[0] != '\0' && r->change != 0,
			    "%s / %s has help and a change", v.name, r->key);
			diff_row(a, b, r, v.name);
		}
	}
	conf_free(a);
	conf_free(b);
}

/* Every default is a value its own row accepts. */
static void
test_defaults(void)
{
	union {
		struct conf c;
		struct in_service s;
		struct in_check check;
	} base;
	struct conf_section_view v;
	char why[320];
	unsigned s;
	size_t i;

	for (s = 0; s < SEC__LAST; s++) {
		v = conf_section(s);
		for (i = 0; i < v.n_keys; i++) {
			const struct conf_row *r = &v.keys[i];

			if (r->dflt == NULL || r->dflt == conf_inherit)
				continue;
			memset(&base, 0, sizeof(base));
			is_int(conf_value_parse(
				   r, r->dflt, &base, why, sizeof(why)),
			    0, "default of %s / %s: \"%s\"", v.name, r->key,
			    r->dflt);
		}
	}
}

static void
test_diff(void)
{
	struct conf *a = load(FULL), *b = load(FULL);

	b->n_vips--;
	is_int(conf_diff(a, b), CONF_CHANGE_VIPS, "a vip less");
	b->n_vips++;
	b->services[1].n_servers--;
	is_int(conf_diff(a, b), CONF_CHANGE_TABLE | CONF_CHANGE_CHECKS,
	    "a server less");
	b->services[1].n_servers++;
	b->services[0].n_checks--;
	is_int(conf_diff(a, b), CONF_CHANGE_CHECKS, "a check less");
	b->services[0].n_checks++;
	b->nodes[1].n_paths--;
	is_int(conf_diff(a, b), CONF_CHANGE_RESTART, "a path less");
	b->nodes[1].n_paths++;
	b->n_services--;
	is_int(conf_diff(a, b), CONF_CHANGE_TABLE | CONF_CHANGE_CHECKS,
	    "a service less");
	b->n_services++;
	b->services[0].def.flags ^= SERVICE_SCHED2;
	is_int(conf_diff(a, b), CONF_CHANGE_TABLE, "a flag less");
	b->services[0].def.flags ^= SERVICE_SCHED2;
	b->key[0] ^= 1;
	is_int(conf_diff(a, b), CONF_CHANGE_RESTART, "another key");
	b->key[0] ^= 1;
	b->self = b->peer;
	is_int(conf_diff(a, b), CONF_CHANGE_RESTART, "another self");
	conf_free(a);
	conf_free(b);
}

static void
test_err_format(void)
{
	struct conf_err e = { "f", 12, "service web / port", "is wrong" };
	char buf[64], small[8];

	is_str(conf_err_format(&e, buf, sizeof(buf)),
	    "f:12: service web / port: is wrong", "all of it");
	e.line = 0;
	e.key[0] = '\0';
	is_str(conf_err_format(&e, buf, sizeof(buf)), "f: is wrong", "least");
	is_str(conf_err_format(&e, small, sizeof(small)), "f: is w", "cut");
}

static void
test_no_memory(const char *dir)
{
	char conf[128], key[128];
	struct conf *c = NULL;
	struct conf_err e;
	int rc = -1, clean = 1;
	long i;

	key_conf(dir, conf, key, sizeof(conf));
	spew(key, TEXT_16, 0600);
	for (i = 1; rc != 0 && i < 1000; i++) {
		memset(&e, 0, sizeof(e));
		fail_at = i;
		rc = conf_load(conf, "d1", 0, &c, &e);
		fail_at = 0;
		if (rc == 0)
			break;
		clean = clean && c == NULL && rc == -ERR_CONFIG &&
			strcmp(e.text, "out of memory") == 0;
	}
	ok(clean, "each failed allocation is reported, nothing escapes");
	ok(i > 30 && i < 1000, "%ld allocations failed in turn", i - 1);
	conf_free(c);
	(void)unlink(key);
}

static void
test_large(const char *dir)
{
	char file[128];
	struct conf *c;
	usec_t t;
	FILE *f;
	int i;

	(void)snprintf(file, sizeof(file), "%s/many.conf", dir);
	spew(file, "", 0600);
	f = fopen(file, "w");
	fputs("node d1 { id = 1 path a { device = e address = 10.0.0.1 } }\n"
	      "node d2 { id = 2 path a { device = e address = 10.0.0.2 } }\n"
	      "vip 192.0.2.10 { device = e }\n"
	      "service web { address = 192.0.2.10 port = 80\n",
	    f);
	for (i = 0; i < 10000; i++)
		fprintf(f, "server web%d { address = 10.1.%d.%d }\n", i,
		    i / 256, i % 256);
	fputs("}\n", f);
	(void)fclose(f);
	t = usec_mono();
	c = load(file);
	t = usec_mono() - t;
	if (ok(c != NULL, "10 000 servers load"))
		is_int(c->services[0].n_servers, 10000, "all of them");
	printf("# in %.1f ms\n", (double)t / 1000);
	ok(t < 3 * USEC_S, "not quadratic");
	conf_free(c);
}

int
main(void)
{
	char dir[SCRATCH_LEN];

	scratch_dir(dir, sizeof(dir));
	test_goldens(dir);
	test_without_services(dir);
	test_values();
	test_example();
	test_node_by_uname(dir);
	test_files(dir);
	test_key(dir);
	test_defaults();
	test_rows();
	test_diff();
	test_err_format();
	test_no_memory(dir);
	test_large(dir);
	return done();
}
