/*
 * test_yoke: the command as operators run it, against a played yoked; and
 * whether the man pages name every command and key, and their example loads.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/ipcs.h"
#include "common/mem.h"
#include "common/service.h"
#include "test/scratch.h"
#include "test/tap.h"

#define PIECE 1000 /* of a status, so that many are needed */
#define TEXT_MAX 65536

/* The played yoked and the command it serves. */
struct play {
	struct loop *loop;
	struct ipcs *ipcs;
	struct ipcs_conn *watcher;
	struct timer go_away;
	char instance[NAME_LEN], dir[SCRATCH_LEN];
	char status[TEXT_MAX]; /* what STATUS answers */
	int rc;		       /* what COMMAND answers */
	const char *text;
	char words[256]; /* what COMMAND said */
	unsigned pieces;
	int code; /* the command's exit code */
	char out[TEXT_MAX], err[TEXT_MAX];
	bool terminal; /* its output is one, by script(1) */
};

static void
on_status(struct play *p, struct ipcs_conn *c, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	size_t off = get_u32(&b), n = strlen(p->status);

	p->pieces++;
	n = off < n ? n - off : 0;
	(void)ipcs_reply(c, 0, p->status + off, n < PIECE ? n : PIECE);
}

static void
on_go_away(void *arg)
{
	struct play *p = arg;

	(void)ipcs_event(p->watcher, MSG_WATCH_LINE, "line one", 8);
	(void)ipcs_event(p->watcher, MSG_WATCH_LINE, "line two", 8);
	ipcs_free(p->ipcs);
	p->ipcs = NULL;
}

static void
on_command(struct play *p, struct ipcs_conn *c, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	unsigned n = get_u8(&b);
	char word[NAME_LEN];

	p->words[0] = '\0';
	while (n-- > 0) {
		get_str(&b, word, sizeof(word));
		strncat(
		    p->words, word, sizeof(p->words) - strlen(p->words) - 1);
		strncat(p->words, n > 0 ? " " : "",
		    sizeof(p->words) - strlen(p->words) - 1);
	}
	if (strcmp(p->words, "watch") == 0) {
		p->watcher = c;
		timer_in(&p->go_away, 50 * USEC_MS);
	}
	(void)ipcs_reply(c, p->rc, p->text, strlen(p->text));
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	if (id == MSG_STATUS)
		on_status(arg, c, body, len);
	else if (id == MSG_COMMAND)
		on_command(arg, c, body, len);
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	(void)c;
	(void)arg;
}

static const struct ipcs_ops ops = { .on_msg = on_msg, .on_closed = on_closed };

static void
read_text(const char *file, char *text, size_t len)
{
	FILE *f = fopen(file, "r");
	size_t n = f != NULL ? fread(text, 1, len - 1, f) : 0;

	text[n] = '\0';
	if (f != NULL)
		fclose(f);
}

static void
on_exit_of(int fd, int revents, void *arg)
{
	struct play *p = arg;

	(void)fd;
	(void)revents;
	loop_stop(p->loop);
}

static void
serve_until(struct play *p, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), status = 0;
	struct watch *w;

	if (fd < 0 || watch_new(p->loop, fd, POLLIN, on_exit_of, p, &w) < 0)
		abort();
	loop_run(p->loop);
	watch_free(w);
	close(fd);
	(void)waitpid(pid, &status, 0);
	p->code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs `yoke -i INSTANCE args` in a shell; fills code, out and err. */
static void
yoke(struct play *p, const char *args)
{
	const char *bin = getenv("YOKE_BIN");
	char line[1024], file[128];
	pid_t pid;

	(void)snprintf(line, sizeof(line),
	    "exec %s%s/yoke -c %s/none -i %s %s%s >%s/out 2>%s/err",
	    p->terminal ? "script -qec '" : "",
	    bin != NULL ? bin : "build/bin", p->dir, p->instance, args,
	    p->terminal ? "' /dev/null </dev/null" : "", p->dir, p->dir);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", line, (char *)NULL);
		_exit(127);
	}
	serve_until(p, pid);
	(void)snprintf(file, sizeof(file), "%s/out", p->dir);
	read_text(file, p->out, sizeof(p->out));
	(void)snprintf(file, sizeof(file), "%s/err", p->dir);
	read_text(file, p->err, sizeof(p->err));
}

