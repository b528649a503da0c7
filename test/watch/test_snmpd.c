/*
 * test_snmpd: yoke-snmpd with a real snmpd, snmpget, snmpbulkwalk and snmptrapd on
 * loopback, beside a played yoked: values, a restart of snmpd, notifications, and
 * how fast a table of 10 000 servers is walked (beside a table of snmpd's own).
 */
#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/snmpd/mib.h"
#include "test/tap.h"
#include "test/watch/test_play.h"

#define ROOT "1.3.6.1.4.1.8072.9999.9999.5481"
#define COLUMNS 15 /* of yokeServerTable */
#define OUT (16 << 20)

static struct play *p;
static int port, trap_port;
static char *out; /* of the last command */

static void
write_file(const char *name, const char *text)
{
	char file[128];
	FILE *f;

	(void)snprintf(file, sizeof(file), "%s/%s", p->dir, name);
	f = fopen(file, "w");
	fputs(text, f);
	fclose(f);
}

/* A private snmpd: nothing of the machine's is read or written. */
static pid_t
start_snmpd(void)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "agentAddress udp:127.0.0.1:%d\nrocommunity public 127.0.0.1\n"
	    "master agentx\nagentXSocket unix:%s/agentx\n"
	    "agentXTimeout 5\ntrap2sink 127.0.0.1:%d public\n",
	    port, p->dir, trap_port);
	write_file("snmpd.conf", text);
	(void)snprintf(text, sizeof(text),
	    "MIBS= SNMP_PERSISTENT_DIR=%s/persist SNMPCONFPATH=%s exec "
	    "/usr/sbin/snmpd -f -C -c %s/snmpd.conf -Le", p->dir, p->dir,
	    p->dir);
	return play_spawn(p, "snmpd", text);
}

static pid_t
start_trapd(void)
{
	char text[512];

	write_file("trapd.conf", "disableAuthorization yes\n");
	(void)snprintf(text, sizeof(text),
	    "MIBS= SNMP_PERSISTENT_DIR=%s/persist SNMPCONFPATH=%s exec "
	    "/usr/sbin/snmptrapd -f -C -c %s/trapd.conf -n -OnQ -F '%%v\\n' "
	    "-Lo 127.0.0.1:%d", p->dir, p->dir, p->dir, trap_port);
	return play_spawn(p, "trapd", text);
}

/* snmpCOMMAND -v2c ... OID; numbers only. */
static int
snmp(const char *command, const char *oid)
{
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "MIBS= SNMPCONFPATH=%s SNMP_PERSISTENT_DIR=%s/persist %s -v2c "
	    "-c public -r 0 -t 5 -OnQ 127.0.0.1:%d %s", p->dir, p->dir,
	    command, port, oid);
	return play_shell(p, text, out, OUT);
}

struct want {
	const char *oid, *text;
};

static bool
is_served(void *arg)
{
	struct want *w = arg;

	return snmp("snmpget", w->oid) == 0 && strstr(out, w->text) != NULL;
}

/* play_until() turns the loop, and so does what it asks: by hand then. */
static void
expect(const char *oid, const char *text, const char *name)
{
	struct want w = { oid, text };
	int i;

	for (i = 0; i < 60; i++) {
		if (is_served(&w)) {
			ok(true, "%s", name);
			return;
		}
		play_turn(p, 250);
	}
	ok(false, "%s", name);
	printf("# want %s, got %s", text, out);
}

static bool
has_trap(void *arg)
{
	char file[128];
	FILE *f;
	size_t n;

	(void)snprintf(file, sizeof(file), "%s/trapd.log", p->dir);
	f = fopen(file, "r");
	n = f != NULL ? fread(out, 1, OUT - 1, f) : 0;
	out[n] = '\0';
	if (f != NULL)
		fclose(f);
	return strstr(out, arg) != NULL;
}

static void
expect_trap(const char *text, const char *name)
{
	if (!ok(play_until(p, 15000, has_trap, (void *)text), "%s", name))
		printf("# want %s, got %s\n", text, out);
}

static void
test_values(void)
{
	expect(ROOT ".1.1.5.0", "= 4", "yokeRole by way of snmpd");
	is_int(snmp("snmpwalk", ROOT), 0, "a walk");
	ok(strstr(out, ROOT ".1.13.1.3.1.1 = rs1") != NULL ||
		strstr(out, ROOT ".1.13.1.3.1.1 = \"rs1\"") != NULL,
	    "has the servers");
	ok(strstr(out, "No more variables") == NULL, "and ends well");
	(void)snmp("snmpget", ROOT ".1.13.1.3.9.9");
	ok(strstr(out, "No Such Instance") != NULL, "no such row");
	(void)snmp("snmpget", ROOT ".1.99.1.0");
	ok(strstr(out, "No Such Object") != NULL, "no such object");
	(void)snmp("snmpset", ROOT ".1.1.3.0 s x");
	ok(strstr(out, "rror") != NULL || strstr(out, "Timeout") != NULL,
	    "nothing can be set");
}

