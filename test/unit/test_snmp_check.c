/*
 * test_snmp_check: checks by SNMP: what values and loads mean, files with
 * credentials, and a real snmpd on loopback, asked as version 2c and 3.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/monitord/snmp_login.h"
#include "test/tap.h"
#include "test/unit/test_monitor_help.h"

static char dir[] = "/tmp/test_snmp_check.XXXXXX";

/* ---- values ---- */

static void
test_oid(void)
{
	static const struct {
		const char *text;
		size_t n;
	} rows[] = {
		{ "1.3.6.1.2.1.1.3.0", 9 }, { ".1.3.6", 3 }, { "2.999", 2 },
		{ "1", 0 }, { "", 0 }, { "1.", 0 }, { "1..3", 0 },
		{ "1.3.x", 0 }, { "3.1", 0 }, { "1.40", 0 },
		{ "1.3.4294967295", 3 }, { "1.3.4294967296", 0 },
		{ "1.3.-1", 0 }, { "1.3. 1", 0 },
	};
	uint32_t oid[SNMP_OID_MAX];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		is_int(snmp_oid_parse(rows[i].text, oid), rows[i].n, "oid %s",
		    rows[i].text);
}

static void
test_expect(void)
{
	static const struct {
		struct snmp_value v;
		const char *expect, *why;
		bool good;
	} rows[] = {
		{ { .kind = SNMP_NUMBER, .number = 5 }, "", "5", true },
		{ { .kind = SNMP_NUMBER, .number = 5 }, "5", "5", true },
		{ { .kind = SNMP_NUMBER, .number = 5 }, "=5", "5", true },
		{ { .kind = SNMP_NUMBER, .number = -5 }, "< 0", "-5", true },
		{ { .kind = SNMP_NUMBER, .number = 5 }, "!= 5",
		    "5, expected != 5", false },
		{ { .kind = SNMP_NUMBER, .number = 5 }, ">= 5", "5", true },
		{ { .kind = SNMP_NUMBER, .number = 5 }, "> 5",
		    "5, expected > 5", false },
		{ { .kind = SNMP_NUMBER, .number = 5 }, "<= five",
		    "5, expected <= five", false },
		{ { .kind = SNMP_COUNT, .count = UINT64_MAX },
		    "> 9223372036854775807", "18446744073709551615", true },
		{ { .kind = SNMP_COUNT, .count = 0 }, "> -1", "0", true },
		{ { .kind = SNMP_COUNT, .count = 3 }, "~ 3", "3, expected ~ 3",
		    false },
		{ { .kind = SNMP_TEXT, .text = "Linux rs1" }, "~ rs1",
		    "\"Linux rs1\"", true },
		{ { .kind = SNMP_TEXT, .text = "up" }, "up", "\"up\"", true },
		{ { .kind = SNMP_TEXT, .text = "down" }, "up",
		    "\"down\", expected up", false },
		{ { .kind = SNMP_ABSENT }, "", "no such object", false },
	};
	char why[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ok(snmp_expect(&rows[i].v, rows[i].expect, why, sizeof(why)) ==
		    rows[i].good, "value against \"%s\"", rows[i].expect);
		is_str(why, rows[i].why, "said so");
	}
}

static struct snmp_value
value(const struct snmp_question *q, uint32_t at, uint64_t n)
{
	struct snmp_value v = { .kind = SNMP_COUNT, .count = n };

	memcpy(v.oid, q->oid, q->oid_len * sizeof(*q->oid));
	v.oid[q->oid_len] = at;
	v.oid_len = q->oid_len + 1;
	return v;
}

/* Rows of snmp_load_scalars, as the source has them. */
enum { LA, TOTAL, AVAIL, BUFFER, CACHED, SYS, USER, NICE, SYSTEM, IDLE };

static void
test_load(void)
{
	struct snmp_memory m = { 0 };
	struct load_sample l = { 0 };
	struct snmp_value v[8];
	char why[64] = "";
	size_t n = 0;

	v[n++] = value(&snmp_load_scalars[LA], 1, 150);
	v[n++] = value(&snmp_load_table, 196608, 30);
	v[n++] = value(&snmp_load_table, 196609, 50);
	v[n++] = value(&snmp_load_scalars[TOTAL], 0, 1000);
	v[n++] = value(&snmp_load_scalars[AVAIL], 0, 100);
	v[n++] = value(&snmp_load_scalars[CACHED], 0, 150);
	v[n++] = value(&snmp_load_scalars[USER], 0, UINT32_MAX - 10);
	v[n++] = value(&snmp_load_scalars[IDLE], 0, 1000);
	is_int(snmp_load(v, n, &m, &l, why, sizeof(why)), 0, "a first answer");
	is_int(l.metric[LOAD_CPU], 400, "processors: the last minute's mean");
	is_int(l.metric[LOAD_MEMORY], 750, "memory that is not available");
	is_int(l.metric[LOAD_RUN], 750, "load average by processor");
	ok(!l.has[LOAD_NETWORK] && !l.has[LOAD_HITS], "no more is known");
	v[6].count = 65; /* 76 later, wrapped */
	v[7].count = 1024;
	is_int(snmp_load(v, n, &m, &l, why, sizeof(why)), 0, "the next one");
	is_int(l.metric[LOAD_CPU], 760, "processors: since then");
	is_int(snmp_load(v, n, &m, &l, why, sizeof(why)), 0, "it again");
	is_int(l.metric[LOAD_CPU], 760, "agents look once in a while only");
	v[3].kind = v[0].kind = SNMP_TEXT;
	v[1].count = 101;
	v[2].count = 20;
	v[7].kind = SNMP_ABSENT;
	is_int(snmp_load(v, n, &m, &l, why, sizeof(why)), 0, "nonsense in it");
	is_int(l.metric[LOAD_CPU], 200, "is left out");
	ok(!l.has[LOAD_MEMORY] && !l.has[LOAD_RUN], "all of it");
	is_int(snmp_load(v, 0, &m, &l, why, sizeof(why)), -EBADMSG,
	    "an empty answer");
	is_str(why, "no load in its answer", "is none");
}

