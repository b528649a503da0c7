/*
 * test_checks: the types of checks beside tcp and http, each against something
 * real on loopback: yoke-agentd, with and without TLS, a UDP echo, a name server
 * of 30 lines, programs that fail, hang and leave children. And what agents
 * say, sense and nonsense.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/agent_reply.h"
#include "daemons/monitord/monitor.h"
#include "test/may_mark.h"
#include "test/scratch.h"
#include "test/tap.h"

#define DEADLINE (15 * USEC_S)
#define SERVICES 32

struct test {
	struct loop *loop;
	struct monitor *monitor;
	struct timer poll;
	usec_t until;
	size_t want;
	struct health_msg health[SERVICES * 4];
	size_t n_health;
	struct weight_msg weight;
	unsigned weights;
	bool (*cond)(struct test *t);
	struct conf conf;
	struct conf_service services[SERVICES];
	struct server_def servers[SERVICES];
	struct conf_check checks[SERVICES][2];
};

static char dir[SCRATCH_LEN];

/* ---- what agents say ---- */

static void
test_json(void)
{
	static const struct {
		const char *text, *why; /* NULL: good */
	} rows[] = {
		{ "{\"load\":{\"cpu\":120,\"memory\":1000}}", NULL },
		{ "{\"load\":{},\"overloaded\":true,\"scale\":50,\"x\":[1]}",
		    NULL },
		{ "{\"load\":{\"beer\":3}}", NULL },
		{ "", "not an agent" },
		{ "[]", "not an agent" },
		{ "{}", "not an agent" },
		{ "{\"load\":3}", "not an agent" },
		{ "{\"load\":{\"cpu\":1001}}", "absurd cpu" },
		{ "{\"load\":{\"cpu\":-1}}", "absurd cpu" },
		{ "{\"load\":{\"cpu\":1.5}}", "absurd cpu" },
		{ "{\"load\":{\"hits\":\"9\"}}", "absurd hits" },
		{ "{\"load\":{},\"scale\":101}", "absurd scale" },
		{ "{\"load\":{},\"overloaded\":1}", "absurd overloaded" },
		{ "{\"load\":{},\"load\":{}}", "not an agent" },
	};
	struct load_sample l;
	char why[64];
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		l.scale = 77;
		rc = agent_reply_json(rows[i].text, strlen(rows[i].text), &l,
		    why, sizeof(why));
		if (rows[i].why == NULL)
			ok(rc == 0 && l.scale <= 100, "%s", rows[i].text);
		else
			ok(rc == -EBADMSG && strstr(why, rows[i].why) != NULL &&
			    l.scale == 77, "refused: %s: %s", rows[i].text,
			    why);
	}
}

static void
test_words(void)
{
	static const struct {
		const char *text;
		int scale; /* -1: refused */
		bool out;
	} rows[] = {
		{ "75%\n", 75, false },
		{ "up ready 75%\r\n", 75, false },
		{ "UP,READY\t30% maxconn:10\n", 30, false },
		{ "drain\n", 100, true },
		{ "maint 50%\n", 50, true },
		{ "down#oh dear 12 &\n", 100, true },
		{ "stopped", 100, true },
		{ "250%\n", 100, false },
		{ "\n", -1, false },
		{ "", -1, false },
		{ "75\n", -1, false },
		{ "-5%\n", -1, false },
		{ "7%5\n", -1, false },
		{ "99999999999999%\n", -1, false },
		{ "SSH-2.0-OpenSSH\n", -1, false },
	};
	struct load_sample l;
	char why[64], bytes[64];
	unsigned wrong = 0;
	size_t i, k;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		rc = agent_reply_text(rows[i].text, strlen(rows[i].text), &l,
		    why, sizeof(why));
		if (rows[i].scale < 0)
			ok(rc == -EBADMSG, "refused: %.*s: %s",
			    (int)strcspn(rows[i].text, "\r\n"), rows[i].text,
			    why);
		else
			ok(rc == 0 && l.scale == rows[i].scale &&
			    l.overloaded == rows[i].out, "%.*s",
			    (int)strcspn(rows[i].text, "\r\n#"), rows[i].text);
	}
	srand(7);
	for (i = 0; i < 20000; i++) {
		for (k = 0; k < sizeof(bytes); k++)
			bytes[k] = (char)(rand() % 3 == 0 ? rand()
			                                  : "up 5%{}\":d"[rand() % 10]);
		k = (size_t)rand() % sizeof(bytes);
		wrong += agent_reply_text(bytes, k, &l, why, sizeof(why)) == 0 &&
		    l.scale > 100;
		wrong += agent_reply_json(bytes, k, &l, why, sizeof(why)) == 0;
	}
	is_int(wrong, 0, "20000 times noise: refused or in range");
}