/* A status in another role. */
static void
set_role(const char *role, const char *transitions)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "{\"instance\":\"main\",\"node\":\"d1\",\"role\":\"%s\","
	    "\"epoch\":8,\"transitions\":[%s]}",
	    role, transitions);
	play_status(p, text);
}

static void
test_traps(void)
{
	set_role("standby", "{\"at_us\":1,\"from\":\"active\",\"to\":"
			    "\"standby\",\"why\":\"switch\",\"text\":\"t\"}");
	play_line(p, "role=standby");
	expect_trap(ROOT ".0.2", "a change of role is a notification");
	expect_trap(ROOT ".1.20.5.0 = \"switch\"", "with its reason");
	expect_trap(ROOT ".1.1.5.0 = 2", "and the role");
}

static void
test_restart(pid_t *snmpd)
{
	(void)play_end(p, *snmpd, SIGKILL);
	set_role("fault", "{\"at_us\":2,\"from\":\"standby\",\"to\":\"fault\","
			  "\"why\":\"x\",\"text\":\"t\"},{\"at_us\":1,"
			  "\"from\":\"active\",\"to\":\"standby\"}");
	play_turn(p, 1200);
	play_line(p, "role=fault");
	play_turn(p, 1500);
	*snmpd = start_snmpd();
	expect(ROOT ".1.1.5.0", "= 6", "snmpd restarts: served again");
	expect_trap(ROOT ".0.3", "and what happened meanwhile is sent");
}

static void
test_gone(void)
{
	play_yoked(p, false);
	expect(ROOT ".1.1.12.0", "= 2", "yoked is gone: yokeAnswers is false");
	expect_trap(ROOT ".0.23", "and a notification");
	play_yoked(p, true);
	expect(ROOT ".1.1.12.0", "= 1", "it is back");
	expect_trap(ROOT ".0.24", "and that is one too");
}

/* n servers, as yoked writes them. */
static void
set_servers(int n)
{
	size_t len = 200, room = 400 * (size_t)n + 1000;
	char *text = malloc(room);
	int i;

	len = (size_t)sprintf(text, "{\"role\":\"active\",\"services\":[{"
				    "\"name\":\"web\",\"servers\":[");
	for (i = 0; i < n; i++)
		len += (size_t)sprintf(text + len,
		    "%s{\"name\":\"rs%d\",\"address\":\"10.1.%d.%d:80\","
		    "\"method\":\"dr\",\"weight\":10,\"configured\":10,"
		    "\"source\":\"configured\",\"health\":\"up\",\"drain\":"
		    "false,\"cause\":\"http alive: ok\",\"changed_ms\":1000,"
		    "\"active\":%d,\"inactive\":3,\"conns\":%d,\"in_bytes\":"
		    "%d}", i > 0 ? "," : "", i, i / 250, i % 250 + 1, i % 100,
		    i * 3, i * 1000);
	(void)strcpy(text + len, "]}]}");
	play_status(p, text);
	p->piece = 60000;
	free(text);
}

static double
walk_seconds(const char *oid, unsigned *ret_values)
{
	usec_t at = loop_now(p->loop);
	const char *c;
	double s;

	if (snmp("snmpbulkwalk -Cr50", oid) != 0)
		printf("# walk: %.200s\n", out);
	s = (double)(loop_now(p->loop) - at) / 1e6;
	for (*ret_values = 0, c = out; (c = strchr(c, '\n')) != NULL; c++)
		++*ret_values;
	return s;
}

/* All columns side by side, some rows at a time, as managers fetch a table.
 * Returns the values; yoked's loop stands still meanwhile. */
static unsigned
fetch_rows(void)
{
	static const oid root[] = { MIB_ROOT, 1, 13, 1 };
	struct snmp_session s, *open;
	struct snmp_pdu *pdu, *answer = NULL;
	struct variable_list *v;
	oid at[COLUMNS][MAX_OID_LEN];
	size_t len[COLUMNS], i;
	unsigned values = 0;
	char peer[64];
	bool more = true;

	(void)snprintf(peer, sizeof(peer), "127.0.0.1:%d", port);
	snmp_sess_init(&s);
	s.peername = peer;
	s.version = SNMP_VERSION_2c;
	s.community = (u_char *)"public";
	s.community_len = 6;
	s.timeout = 5000000;
	open = snmp_open(&s);
	for (i = 0; i < COLUMNS; i++) {
		memcpy(at[i], root, sizeof(root));
		at[i][OID_LENGTH(root)] = 3 + i;
		len[i] = OID_LENGTH(root) + 1;
	}
	while (open != NULL && more) {
		pdu = snmp_pdu_create(SNMP_MSG_GETBULK);
		pdu->non_repeaters = 0;
		pdu->max_repetitions = 20;
		for (i = 0; i < COLUMNS; i++)
			snmp_add_null_var(pdu, at[i], len[i]);
		if (snmp_synch_response(open, pdu, &answer) != STAT_SUCCESS)
			break;
		for (i = 0, v = answer->variables; v != NULL;
		     v = v->next_variable, i = (i + 1) % COLUMNS) {
			more = v->name_length > OID_LENGTH(root) &&
			       v->name[OID_LENGTH(root)] == 3 + i;
			if (!more)
				break;
			values++;
			memcpy(at[i], v->name, v->name_length * sizeof(oid));
			len[i] = v->name_length;
		}
		snmp_free_pdu(answer);
	}
	if (open != NULL)
		snmp_close(open);
	return values;
}