/* ---- credentials ---- */

static void
test_login(void)
{
	static const struct {
		const char *text, *why; /* NULL: good */
	} rows[] = {
		{ "community = public\n", NULL },
		{ "# us\n\nuser=a\n", NULL },
		{ "user=a\nauth=SHA\nauth_password=12345678\r\n", NULL },
		{ "", "one of" },
		{ "community=a\nuser=b\n", "one of" },
		{ "community\n", "without =" },
		{ "community=\n", "empty" },
		{ "password=x\n", "unknown" },
		{ "user=a\nauth=SHA\n", "needs its password" },
		{ "user=a\nprivacy=AES\nprivacy_password=12345678\n",
		    "privacy needs auth" },
		{ "user=a\nauth=SHA\nauth_password=1234567\n", "8 characters" },
		{ "community=a\nauth=SHA\nauth_password=12345678\n",
		    "auth needs user" },
	};
	struct snmp_login l;
	char text[256], why[64], file[64];
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(text, sizeof(text), "%s", rows[i].text);
		why[0] = '\0';
		rc = snmp_login_parse(text, &l, why, sizeof(why));
		ok(rows[i].why == NULL ? rc == 0
		    : rc == -EINVAL && strstr(why, rows[i].why) != NULL,
		    "credentials %zu: %s", i, why);
	}
	(void)snprintf(file, sizeof(file), "%s/open", dir);
	close(open(file, O_CREAT | O_WRONLY, 0644));
	(void)chmod(file, 0644);
	is_int(snmp_login_read(file, &l, why, sizeof(why)), -EACCES,
	    "a file that everybody can read is refused");
	is_int(snmp_login_read("", &l, why, sizeof(why)), 0, "no file");
	is_str(l.community, "public", "is community public");
}

/* ---- a real snmpd ---- */

static const char *
write_file(const char *name, const char *text)
{
	static char path[8][64];
	static unsigned i;
	FILE *f;

	i = (i + 1) % ARRAY_LEN(path);
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	f = fopen(path[i], "we");
	if (f == NULL || fputs(text, f) < 0 || fchmod(fileno(f), 0600) < 0 ||
	    fclose(f) != 0)
		abort();
	return path[i];
}

static uint16_t
free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&a, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &len) < 0)
		abort();
	close(fd);
	return ntohs(a.sin_port);
}