static void
expect(struct play *p, const char *args, int code, const char *err)
{
	yoke(p, args);
	if (!ok(p->code == code && strstr(p->err, err) != NULL &&
		    (code == 0) == (p->err[0] == '\0'),
		"yoke %s: %d, %s", args, code, err))
		printf("# %d, %s\n", p->code, p->err);
}

static void
serve(struct play *p)
{
	/* Root is served anyway; others by their group. */
	int rc = ipcs_new(p->loop, p->instance, getgid(), &ops, p, &p->ipcs);

	if (rc < 0)
		printf("# ipcs_new: %s\n", err_text(rc));
	p->rc = 0;
	p->text = "done";
}

/* GOLDEN=1 writes it; review is the diff. */
static void
test_help(struct play *p)
{
	static const char file[] = "test/golden/help.txt";
	char want[TEXT_MAX];
	size_t wide = 0, n;
	const char *at;
	FILE *f;

	expect(p, "help", 0, "");
	f = getenv("GOLDEN") != NULL ? fopen(file, "w") : NULL;
	if (f != NULL) {
		fputs(p->out, f);
		fclose(f);
	}
	read_text(file, want, sizeof(want));
	is_str(p->out, want, "help is as it was");
	for (at = p->out; *at != '\0'; at += n + (at[n] == '\n')) {
		n = strcspn(at, "\n");
		wide = n > wide ? n : wide;
	}
	ok(wide <= 80, "and fits in 80 columns: %zu", wide);
}

static void
test_alone(struct play *p)
{
	expect(p, "status", 3, "systemctl start yoked");
	expect(p, "switch", 3, p->instance);
	expect(p, "", 2, "usage: yoke");
	expect(p, "nonsense", 2, "no command \"nonsense\"");
	expect(p, "server weight web", 2,
	    "usage: yoke server weight SERVICE SERVER N|auto");
	expect(p, "server drain web rs1 now", 2, "usage: yoke server drain");
	expect(p, "server weight web rs1 65536", 2, "0 to 65535");
	expect(p, "server weight web rs1 7x", 2, "0 to 65535");
	expect(p, "switch --json", 2, "no --json");
	expect(p, "--what", 2, "usage");
	expect(p, "-i 'a b' status", 2, "not a name");
	expect(p, "check /nonexistent", 2, "/nonexistent");
	test_help(p);
	expect(p, "version", 0, "");
	is_str(p->out, "yoke " YOKE_VERSION "\n", "version");
}

static void
test_status(struct play *p)
{
	static const struct {
		const char *name;
		int code;
	} rows[] = {
		{ "active", 0 },
		{ "standby", 0 },
		{ "degraded", 1 },
		{ "fault", 2 },
		{ "novips", 2 },
	};
	char file[128], want[TEXT_MAX];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(file, sizeof(file), "test/golden/status-%s.json",
		    rows[i].name);
		read_text(file, p->status, sizeof(p->status));
		(void)snprintf(file, sizeof(file), "test/golden/status-%s.txt",
		    rows[i].name);
		read_text(file, want, sizeof(want));
		yoke(p, "status");
		is_int(p->code, rows[i].code, "status: %s", rows[i].name);
		is_str(p->out, want, "its text, no colours in a file");
	}
	p->pieces = 0;
	yoke(p, "status --json");
	is_int(p->code, 2, "the code is that of the text");
	strcat(p->status, "\n");
	is_str(p->out, p->status, "--json is the document");
	ok(p->pieces > 3, "in pieces: %u", p->pieces);
	memcpy(p->status, "{ not JSON", 11);
	expect(p, "status", 3, "not JSON");
}

/* What is left when the colours and carriage returns of a terminal are gone. */
static unsigned
plain(char *text)
{
	unsigned colours = 0;
	char *to = text;

	for (; *text != '\0'; text++)
		if (*text == '\033') {
			colours++;
			text += strcspn(text, "m");
		} else if (*text != '\r') {
			*to++ = *text;
		}
	*to = '\0';
	return colours;
}

