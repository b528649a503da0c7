/*
 * test_play: see test_play.h.
 */
#include "test/watch/test_play.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/mem.h"

#define TURN (2 * USEC_MS)

static const char conf_text[] =
    "instance = %s\nkey_file = /dev/null\n"
    "node d1 { id = 1 path net1 { device = lo address = 127.0.0.1 } }\n"
    "node d2 { id = 2 path net1 { device = lo address = 127.0.0.2 } }\n"
    "vip 10.99.0.1/32 { device = lo }\n"
    "service web { address = 10.99.0.1 port = 80\n"
    " server rs1 { address = 10.99.0.2 } }\n%s\n";

static void
on_status(struct play *p, struct ipcs_conn *c, const void *body, size_t len)
{
	struct buf b = buf_reader(body, len);
	size_t off = get_u32(&b), n = strlen(p->status);

	p->statuses += off == 0;
	p->pieces++;
	n = off < n ? n - off : 0;
	(void)ipcs_reply(c, 0, p->status + off, n < p->piece ? n : p->piece);
}

static void
on_msg(struct ipcs_conn *c, enum msg_id id, const void *body, size_t len,
    void *arg)
{
	struct play *p = arg;
	size_t i;

	if (p->mute)
		return;
	if (id == MSG_STATUS)
		on_status(p, c, body, len);
	if (id != MSG_COMMAND)
		return;
	for (i = 0; i < ARRAY_LEN(p->watchers); i++)
		if (p->watchers[i] == NULL) {
			p->watchers[i] = c;
			break;
		}
	(void)ipcs_reply(c, 0, NULL, 0);
}

static void
on_closed(struct ipcs_conn *c, void *arg)
{
	struct play *p = arg;
	size_t i;

	for (i = 0; i < ARRAY_LEN(p->watchers); i++)
		if (p->watchers[i] == c)
			p->watchers[i] = NULL;
}

static const struct ipcs_ops ops = { .on_msg = on_msg, .on_closed = on_closed };

void
play_yoked(struct play *p, bool runs)
{
	if (runs == (p->ipcs != NULL))
		return;
	if (!runs) {
		ipcs_free(p->ipcs);
		p->ipcs = NULL;
		memset(p->watchers, 0, sizeof(p->watchers));
	} else if (ipcs_new(p->loop, p->instance, (gid_t)-1, &ops, p,
		       &p->ipcs) < 0) {
		abort();
	}
}

struct play *
play_new(const char *name)
{
	struct play *p = mem_new(struct play);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)snprintf(p->instance, sizeof(p->instance), "%s-%d", name,
	    (int)getpid());
	scratch_dir(p->dir, sizeof(p->dir));
	if (loop_new(&p->loop) < 0)
		abort();
	p->piece = 1000;
	play_status(p, "{}");
	play_yoked(p, true);
	return p;
}

void
play_free(struct play *p)
{
	play_yoked(p, false);
	loop_free(p->loop);
	scratch_remove(p->dir);
	free(p->status);
	free(p);
}

void
play_status(struct play *p, const char *text)
{
	free(p->status);
	p->status = strdup(text);
}

void
play_status_file(struct play *p, const char *file)
{
	FILE *f = fopen(file, "r");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) < 0)
		abort();
	free(p->status);
	p->status = calloc(1, (size_t)st.st_size + 1);
	if (fread(p->status, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		abort();
	fclose(f);
}

void
play_line(struct play *p, const char *line)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(p->watchers); i++)
		if (p->watchers[i] != NULL)
			(void)ipcs_event(p->watchers[i], MSG_WATCH_LINE, line,
			    strlen(line));
}

unsigned
play_watchers(const struct play *p)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(p->watchers); i++)
		n += p->watchers[i] != NULL;
	return n;
}

struct waiting {
	struct play *p;
	struct timer timer;
	usec_t end;
	bool (*done)(void *arg);
	void *arg;
	bool was;
};

static void
on_turn(void *arg)
{
	struct waiting *w = arg;

	w->was = w->done != NULL && w->done(w->arg);
	if (w->was || loop_now(w->p->loop) >= w->end)
		loop_stop(w->p->loop);
	else
		timer_in(&w->timer, TURN);
}

bool
play_until(struct play *p, unsigned ms, bool (*done)(void *arg), void *arg)
{
	struct waiting w = { .p = p, .done = done, .arg = arg };

	w.end = loop_now(p->loop) + ms * USEC_MS;
	timer_init(&w.timer, p->loop, on_turn, &w);
	timer_in(&w.timer, 0);
	loop_run(p->loop);
	timer_stop(&w.timer);
	return w.was;
}

void
play_turn(struct play *p, unsigned ms)
{
	(void)play_until(p, ms, NULL, NULL);
}

const char *
play_conf(struct play *p, const char *more)
{
	static char file[128];
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s/yoke.conf", p->dir);
	f = fopen(file, "w");
	if (f == NULL)
		abort();
	fprintf(f, conf_text, p->instance, more);
	fclose(f);
	return file;
}

pid_t
play_start(struct play *p, const char *name)
{
	const char *bin = getenv("YOKE_BIN");
	char path[128], conf[128], log[128];
	pid_t pid;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s",
	    bin != NULL ? bin : "build/bin", name);
	(void)snprintf(conf, sizeof(conf), "%s/yoke.conf", p->dir);
	(void)snprintf(log, sizeof(log), "%s/%s.log", p->dir, name);
	pid = fork();
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* with a test that dies */
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	execl(path, name, "-f", "-n", "d1", "-c", conf, (char *)NULL);
	_exit(127);
}

struct ending {
	pid_t pid;
	int status;
};

static bool
has_ended(void *arg)
{
	struct ending *e = arg;

	return waitpid(e->pid, &e->status, WNOHANG) == e->pid;
}

int
play_end(struct play *p, pid_t pid, int sig)
{
	struct ending e = { .pid = pid };

	(void)kill(pid, sig);
	if (!play_until(p, 10000, has_ended, &e)) {
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &e.status, 0);
		return -1;
	}
	if (WIFSIGNALED(e.status))
		printf("# ended by signal %d\n", WTERMSIG(e.status));
	else if (WEXITSTATUS(e.status) != 0)
		printf("# ended with %d\n", WEXITSTATUS(e.status));
	return WIFEXITED(e.status) ? WEXITSTATUS(e.status) : -1;
}

pid_t
play_spawn(struct play *p, const char *name, const char *command)
{
	char log[128];
	pid_t pid;
	int fd;

	(void)snprintf(log, sizeof(log), "%s/%s.log", p->dir, name);
	pid = fork();
	if (pid != 0)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

int
play_shell(struct play *p, const char *command, char *out, size_t len)
{
	struct ending e = { .pid = play_spawn(p, "shell", command) };
	char log[128];
	size_t n;
	FILE *f;

	if (!play_until(p, 30000, has_ended, &e)) {
		(void)kill(e.pid, SIGKILL);
		(void)waitpid(e.pid, &e.status, 0);
	}
	(void)snprintf(log, sizeof(log), "%s/shell.log", p->dir);
	f = fopen(log, "r");
	n = f != NULL ? fread(out, 1, len - 1, f) : 0;
	out[n] = '\0';
	if (f != NULL)
		fclose(f);
	return WIFEXITED(e.status) ? WEXITSTATUS(e.status) : -1;
}

int
play_port(void)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sin, &len) < 0)
		abort();
	close(fd);
	return ntohs(sin.sin_port);
}
