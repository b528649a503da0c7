/*
 * test_notifyd: the daemon as operators meet it: commands and FIFOs told of what
 * a played yoked goes through.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mem.h"
#include "test/tap.h"
#include "test/watch/test_play.h"

#define TEXT (64 << 10)

static struct play *p;

/* ---- statuses ---- */

#define T(n, from, to, why) \
	"{\"at_us\":" #n ",\"from\":\"" from "\",\"to\":\"" to "\",\"why\":\"" \
	why "\",\"text\":\"x\",\"epoch\":3,\"steps\":[],\"total_us\":0}"

static void
set_status(const char *role, const char *transitions, const char *health)
{
	char text[2048];

	(void)snprintf(text, sizeof(text),
	    "{\"instance\":\"%s\",\"node\":\"d1\",\"role\":\"%s\","
	    "\"time_us\":%llu,\"transitions\":[%s],\"services\":[{\"name\":"
	    "\"web\",\"servers\":[{\"name\":\"rs1\",\"health\":\"%s\","
	    "\"weight\":%d,\"cause\":\"http alive\"},{\"name\":\"rs2\","
	    "\"health\":\"up\",\"weight\":1}]}]}",
	    p->instance, role, (unsigned long long)loop_real(p->loop), transitions, health,
	    strcmp(health, "up") == 0 ? 10 : 0);
	play_status(p, text);
}

static void
set_standby(void)
{
	set_status("standby", T(10, "starting", "standby", "peer-active"), "up");
}

static void
set_active(const char *health)
{
	set_status("active", T(30, "standby", "active", "silence") ","
	    T(10, "starting", "standby", "peer-active"), health);
}

/* ---- what was told ---- */

static char *
file_of(const char *name)
{
	static char file[128];

	(void)snprintf(file, sizeof(file), "%s/%s", p->dir, name);
	return file;
}

static const char *
text_of(const char *name)
{
	static char text[TEXT];
	FILE *f = fopen(file_of(name), "r");
	size_t n = f != NULL ? fread(text, 1, sizeof(text) - 1, f) : 0;

	text[n] = '\0';
	if (f != NULL)
		fclose(f);
	return text;
}

struct expect {
	const char *file, *text;
};

static bool
has_text(void *arg)
{
	struct expect *e = arg;

	return strstr(text_of(e->file), e->text) != NULL;
}

static void
expect(const char *file, const char *text, const char *name)
{
	struct expect e = { file, text };

	if (!ok(play_until(p, 15000, has_text, &e), "%s", name))
		printf("# want \"%s\" in %s: %s# log: %s", text, file,
		    text_of(file), text_of("yoke-notifyd.log"));
}

static bool
is_watched(void *arg)
{
	(void)arg;
	return play_watchers(p) > 0 && p->statuses > 0;
}

/* A program for `command`: writes its words and input to dir/NAME.out. */
static void
write_program(const char *name, const char *script)
{
	FILE *f = fopen(file_of(name), "w");

	fprintf(f, "#!/bin/sh\nexec >>%s/%s.out\n%s\n", p->dir, name, script);
	fclose(f);
	(void)chmod(file_of(name), 0700);
}

static pid_t
start(const char *more)
{
	pid_t pid;

	(void)play_conf(p, more);
	p->statuses = 0;
	pid = play_start(p, "yoke-notifyd");
	ok(play_until(p, 15000, is_watched, NULL), "it watches");
	return pid;
}

static void
test_command(void)
{
	char more[512];
	pid_t pid;

	write_program("tell", "read line; echo \"$1|$2|$3|$YOKE_ROLE|$line\"");
	write_program("roles", "echo \"$1\"");
	(void)snprintf(more, sizeof(more),
	    "notify all { command = %s/tell }\n"
	    "notify roles { command = %s/roles events = { role-active } }",
	    p->dir, p->dir);
	set_standby();
	pid = start(more);
	expect("tell.out", "||standby|{\"time\":",
	    "the first look tells the role");
	expect("tell.out", "\"initial\":true}", "and that it is not news");
	set_active("up");
	play_line(p, "role=active was=taking-over");
	expect("roles.out", "role-active\n", "role-active runs the command");
	expect("tell.out", "||active|{\"time\":\"1970-01-01"
	    "T00:00:00.000Z\",\"event\":\"role-active\"", "with the line");
	set_active("down");
	play_line(p, "seq=4 web/rs1 health=down cause=\"http alive\"");
	expect("tell.out", "|web/rs1|active|",
	    "server-down, with service and server");
	ok(strstr(text_of("roles.out"), "server") == NULL,
	    "but not whom it does not concern");
	play_yoked(p, false);
	expect("tell.out", "\"event\":\"yoked-gone\"", "yoked dies");
	play_yoked(p, true);
	expect("tell.out", "\"event\":\"yoked-back\"", "and is back");
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
}