/* Colours on a terminal only, and not where NO_COLOR is set. */
static void
test_terminal(struct play *p)
{
	static const struct {
		const char *term, *no_color, *name;
		bool colours;
	} rows[] = {
		{ "linux", NULL, "a terminal", true },
		{ "linux", "", "an empty NO_COLOR", true },
		{ "linux", "1", "NO_COLOR", false },
		{ "dumb", NULL, "a dumb terminal", false },
	};
	char want[TEXT_MAX];
	size_t i;

	read_text(
	    "test/golden/status-active.json", p->status, sizeof(p->status));
	read_text("test/golden/status-active.txt", want, sizeof(want));
	p->terminal = true;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)setenv("TERM", rows[i].term, 1);
		(void)unsetenv("NO_COLOR");
		if (rows[i].no_color != NULL)
			(void)setenv("NO_COLOR", rows[i].no_color, 1);
		yoke(p, "status");
		ok((plain(p->out) > 0) == rows[i].colours, "%s: %s",
		    rows[i].name, rows[i].colours ? "colours" : "none");
		is_str(p->out, want, "and the same text");
	}
	p->terminal = false;
	(void)unsetenv("NO_COLOR");
}

static void
test_why(struct play *p)
{
	read_text(
	    "test/golden/status-active.json", p->status, sizeof(p->status));
	expect(p, "why web rs1", 0, "");
	ok(strstr(p->out, "weight 37, by hand") != NULL, "why answers");
	expect(p, "why web rs9", 1, "no such real server");
	expect(p, "why mail rs1", 1, "no such virtual service");
}

static void
test_orders(struct play *p)
{
	p->text = "web/rs1: weight 37";
	expect(p, "server weight web rs1 37", 0, "");
	is_str(p->words, "server weight web rs1 37", "yoked gets the words");
	is_str(p->out, "web/rs1: weight 37\n", "and its answer is shown");
	expect(p, "server weight web rs1 auto", 0, "");
	expect(p, "reload", 0, "");
	is_str(p->words, "reload", "reload");
	p->rc = -ERR_NO_PEER;
	p->text = "d2 is not in step";
	expect(p, "switch", 1, "yoke: d2 is not in step");
	p->text = "";
	expect(p, "switch", 1, err_text(-ERR_NO_PEER));
	p->rc = -EPERM;
	p->text = "only root may do this";
	expect(p, "server enable web rs1", 4, "only root");
	expect(p,
	    "server drain web "
	    "a123456789012345678901234567890123456789012345678901234567890"
	    "12345678",
	    2, "longer than any name");
}

static void
batch(struct play *p, const char *orders, int code, const char *err)
{
	char file[128], args[256];
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s/orders", p->dir);
	f = fopen(file, "w");
	if (f == NULL || fputs(orders, f) < 0 || fclose(f) != 0)
		abort();
	(void)snprintf(args, sizeof(args), "batch <%s", file);
	expect(p, args, code, err);
}

static void
test_batch(struct play *p)
{
	p->rc = 0;
	p->text = "ok";
	batch(p, "# two orders\nserver drain web rs1\n\nreload\n", 0, "");
	is_str(p->words, "reload", "every line of it");
	is_str(p->out, "ok\nok\n", "and every answer");
	batch(p, "status\n", 2, "not an order");
	batch(p, "reload\nserver drain web\n", 2, "line 2");
}

/* yoked dies while it is watched; the last test, since it is gone then. */
static void
test_watch(struct play *p)
{
	p->rc = 0;
	p->text = "";
	expect(p, "watch", 3, "went away");
	is_str(
	    p->out, "line one\nline two\n", "watch shows lines as they come");
}