/* ---- servers ---- */

static int
bound(int type, uint16_t *ret_port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&in, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&in, &len) < 0)
		abort();
	*ret_port = ntohs(in.sin_port);
	return fd;
}

static pid_t
child(void (*fn)(int fd), int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		fn(fd);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void
echo(int fd)
{
	struct sockaddr_in from;
	char buf[512];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0,
		    (struct sockaddr *)&from, &len);

		if (n >= 0)
			(void)!sendto(fd, buf, (size_t)n, 0,
			    (struct sockaddr *)&from, len);
	}
}

/* Knows example.org; before each answer comes one to another question. */
static void
name_server(int fd)
{
	static const char known[] = "\7example\3org";
	struct sockaddr_in from;
	char buf[512];

	for (;;) {
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0,
		    (struct sockaddr *)&from, &len);

		if (n < 12)
			continue;
		buf[2] |= (char)0x80;
		buf[0] ^= 1;
		buf[3] = 2;
		(void)!sendto(fd, buf, (size_t)n, 0,
		    (struct sockaddr *)&from, len);
		buf[0] ^= 1;
		buf[3] = memmem(buf, (size_t)n, known, sizeof(known)) != NULL
		    ? 0 : 3;
		(void)!sendto(fd, buf, (size_t)n, 0,
		    (struct sockaddr *)&from, len);
	}
}

/* Greets like a mail server. */
static void
mail_server(int fd)
{
	char buf[512];
	int c;

	(void)listen(fd, 16);
	for (;;) {
		c = accept(fd, NULL, NULL);
		if (c < 0)
			continue;
		(void)!send(c, "220 here\r\n", 10, MSG_NOSIGNAL);
		if (recv(c, buf, sizeof(buf), 0) > 0)
			(void)!send(c, "250 hello\r\n", 11, MSG_NOSIGNAL);
		close(c);
	}
}

static void
busy_mail_server(int fd)
{
	int c;

	(void)listen(fd, 16);
	for (;;) {
		c = accept(fd, NULL, NULL);
		if (c < 0)
			continue;
		(void)!send(c, "421 too busy\r\n", 14, MSG_NOSIGNAL);
		(void)shutdown(c, SHUT_WR);
		usleep(1000);
		close(c);
	}
}

static const char *
spew(const char *name, const char *text, mode_t mode)
{
	static char path[8][300];
	static unsigned i;
	FILE *f;

	i = (i + 1) % 8;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	f = fopen(path[i], "w");
	fputs(text, f);
	fclose(f);
	(void)chmod(path[i], mode);
	return path[i];
}

static bool
listening(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	bool there = connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0;

	close(fd);
	return there;
}

/* yoke-agentd with these lines more. */
static pid_t
agentd(const char *name, uint16_t *ret_port, uint16_t *ret_text,
    const char *more)
{
	const char *bin = getenv("YOKE_BIN"), *file;
	char path[300], conf[2048];
	pid_t pid;
	int i;

	close(bound(SOCK_STREAM, ret_port));
	close(bound(SOCK_STREAM, ret_text));
	(void)snprintf(path, sizeof(path), "%s/yoke-agentd",
	    bin != NULL ? bin : "build/bin");
	(void)snprintf(conf, sizeof(conf), "listen = 127.0.0.1:%u\n"
	    "text_listen = 127.0.0.1:%u\ninterval = 100ms\n%s", *ret_port,
	    *ret_text, more);
	file = spew(name, conf, 0600);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(path, path, "-c", file, NULL);
		_exit(127);
	}
	for (i = 0; i < 1000 && !listening(*ret_text); i++)
		usleep(10000);
	return pid;
}