static void
test_bad_commands(void)
{
	char more[512];
	usec_t began;
	pid_t pid;

	write_program("slow", "sleep 1000 & echo $!; wait");
	write_program("after", "echo \"$1\"");
	(void)snprintf(more, sizeof(more),
	    "notify slow { command = %s/slow timeout = 300ms }\n"
	    "notify gone { command = %s/nothing }\n"
	    "notify fine { command = %s/after }",
	    p->dir, p->dir, p->dir);
	set_standby();
	began = loop_now(p->loop);
	pid = start(more);
	expect("after.out", "role-standby\n", "bad commands hold up no other");
	expect("yoke-notifyd.log", "notify=slow event=role-standby "
	    "command=failed why=\"no end within 300 ms, killed",
	    "one that hangs is killed, and said");
	expect("yoke-notifyd.log", "notify=gone event=role-standby "
	    "command=failed why=\"exit status 127: cannot run",
	    "one that is not there is said");
	ok(loop_now(p->loop) - began < 60 * USEC_S, "in bounded time");
	set_active("up");
	play_line(p, "role=active");
	expect("yoke-notifyd.log", "notify=slow event=role-active",
	    "and the next event is tried");
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
}

/* Reads what is in the FIFO into dir/NAME, as a reader that comes now. */
static int
open_reader(const char *fifo)
{
	return open(file_of(fifo), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static bool
read_more(int fd, const char *name)
{
	char mem[4096];
	FILE *f = fopen(file_of(name), "a");
	ssize_t n;

	while ((n = read(fd, mem, sizeof(mem))) > 0)
		(void)fwrite(mem, 1, (size_t)n, f);
	fclose(f);
	return true;
}

struct reading {
	int fd;
	struct expect e;
};

static bool
has_read(void *arg)
{
	struct reading *r = arg;

	(void)read_more(r->fd, r->e.file);
	return has_text(&r->e);
}

static void
expect_read(int fd, const char *file, const char *text, const char *name)
{
	struct reading r = { fd, { file, text } };

	if (!ok(play_until(p, 15000, has_read, &r), "%s", name))
		printf("# want %s in: %s", text, text_of(file));
}

static bool
is_fifo(void *arg)
{
	struct stat st;

	(void)arg;
	return lstat(file_of("fifo"), &st) == 0 && S_ISFIFO(st.st_mode);
}

/* Changes of role, to and fro, each seen. */
static void
flap(unsigned n)
{
	char t[256];
	unsigned i;

	for (i = 0; i < n; i++) {
		bool active = i % 2 == 0;

		(void)snprintf(t, sizeof(t),
		    "{\"at_us\":%u,\"from\":\"x\",\"to\":\"%s\"},"
		    "{\"at_us\":%u,\"from\":\"x\",\"to\":\"%s\"}",
		    1000 + i, active ? "active" : "standby", 999 + i,
		    active ? "standby" : "active");
		set_status(active ? "active" : "standby", t, "up");
		p->statuses = 0;
		play_line(p, "role=x");
		(void)play_until(p, 5000, is_watched, NULL);
		play_turn(p, 50);
	}
}

static void
test_fifo(void)
{
	char more[256];
	pid_t pid;
	int fd;

	(void)snprintf(more, sizeof(more),
	    "notify f { fifo = %s/fifo queue = 3 }", p->dir);
	set_standby();
	pid = start(more);
	ok(play_until(p, 5000, is_fifo, NULL), "the FIFO is made");
	expect("yoke-notifyd.log", "state=waiting why=\"nobody reads it\"",
	    "that nobody reads is said");
	fd = open_reader("fifo");
	expect_read(fd, "got", "\"event\":\"role-standby\"",
	    "what waited is there for the reader that comes");
	close(fd);
	flap(6);
	expect("yoke-notifyd.log", "events=lost", "a full queue is said");
	fd = open_reader("fifo");
	expect_read(fd, "got2", "\"event\":\"lost\"",
	    "and told to the reader, with their number");
	expect_read(fd, "got2", "\"event\":\"role-standby\"",
	    "and the newest are there");
	ok(strncmp(text_of("got2"), "{", 1) == 0 &&
		strstr(text_of("got2"), "\"count\":") != NULL, "whole lines");
	close(fd);
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
}

static void
test_reload(void)
{
	char more[256];
	pid_t pid;
	FILE *f;

	f = fopen(file_of("file"), "w");
	fputs("mine", f);
	fclose(f);
	(void)snprintf(more, sizeof(more), "notify f { fifo = %s/file }",
	    p->dir);
	set_standby();
	pid = start(more);
	expect("yoke-notifyd.log", "it is no FIFO", "another file is refused");
	is_str(text_of("file"), "mine", "and left alone");
	write_program("fresh", "echo \"$1\"");
	(void)snprintf(more, sizeof(more), "notify n { command = %s/fresh }",
	    p->dir);
	(void)play_conf(p, more);
	play_line(p, "configuration=loaded");
	expect("yoke-notifyd.log", "configuration=loaded notifies=1",
	    "yoke reload reaches it");
	set_active("up");
	play_line(p, "role=active");
	expect("fresh.out", "role-active\n", "and what is new is told");
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
}

int
main(void)
{
	static void (*const tests[])(void) = { test_command,
		test_bad_commands, test_fifo, test_reload };
	size_t i;

	for (i = 0; i < ARRAY_LEN(tests); i++) {
		p = play_new("notifyd");
		tests[i]();
		play_free(p);
	}
	return done();
}