static void
test_pages(void)
{
	static const char *const usages[] = {
#define CMD(fn, usage, help) usage,
#include "schema/commands.def"
#undef CMD
	};
	static const char *const keys[] = {
#define SECTION(name, parent, many, help) #name,
#define TITLE(...)
#define KEY(section, key, ...) #key,
#include "schema/config.def"
#undef SECTION
#undef TITLE
#undef KEY
	};
	char text[TEXT_MAX], item[128];
	unsigned missing = 0;
	size_t i;

	read_text("packaging/man/yoke.8", text, sizeof(text));
	for (i = 0; i < ARRAY_LEN(usages); i++) {
		(void)snprintf(item, sizeof(item), "\n.It Cm %.*s",
		    (int)strcspn(usages[i], "[ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
		    usages[i]);
		if (item[strlen(item) - 1] == ' ')
			item[strlen(item) - 1] = '\0';
		missing += strstr(text, item) == NULL;
		if (strstr(text, item) == NULL)
			printf("# yoke.8 lacks %s\n", usages[i]);
	}
	is_int(missing, 0, "yoke.8 has every command");
	missing = 0;
	read_text("packaging/man/yoke.conf.5", text, sizeof(text));
	for (i = 0; i < ARRAY_LEN(keys); i++) {
		(void)snprintf(item, sizeof(item), "\n.It Ic %s ", keys[i]);
		if (strstr(text, item) != NULL || strcmp(keys[i], "top") == 0)
			continue;
		(void)snprintf(item, sizeof(item), "\n.Ss %s\n", keys[i]);
		if (strstr(text, item) != NULL)
			continue;
		printf("# yoke.conf.5 lacks %s\n", keys[i]);
		missing++;
	}
	is_int(missing, 0, "yoke.conf.5 has every section and key");
}

static void
test_drill(struct play *p)
{
	(void)setenv("YOKE_DRILLS", "/nonexistent/run.py", 1);
	expect(p, "drill list", 1, "/nonexistent/run.py: No such file");
	(void)setenv("YOKE_DRILLS", "contrib/drills/run.py", 1);
	expect(p, "drill list", 0, "");
	ok(strstr(p->out, "yoked-kill ") != NULL, "drills are listed");
	expect(p, "drill run --yes --times 2 nonsense", 2, "no drill nonsense");
	expect(p, "-c /x drill run", 2, "which drill");
	(void)unsetenv("YOKE_DRILLS");
}

/* The file of an example with a key of its own in dir; then yoke check. */
static void
check_example(struct play *p, const char *make, const char *what)
{
	char line[1024];

	(void)snprintf(line, sizeof(line),
	    "umask 077; cd %s && echo 0123456789abcdefgh >key && "
	    "cd - >/dev/null && { %s; } | sed 's,/etc/yoke/key,%s/key,' "
	    ">%s/conf",
	    p->dir, make, p->dir, p->dir);
	ok(system(line) == 0, "%s is written", what);
	(void)snprintf(line, sizeof(line), "-n d1 check %s/conf", p->dir);
	expect(p, line, 0, "");
	ok(strncmp(p->out, "ok: 2 nodes, 1 service, 2 servers\n", 34) == 0,
	    "%s is right", what);
	(void)snprintf(line, sizeof(line), "-n d1 print %s/conf", p->dir);
	expect(p, line, 0, "");
	ok(strstr(p->out, "interval = 20ms") != NULL, "and can be printed");
}

int
main(void)
{
	static struct play p;

	(void)setenv("TZ", "UTC", 1);
	(void)unsetenv("NO_COLOR");
	(void)snprintf(p.instance, sizeof(p.instance), "test-%d", getpid());
	scratch_dir(p.dir, sizeof(p.dir));
	if (loop_new(&p.loop) < 0)
		return 1;
	timer_init(&p.go_away, p.loop, on_go_away, &p);
	test_alone(&p);
	test_pages();
	test_drill(&p);
	check_example(&p, "cat packaging/yoke.conf", "the sample file");
	check_example(&p,
	    "sed -n '/^key_file = /,/^\\.Ed/p' packaging/man/yoke.conf.5 | "
	    "grep -v '^\\.Ed'",
	    "the page's example");
	serve(&p);
	test_status(&p);
	test_terminal(&p);
	test_why(&p);
	test_orders(&p);
	test_batch(&p);
	test_watch(&p);
	ipcs_free(p.ipcs);
	loop_free(p.loop);
	return done();
}