/* ---- the monitor ---- */

static int
on_health(const struct health_msg *m, void *arg)
{
	struct test *t = arg;

	if (t->n_health < ARRAY_LEN(t->health))
		t->health[t->n_health++] = *m;
	return 0;
}

static int
on_weight(const struct weight_msg *m, void *arg)
{
	struct test *t = arg;

	t->weight = *m;
	t->weights++;
	return 0;
}

static void
on_minute(const struct prober_minute *m, void *arg)
{
	(void)m;
	(void)arg;
}

static const struct monitor_ops ops = { on_health, on_weight, on_minute };

static void
on_poll(void *arg)
{
	struct test *t = arg;

	if (t->cond(t) || loop_now(t->loop) >= t->until)
		loop_stop(t->loop);
	else
		timer_in(&t->poll, 2 * USEC_MS);
}

static bool
wait_for(struct test *t, bool (*cond)(struct test *t))
{
	t->cond = cond;
	t->until = loop_now(t->loop) + DEADLINE;
	timer_in(&t->poll, 0);
	loop_run(t->loop);
	return cond(t);
}

static bool
all_judged(struct test *t)
{
	return t->n_health >= t->want;
}

static struct conf_check *
add(struct test *t, const char *name, enum check_type type, uint16_t port)
{
	size_t i = t->conf.n_services++;
	struct conf_service *s = &t->services[i];
	struct conf_check *c = &t->checks[i][0];

	t->conf.services = t->services;
	*s = (struct conf_service){ .servers = &t->servers[i], .n_servers = 1,
		.checks = t->checks[i], .n_checks = 1 };
	(void)snprintf(s->def.name, NAME_LEN, "%s", name);
	t->servers[i] = (struct server_def){ .name = "r1", .port = port,
		.weight = 100 };
	(void)addr_parse("127.0.0.1", &t->servers[i].addr);
	*c = (struct conf_check){ .type = type, .interval = 100 * USEC_MS,
		.timeout = 5 * USEC_S, .rise = 1, .fall = 1, .path = "/load",
		.method = "GET", .verify = true, .name_asked = "." };
	(void)snprintf(c->name, NAME_LEN, "c");
	return c;
}

static void
begin(struct test *t)
{
	t->n_health = t->weights = 0;
	if (monitor_new(t->loop, 64, &ops, t, &t->monitor) < 0 ||
	    monitor_set_conf(t->monitor, &t->conf) < 0)
		abort();
	monitor_on(t->monitor, true);
}

static void
end(struct test *t)
{
	monitor_free(t->monitor);
	t->conf.n_services = 0;
}

static void
said(const struct test *t, const char *service, enum health h, const char *why)
{
	size_t i;

	for (i = 0; i < t->n_health; i++)
		if (strcmp(t->health[i].service, service) == 0)
			break;
	if (!ok(i < t->n_health && t->health[i].health == h &&
		strstr(t->health[i].cause, why) != NULL, "%s is %s: %s", service,
		health_name(h), why) && i < t->n_health)
		printf("#   %s: %s\n", health_name(t->health[i].health),
		    t->health[i].cause);
}

static void
put(char *dst, const char *text)
{
	(void)snprintf(dst, CONF_TEXT_LEN, "%s", text);
}