static pid_t
start_snmpd(uint16_t port)
{
	char text[1024], at[64];
	const char *file;
	pid_t pid;

	(void)snprintf(text, sizeof(text),
	    "rocommunity geheim\n"
	    "createUser yoke SHA-256 \"authauth1\" AES \"privpriv1\"\n"
	    "rouser yoke priv\n"
	    "sysName rs1.example.org\n");
	file = write_file("snmpd.conf", text);
	(void)snprintf(at, sizeof(at), "udp:127.0.0.1:%u", port);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)setenv("SNMP_PERSISTENT_DIR", dir, 1);
		(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
		execlp("snmpd", "snmpd", "-f", "-Ln", "-C", "-c", file, "-I",
		    "-smux", at, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* It has its socket: what is asked now waits there for it. */
static bool
is_bound(uint16_t port)
{
	char line[256], want[16];
	bool there = false;
	FILE *f = fopen("/proc/net/udp", "re");

	(void)snprintf(want, sizeof(want), ":%04X ", port);
	while (f != NULL && !there && fgets(line, sizeof(line), f) != NULL)
		there = strstr(line, want) != NULL;
	if (f != NULL)
		(void)fclose(f);
	return there;
}

static struct conf_check *
add_snmp(struct builder *b, const char *name, enum check_type type,
    uint16_t port, const char *credentials)
{
	struct conf_check *c = add(b, name, type, 80);

	strcpy(c->name, "snmp");
	c->port = port;
	c->interval = 100 * USEC_MS;
	c->timeout = 5 * USEC_S;
	c->fall = 3;
	(void)snprintf(
	    c->credentials, CONF_TEXT_LEN, "%s", credentials);
	strcpy(c->oid, "1.3.6.1.2.1.1.5.0");
	return c;
}

static void
is_judged(const struct test *t, const char *service, enum health h,
    const char *cause)
{
	const struct health_msg *m = last_report(t, service, "r1");

	ok(m != NULL && m->health == h, "%s: %s", service, health_name(h));
	if (m != NULL)
		is_str(m->cause, cause, "%s: and why", service);
}

static void
test_get(struct test *t, uint16_t port)
{
	static struct builder b;
	const char *v2 = write_file("v2", "community=geheim\n");
	const char *v3 = write_file("v3", "user=yoke\nauth=SHA-256\n"
	    "auth_password=authauth1\nprivacy=AES\n"
	    "privacy_password=privpriv1\n");
	const char *wrong = write_file("wrong", "user=yoke\nauth=SHA-256\n"
	    "auth_password=authauth2\nprivacy=AES\n"
	    "privacy_password=privpriv1\n");
	const char *nobody = write_file("nobody", "user=nobody\n");
	struct conf_check *c;

	strcpy(add_snmp(&b, "v2", CHECK_SNMP, port, v2)->expect,
	    "~ example.org");
	strcpy(add_snmp(&b, "v3", CHECK_SNMP, port, v3)->expect,
	    "rs1.example.org");
	add_snmp(&b, "same", CHECK_SNMP, port, v3)->interval = 90 * USEC_MS;
	strcpy(add_snmp(&b, "other", CHECK_SNMP, port, v2)->expect, "rs2");
	strcpy(add_snmp(&b, "absent", CHECK_SNMP, port, v2)->oid,
	    "1.3.6.1.2.1.1.99.0");
	add_snmp(&b, "wrong", CHECK_SNMP, port, wrong);
	add_snmp(&b, "nobody", CHECK_SNMP, port, nobody);
	c = add_snmp(&b, "public", CHECK_SNMP, port, "");
	c->timeout = 100 * USEC_MS;
	add_snmp(&b, "shut", CHECK_SNMP, t->farm->port_shut, v2);
	begin(t, 64, &b.conf);
	monitor_on(t->monitor, true);
	ok(wait_reports(t, 9), "all are judged");
	is_judged(t, "v2", HEALTH_UP, "snmp: ok");
	is_judged(t, "v3", HEALTH_UP, "snmp: ok");
	is_judged(t, "same", HEALTH_UP, "snmp: ok");
	is_judged(t, "other", HEALTH_DOWN,
	    "snmp: \"rs1.example.org\", expected rs2");
	is_judged(t, "absent", HEALTH_DOWN, "snmp: no such object");
	is_judged(t, "wrong", HEALTH_DOWN, "snmp: not accepted by the agent");
	is_judged(t, "nobody", HEALTH_DOWN, "snmp: not accepted by the agent");
	is_judged(t, "public", HEALTH_DOWN, "snmp: timeout after 100ms");
	is_judged(t, "shut", HEALTH_DOWN, "snmp: connection refused");
	end(t);
}

static bool
enough_results(struct test *t)
{
	return monitor_counts(t->monitor).prober.started >= 4;
}

/* A server without our agent: its load reaches the policy, which records it. */
static void
test_snmp_load(struct test *t, uint16_t port)
{
	static struct builder b;
	struct policy *p = &b.services[0].policy;
	char text[16384] = "", *load;
	FILE *f;

	add_snmp(&b, "web", CHECK_SNMP_LOAD, port,
	    write_file("v2", "community=geheim\n"));
	b.servers[0][0].weight = 100;
	policy_defaults(p);
	p->given = true;
	p->type = POLICY_LOAD;
	p->interval = 100 * USEC_MS;
	(void)snprintf(p->record, sizeof(p->record), "%s/record", dir);
	begin(t, 64, &b.conf);
	believe(t, "web", HEALTH_UP);
	monitor_on(t->monitor, true);
	ok(wait_for(t, enough_results), "asked for its load");
	is_int(t->n_reports, 0, "which says nothing of its health");
	end(t);
	f = fopen(p->record, "re");
	if (f == NULL || fread(text, 1, sizeof(text) - 1, f) == 0)
		abort();
	(void)fclose(f);
	load = strstr(text, "load r1 ");
	if (!ok(load != NULL, "the policy was given it"))
		printf("# %s\n", text);
	if (load == NULL)
		return;
	load[strcspn(load, "\n")] = '\0';
	ok(strstr(load, "memory=") != NULL && strstr(load, "load=") != NULL,
	    "%s", load);
}

int
main(void)
{
	uint16_t port = free_port();
	struct test *t;
	char cmd[64];
	pid_t snmpd;
	int i;

	if (mkdtemp(dir) == NULL)
		return 1;
	snmpd = start_snmpd(port);
	for (i = 0; i < 3000 && !is_bound(port); i++)
		usleep(10000);
	t = test_start();
	test_oid();
	test_expect();
	test_load();
	test_login();
	test_get(t, port);
	test_snmp_load(t, port);
	test_stop(t);
	(void)kill(snmpd, SIGKILL);
	(void)waitpid(snmpd, NULL, 0);
	(void)snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ok(system(cmd) == 0, "nothing is left");
	return done();
}