/* Processor time that a process has taken, in seconds; not in clock ticks, of
 * which snmpd's own tables take seven. */
static double
cpu_of(pid_t pid)
{
	unsigned long long ns = 0;
	char file[64];
	FILE *f;

	(void)snprintf(file, sizeof(file), "/proc/%d/schedstat", (int)pid);
	f = fopen(file, "r");
	if (f != NULL && fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	if (f != NULL)
		fclose(f);
	return (double)ns / 1e9;
}

/* A walk's time by the clock, and whose processor time it took. */
struct cost {
	pid_t pid[2]; /* yoke-snmpd, snmpd */
	usec_t at;
	double cpu[2], s;
};

static struct cost
cost_begin(pid_t ours, pid_t snmpd)
{
	struct cost c = { .pid = { ours, snmpd } };
	int i;

	for (i = 0; i < 2; i++)
		c.cpu[i] = cpu_of(c.pid[i]);
	c.at = loop_now(p->loop);
	return c;
}

static void
cost_end(struct cost *c, const char *what, unsigned values)
{
	int i;

	c->s = (double)(loop_now(p->loop) - c->at) / 1e6;
	for (i = 0; i < 2; i++)
		c->cpu[i] = cpu_of(c->pid[i]) - c->cpu[i];
	printf("# %s: %u values in %.2f s, %.1f us each; processor: yoke-snmpd "
	       "%.2f s, snmpd %.2f s\n", what, values, c->s,
	    values > 0 ? c->s / values * 1e6 : 0, c->cpu[0], c->cpu[1]);
}

#define OWN_WALKS 8 /* one takes 0.07 s */

static void
test_large(pid_t ours, pid_t snmpd)
{
	unsigned values, own, before;
	struct cost c, table;
	double s, t, each;
	int i;

	set_servers(10000);
	expect(ROOT ".1.12.1.7.1", "= 10000", "10 000 servers are there");
	before = p->statuses;
	c = cost_begin(ours, snmpd);
	s = walk_seconds(ROOT ".1.13.1.8", &values);
	cost_end(&c, "a column of 10 000 rows", values);
	is_int(values, 10000, "their weights are walked");
	table = cost_begin(ours, snmpd);
	values = fetch_rows();
	cost_end(&table, "the whole table, row by row", values);
	is_int(values, 150000, "and all columns side by side");
	c = cost_begin(ours, snmpd);
	for (i = 0, t = 0, own = 0; i < OWN_WALKS; i++, own += values)
		t += walk_seconds(".1.3.6.1.2.1", &values);
	cost_end(&c, "snmpd's own tables", own);
	each = c.cpu[1] / own;
	ok(table.cpu[1] / 150000 < 3 * each,
	    "a value costs snmpd %.2f times one of its own",
	    table.cpu[1] / 150000 / each);
	ok(table.cpu[0] / 150000 < 3 * each, "and yoke-snmpd %.2f times that",
	    table.cpu[0] / 150000 / each);
	ok(p->statuses - before <= (unsigned)(s + t) + 3,
	    "yoked was asked %u times", p->statuses - before);
}

/* SNMP_BENCH: the whole table, value by value. */
static void
bench(void)
{
	unsigned values;
	double s;

	s = walk_seconds(ROOT ".1.13", &values);
	is_int(values, 150000, "all of the table");
	printf("# the whole table, 150 000 values: %.2f s, %.0f us a value\n",
	    s, s / values * 1e6);
}

int
main(void)
{
	pid_t snmpd, trapd, pid;
	char more[128];

	if (access("/usr/sbin/snmpd", X_OK) != 0 ||
	    access("/usr/sbin/snmptrapd", X_OK) != 0) {
		printf("1..0 # SKIP snmpd or snmptrapd is not installed\n");
		return 0;
	}
	out = malloc(OUT);
	p = play_new("snmpd");
	(void)setenv("MIBS", "", 1);
	(void)setenv("SNMPCONFPATH", p->dir, 1);
	(void)setenv("SNMP_PERSISTENT_DIR", p->dir, 1);
	snmp_disable_log();
	init_snmp("test");
	port = play_port();
	trap_port = play_port();
	play_status_file(p, "test/golden/status-active.json");
	(void)snprintf(more, sizeof(more), "snmp { agentx = %s/agentx }",
	    p->dir);
	(void)play_conf(p, more);
	pid = play_start(p, "yoke-snmpd"); /* before snmpd: it finds it */
	trapd = start_trapd();
	snmpd = start_snmpd();
	test_values();
	test_traps();
	test_restart(&snmpd);
	test_gone();
	test_large(pid, snmpd);
	if (getenv("SNMP_BENCH") != NULL)
		bench();
	is_int(play_end(p, pid, SIGTERM), 0, "ends in good order");
	(void)play_end(p, snmpd, SIGKILL);
	(void)play_end(p, trapd, SIGKILL);
	play_free(p);
	free(out);
	return done();
}