static void
test_datagrams(struct test *t)
{
	uint16_t up, dns, shut;
	pid_t a = child(echo, bound(SOCK_DGRAM, &up));
	pid_t b = child(name_server, bound(SOCK_DGRAM, &dns));

	close(bound(SOCK_DGRAM, &shut));
	put(add(t, "udp", CHECK_UDP, up)->send, "hello");
	put(add(t, "udp-body", CHECK_UDP, up)->send, "hello world");
	put(t->checks[1][0].body, "lo wor");
	put(add(t, "udp-other", CHECK_UDP, up)->send, "hello");
	put(t->checks[2][0].body, "bye");
	(void)add(t, "udp-shut", CHECK_UDP, shut);
	put(add(t, "dns", CHECK_DNS, dns)->name_asked, "example.org");
	put(add(t, "dns-none", CHECK_DNS, dns)->name_asked, "example.com");
	put(add(t, "dns-silent", CHECK_DNS, up)->name_asked, "example.org");
	t->checks[6][0].timeout = 100 * USEC_MS;
	t->want = 7;
	begin(t);
	ok(wait_for(t, all_judged), "udp and dns are judged");
	said(t, "udp", HEALTH_UP, "ok");
	said(t, "udp-body", HEALTH_UP, "ok");
	said(t, "udp-other", HEALTH_DOWN, "answer lacks \"bye\"");
	said(t, "udp-shut", HEALTH_DOWN, "connection refused");
	said(t, "dns", HEALTH_UP, "ok");
	said(t, "dns-none", HEALTH_DOWN, "no such name");
	said(t, "dns-silent", HEALTH_DOWN, "timeout");
	end(t);
	(void)kill(a, SIGKILL);
	(void)kill(b, SIGKILL);
	(void)waitpid(a, NULL, 0);
	(void)waitpid(b, NULL, 0);
}

static void
test_url(struct test *t)
{
	uint16_t mail, busy, imap; /* a server for each: they serve one by one */
	pid_t c = child(mail_server, bound(SOCK_STREAM, &imap));
	pid_t a = child(mail_server, bound(SOCK_STREAM, &mail));
	pid_t b = child(busy_mail_server, bound(SOCK_STREAM, &busy));
	int i;

	for (i = 0; i < 1000 && !(listening(mail) && listening(busy) &&
			    listening(imap)); i++)
		usleep(10000);
	put(add(t, "mail", CHECK_URL, mail)->path, "");
	put(add(t, "busy", CHECK_URL, busy)->path, "");
	put(add(t, "imap", CHECK_URL, imap)->path, "");
	for (i = 0; i < 3; i++)
		(void)snprintf(t->checks[i][0].scheme,
		    sizeof(t->checks[i][0].scheme), i == 2 ? "imap" : "smtp");
	t->want = 3;
	begin(t);
	ok(wait_for(t, all_judged), "greetings are judged");
	said(t, "mail", HEALTH_UP, "ok");
	said(t, "busy", HEALTH_DOWN, "url c: ");
	said(t, "imap", HEALTH_DOWN, "url c: ");
	end(t);
	(void)kill(a, SIGKILL);
	(void)kill(b, SIGKILL);
	(void)waitpid(a, NULL, 0);
	(void)waitpid(b, NULL, 0);
	(void)kill(c, SIGKILL);
	(void)waitpid(c, NULL, 0);
}

/* Nobody of it is left. */
static bool
hung_one_gone(struct test *t)
{
	char path[300], text[32] = "";
	FILE *f;

	(void)t;
	(void)snprintf(path, sizeof(path), "%s/child", dir);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	(void)!fgets(text, sizeof(text), f);
	fclose(f);
	return atoi(text) > 0 && kill(atoi(text), 0) < 0 && errno == ESRCH;
}

static void
test_commands(struct test *t)
{
	char text[700];

	put(add(t, "well", CHECK_COMMAND, 81)->command, spew("well",
	    "#!/bin/sh\n[ \"$1 $2\" = \"127.0.0.1 81\" ] && [ $# = 2 ]\n",
	    0755));
	put(add(t, "ill", CHECK_COMMAND, 81)->command, spew("ill",
	    "#!/bin/sh\necho the disk is full\nexit 3\n", 0755));
	put(add(t, "meek", CHECK_COMMAND, 81)->command, spew("meek",
	    "#!/bin/sh\n! grep -q 'Cap[IPEA]..:.*[1-9a-f]' "
	    "/proc/self/status\n", 0755));
	put(add(t, "absent", CHECK_COMMAND, 81)->command, "/nonexistent/x");
	(void)snprintf(text, sizeof(text), "#!/bin/sh\n"
	    "sleep 1000 & echo $! >%s/child.new\n"
	    "mv %s/child.new %s/child\nwait\n", dir, dir, dir);
	put(add(t, "hung", CHECK_COMMAND, 81)->command, spew("hung", text, 0755));
	t->checks[4][0].timeout = 300 * USEC_MS;
	t->checks[4][0].interval = 3600 * USEC_S;
	t->want = 5;
	begin(t);
	ok(wait_for(t, all_judged), "commands are judged");
	said(t, "well", HEALTH_UP, "ok");
	said(t, "ill", HEALTH_DOWN, "the disk is full");
	said(t, "meek", HEALTH_UP, "ok"); /* it has no capabilities */
	said(t, "absent", HEALTH_DOWN, "cannot run");
	said(t, "hung", HEALTH_DOWN, "timeout after 300ms");
	ok(wait_for(t, hung_one_gone), "its child is killed with it");
	end(t);
}

static bool
weight_is_0(struct test *t)
{
	return t->weights > 0 && t->weight.weight == 0;
}

static void
test_agents(struct test *t)
{
	uint16_t port, text;
	pid_t pid = agentd("agent.conf", &port, &text, "overload_memory = 1\n"
	    "recover = 0\nhold = 1\n");
	int i;

	for (i = 0; i < 2; i++) {
		(void)add(t, "web", i == 0 ? CHECK_AGENT : CHECK_AGENT_TEXT,
		    i == 0 ? port : text);
		policy_defaults(&t->services[0].policy);
		t->services[0].policy.given = true;
		t->services[0].policy.type = POLICY_LOAD;
		t->services[0].policy.interval = 100 * USEC_MS;
		t->services[0].policy.in_service = 0;
		begin(t);
		ok(wait_for(t, weight_is_0), "%s: overloaded, weight 0: %s",
		    i == 0 ? "agent" : "agent-text", t->weight.cause);
		ok(t->n_health == 0 || t->health[0].health == HEALTH_UP,
		    "and not down");
		end(t);
	}
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

static char log_file[64];

/* Clients come and go: every fifth request fails. */
static bool
weight_is_0_meanwhile(struct test *t)
{
	static unsigned n;
	FILE *f = fopen(log_file, "ae");

	if (f == NULL)
		abort();
	fprintf(f, "10.0.0.1 - - [-] \"GET / HTTP/1.1\" %d 5 \"-\" \"-\"\n",
	    ++n % 5 == 0 ? 500 : 200);
	(void)fclose(f);
	return weight_is_0(t);
}

/* A server that answers its checks and fails a fifth of its clients. */
static void
test_failing(struct test *t)
{
	uint16_t port, text;
	char conf[256];
	pid_t pid;

	(void)snprintf(log_file, sizeof(log_file), "%s", spew("log", "", 0600));
	(void)snprintf(conf, sizeof(conf), "hits_log = %s\n"
	    "overload_errors = 10\nhold = 1\n", log_file);
	pid = agentd("failing.conf", &port, &text, conf);
	(void)add(t, "web", CHECK_AGENT, port);
	policy_defaults(&t->services[0].policy);
	t->services[0].policy.given = true;
	t->services[0].policy.type = POLICY_LOAD;
	t->services[0].policy.interval = 100 * USEC_MS;
	t->services[0].policy.in_service = 0;
	begin(t);
	ok(wait_for(t, weight_is_0_meanwhile),
	    "a server that fails its clients: weight 0: %s", t->weight.cause);
	end(t);
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

/* A CA, certificates for the server and for us, in files. */
static bool
make_certificates(void)
{
	char cmd[2048];

	(void)snprintf(cmd, sizeof(cmd), "(cd %s && umask 077 && "
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 "
	    "-nodes -subj /CN=ca -keyout ca.key -out ca.pem -days 2 && "
	    "for n in www.example.org client; do "
	    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
	    "-subj /CN=$n -keyout $n.key -out $n.csr && "
	    "echo subjectAltName=DNS:$n >$n.ext && openssl x509 -req -in $n.csr "
	    "-CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $n.ext "
	    "-out $n.pem || exit 1; done", dir);
	(void)snprintf(cmd + strlen(cmd), sizeof(cmd) - strlen(cmd),
	    ") >/dev/null 2>&1");
	return system(cmd) == 0;
}

static struct conf_check *
tls(struct test *t, const char *name, uint16_t port, bool ours)
{
	struct conf_check *c = add(t, name, CHECK_HTTPS, port);

	(void)snprintf(c->server_name, CONF_TEXT_LEN, "www.example.org");
	(void)snprintf(c->ca_file, CONF_TEXT_LEN, "%s/ca.pem", dir);
	if (ours) {
		(void)snprintf(c->certificate, CONF_TEXT_LEN, "%s/client.pem",
		    dir);
		(void)snprintf(c->private_key, CONF_TEXT_LEN, "%s/client.key",
		    dir);
	}
	return c;
}

/* The last service's check, to a VIP that is the server itself: no IPVS looks
 * at its mark here. */
static void
go_through(struct test *t, struct conf_check *c)
{
	static struct conf_vip vip = { .device = "lo" };
	size_t i = t->conf.n_services - 1;

	c->through = THROUGH_VIP;
	vip.addr = t->services[i].def.addr = t->servers[i].addr;
	t->conf.vips = &vip;
	t->conf.n_vips = 1;
	if (probe_paths_make(&t->conf, &t->conf.probe_paths) < 0)
		abort();
}

static void
test_tls(struct test *t)
{
	uint16_t port, text;
	char more[1024];
	pid_t pid;

	if (!ok(make_certificates(), "certificates"))
		return;
	(void)snprintf(more, sizeof(more), "certificate = %s/www.example.org.pem"
	    "\nprivate_key = %s/www.example.org.key\nclient_ca = %s/ca.pem\n",
	    dir, dir, dir);
	pid = agentd("tls.conf", &port, &text, more);
	(void)tls(t, "good", port, true);
	put(tls(t, "other-name", port, true)->server_name, "www.example.com");
	put(tls(t, "no-ca", port, true)->ca_file, "");
	tls(t, "no-verify", port, true)->verify = false;
	put(t->checks[3][0].server_name, "");
	(void)tls(t, "not-us", port, false);
	put(tls(t, "head", port, true)->method, "HEAD");
	t->checks[5][0].status = 405;
	put(tls(t, "plain", port, true)->ca_file, "");
	t->checks[6][0].type = CHECK_HTTP;
	t->want = 7;
	if (may_mark()) {
		go_through(t, tls(t, "through", port, true));
		t->want = 8;
	}
	begin(t);
	monitor_paths(t->monitor, t->conf.probe_paths.id);
	ok(wait_for(t, all_judged), "https is judged");
	said(t, "good", HEALTH_UP, "ok");
	said(t, "other-name", HEALTH_DOWN, "https c: ");
	said(t, "no-ca", HEALTH_DOWN, "https c: ");
	said(t, "no-verify", HEALTH_UP, "ok");
	said(t, "not-us", HEALTH_DOWN, "401, expected");
	said(t, "head", HEALTH_UP, "ok");
	said(t, "plain", HEALTH_DOWN, "http c: ");
	if (t->want == 8)
		said(t, "through", HEALTH_UP, "ok");
	end(t);
	probe_paths_done(&t->conf.probe_paths);
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, NULL, 0);
}

int
main(void)
{
	static struct test t;

	scratch_dir(dir, sizeof(dir));
	if (loop_new(&t.loop) < 0)
		return 1;
	timer_init(&t.poll, t.loop, on_poll, &t);
	test_json();
	test_words();
	test_datagrams(&t);
	test_commands(&t);
	test_url(&t);
	test_agents(&t);
	test_failing(&t);
	test_tls(&t);
	timer_stop(&t.poll);
	loop_free(t.loop);
	return done();
}
