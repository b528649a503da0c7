/*
 * test_agentd: what texts of /proc mean, the judgement and its hysteresis,
 * configurations that are refused, a log's lines; and the program itself: who
 * is answered, HAProxy's line, and how little memory it takes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/addr.h"
#include "common/mem.h"
#include "daemons/agentd/agent.h"
#include "daemons/agentd/arp.h"
#include "test/scratch.h"
#include "test/tap.h"

#define RSS_MAX_KB 5120 /* the goal; 4.5 MB when this was written */

static char dir[SCRATCH_LEN];

static const char *
spew(const char *name, const char *text, mode_t mode)
{
	static char path[4][300];
	static unsigned i;
	FILE *f;

	i = (i + 1) % 4;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	(void)unlink(path[i]);
	f = fopen(path[i], "w");
	fputs(text, f);
	fclose(f);
	(void)chmod(path[i], mode);
	return path[i];
}

static void
test_parse(void)
{
	struct sensor_conf s = { .root = "", .interface = "", .cgroup = "",
		.network_mbit = 1000, .hits_max = 200 };
	struct counters a = { .at = USEC_S }, b = { .at = 2 * USEC_S };
	struct load l = { 0 };
	uint64_t total, available;
	double v;

	ok(sensor_parse_stat("cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1\n", &a) &&
	    a.cpu_all == 1000 && a.cpu_busy == 150, "stat");
	ok(!sensor_parse_stat("intr 1 2 3", &a), "no stat");
	ok(sensor_parse_stat("cpu  160 0 90 850 100 0 0 0\n", &b), "later");
	ok(sensor_parse_diskstats(" 8 0 sda 1 1 1 1 1 1 1 1 0 100 1\n"
	    " 8 1 sda1 1 1 1 1 1 1 1 1 0 900 1\n"
	    " 259 0 nvme0n1 1 1 1 1 1 1 1 1 0 50 1\n", &a) &&
	    a.n_disks == 2 && a.disk_ms[1] == 50, "disks, no partitions");
	b.n_disks = 2;
	b.disk_ms[0] = 600;
	b.disk_ms[1] = 50;
	ok(sensor_parse_net("Inter-| Receive\n face |bytes\n"
	    "    lo: 9 9 9 9 9 9 9 9 9 9\n"
	    "  eth0: 1000 1 0 0 0 0 0 0 2000 1 0\n", &a) && a.n_net == 1 &&
	    a.net[0].in == 1000 && a.net[0].out == 2000, "network, no lo");
	b.n_net = 1;
	memcpy(b.net[0].name, "eth0", 5);
	b.net[0].in = 1000;
	b.net[0].out = 2000 + 31250000;
	a.has_hits = b.has_hits = true;
	b.hits = 50;
	sensor_rates(&s, &a, &b, &l);
	is_int(l.metric[LOAD_CPU], 500, "processor: 100 of 200");
	is_int(l.metric[LOAD_DISK], 500, "disk: 500 ms of a second");
	is_int(l.metric[LOAD_NETWORK], 250, "network: a quarter of 1000 Mbit/s");
	is_int(l.metric[LOAD_HITS], 250, "hits: 50 of 200");
	b.cpu_all = 0;
	b.net[0].out = 0;
	l = (struct load){ 0 };
	sensor_rates(&s, &a, &b, &l);
	ok(!l.has[LOAD_CPU] && l.metric[LOAD_NETWORK] == 0,
	    "counters that went back are no load");
	ok(sensor_parse_meminfo("MemTotal: 1000 kB\nMemFree: 1 kB\n"
	    "MemAvailable:  250 kB\n", &total, &available) &&
	    total == 1024000 && available == 256000, "memory");
	ok(!sensor_parse_meminfo("MemTotal: 5 kB\nMemAvailable: 9 kB\n",
	    &total, &available), "more available than there is");
	ok(sensor_parse_pressure("some avg10=12.50 avg60=0.1 avg300=0 total=1\n",
	    &v) && v > 12.4 && v < 12.6, "pressure");
	ok(!sensor_parse_pressure("some avg10=nan", &v) &&
	    !sensor_parse_pressure("some avg10=900", &v), "absurd pressure");
}

/* What agentd says of a group's memory, all of it in bytes of 1 MB machines. */
static void
test_memory(void)
{
	static const struct {
		const char *files[6]; /* name, text, ...; NULL: no more */
		unsigned metric;      /* 9999: not known */
		const char *name;
	} rows[] = {
		{ { NULL }, 9999, "no such group" },
		{ { "memory.max", "400000\n", "memory.current", "300000\n",
		    "memory.stat", "file 9\ninactive_file 200000\n" }, 250,
		    "version 2, page cache that can go is left" },
		{ { "memory.max", "max\n", "memory.current", "300000\n" },
		    500, "no limit: the machine's" },
		{ { "memory.limit_in_bytes", "400000\n",
		    "memory.usage_in_bytes", "300000\n", "memory.stat",
		    "inactive_file 7\ntotal_inactive_file 100000\n" }, 500,
		    "version 1" },
		{ { "memory.limit_in_bytes", "9223372036854771712\n",
		    "memory.usage_in_bytes", "300000\n" }, 500,
		    "version 1 without a limit" },
		{ { "memory.max", "1000000\n", "memory.current", "1\n" },
		    488, "a group has no more left than its machine" },
		{ { "memory.max", "400000\n", "memory.current", "500000\n" },
		    1000, "over its limit: full" },
		{ { "memory.max", "0\n", "memory.current", "0\n" }, 9999,
		    "nothing at all" },
	};
	struct sensor_conf s = { .root = dir, .interface = "",
		.cgroup = "/group" };
	char path[300], cmd[400];
	struct load l;
	size_t i, k;

	(void)snprintf(path, sizeof(path), "%s/proc", dir);
	(void)mkdir(path, 0755);
	(void)spew("proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 500 kB\n",
	    0644);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)snprintf(cmd, sizeof(cmd), "rm -rf %s/group; mkdir "
		    "%s/group", dir, dir);
		ok(system(cmd) == 0, "a group");
		for (k = 0; k < 6 && rows[i].files[k] != NULL; k += 2) {
			(void)snprintf(path, sizeof(path), "group/%s",
			    rows[i].files[k]);
			(void)spew(path, rows[i].files[k + 1], 0644);
		}
		l = (struct load){ .metric = { [LOAD_MEMORY] = 9999 } };
		sensor_memory(&s, &l);
		is_int(l.metric[LOAD_MEMORY], rows[i].metric, "%s",
		    rows[i].name);
	}
}

static void
test_judge(void)
{
	struct judge_conf c = { .recover = 10, .hold = 2 };
	struct load l = { .has = { true, true } };
	struct judge j = { 0 };
	unsigned turns = 0, i;

	c.limit[LOAD_MEMORY] = 90;
	l.metric[LOAD_CPU] = 1000;
	ok(!judge_sample(&j, &c, &l) && !j.overloaded, "no limit on cpu");
	is_int(judge_percent(&l), 1, "1%% of its weight at least");
	l.metric[LOAD_MEMORY] = 930;
	ok(!judge_sample(&j, &c, &l), "over, once");
	ok(judge_sample(&j, &c, &l) && j.overloaded, "twice: overloaded");
	is_str(j.why, "memory 93% of 90%", "says why");
	for (i = 0; i < 40; i++) {
		l.metric[LOAD_MEMORY] = i % 2 == 0 ? 850 : 910;
		turns += judge_sample(&j, &c, &l);
	}
	is_int(turns, 0, "between recover and limit nothing turns");
	l.metric[LOAD_MEMORY] = 790;
	(void)judge_sample(&j, &c, &l);
	ok(judge_sample(&j, &c, &l) && !j.overloaded && j.why[0] == '\0',
	    "below both, twice: recovered");
}

static void
test_conf(void)
{
	static const struct {
		const char *text, *err;
	} bad[] = {
		{ "speed = 3\n", ":1: speed: there is no such key" },
		{ "\n# x\nhold = 0\n", ":3: hold: \"0\": say a number from 1" },
		{ "interval = 5\n", ":1: interval: \"5\": say a duration" },
		{ "hold = 1\nhold = 2\n", ":2: hold: is there twice, first on "
		    "line 1" },
		{ "hello\n", ":1: \"hello\": say KEY = VALUE" },
		{ "certificate = /x\n", "private_key: certificate and "
		    "private_key go together" },
		{ "token_file = /nonexistent\n", "token_file: /nonexistent: "
		    "No such file" },
	};
	struct agent_conf c;
	char err[1024], text[400];
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		err[0] = '\0';
		ok(agent_conf_load(spew("bad", bad[i].text, 0644), &c, err,
		    sizeof(err)) < 0 && strstr(err, bad[i].err) != NULL,
		    "refused: %s", err);
		agent_conf_done(&c);
	}
	(void)snprintf(text, sizeof(text), "token_file = %s\n",
	    spew("open", "12345678\n", 0644));
	ok(agent_conf_load(spew("c", text, 0644), &c, err, sizeof(err)) < 0 &&
	    strstr(err, "can be read by everybody") != NULL, "%s", err);
	agent_conf_done(&c);
	(void)snprintf(text, sizeof(text), "token_file = %s # mine\n"
	    "listen = \"[::1]:99\"\noverload_memory = 90\n",
	    spew("shut", "12345678\n", 0640));
	is_int(agent_conf_load(spew("c", text, 0644), &c, err, sizeof(err)), 0,
	    "a good one");
	is_str(c.token, "12345678", "its token");
	is_str(c.listen, "[::1]:99", "quotes");
	is_int(c.judge.limit[LOAD_MEMORY], 90, "a limit");
	agent_conf_done(&c);
}

/* As the kernel has it: the larger one of all's and the card's. */
static void
test_arp(void)
{
	static const char *const files[][2] = { { "all", "1" }, { "lo", "2" } };
	char path[400], *text;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(files); i++) {
		(void)snprintf(path, sizeof(path),
		    "d=%s/proc/sys/net/ipv4/conf/%s; mkdir -p $d && "
		    "echo %s >$d/arp_ignore && echo 0 >$d/arp_announce", dir,
		    files[i][0], files[i][1]);
		if (system(path) != 0)
			abort();
	}
	text = arp_json(dir, &n);
	ok(text != NULL && strstr(text, "\"name\":\"lo\",\"up\":true,\"arp\":"
	    "false,\"arp_ignore\":2,\"arp_announce\":0,") != NULL,
	    "arp: the larger value counts");
	free(text);
	text = arp_json("/nonexistent", &n);
	ok(text != NULL && strstr(text, "arp_ignore") == NULL,
	    "what cannot be read is left out");
	free(text);
}

/* A log as web servers write it, in pieces of any length. */
static void
test_errors(void)
{
	static const char line[] =
	    "10.0.0.1 - - [21/Nov/2026:15:00:00 +0000] \"GET /a\\x22 500 "
	    "HTTP/1.1\" 200 17 \"-\" \"curl 503 \"\n"
	    "10.0.0.2 - - [21/Nov/2026:15:00:00 +0000] \"-\" 400 0 \"-\" \"-\"\n"
	    "::1 - - [21/Nov/2026:15:00:00 +0000] \"POST / HTTP/1.1\" 502\n"
	    "\" 599999 \" 12 \" 1234 nonsense, a quote at its end \"\n"
	    "no quote at all\n";
	size_t len = strlen(line), i, wrong = 0;
	unsigned n = 0;
	struct hits h;

	for (i = 0; i <= len; i++) {
		hits_init(&h);
		hits_scan(&h, line, i);
		hits_scan(&h, line + i, len - i);
		wrong += h.lines != 5 || h.judged != 3 || h.errors != 1;
	}
	is_int(wrong, 0, "one request of three failed, cut anywhere");
	ok(!hits_errors(&h, USEC_S, &n), "three are too few to say");
	for (i = 0; i < 4; i++)
		hits_scan(&h, line, len);
	ok(hits_errors(&h, USEC_S, &n) && n > 320 && n < 340,
	    "a third of fifteen: %u", n);
	for (i = 0; i < 100; i++)
		(void)hits_errors(&h, USEC_S, &n);
	ok(!hits_errors(&h, USEC_S, &n), "long ago: nothing is said any more");
}

static void
test_hits(void)
{
	struct agent_conf c = { 0 };
	struct hits h;
	uint64_t n = 0;
	FILE *f;

	ok(hits_parse("Active connections: 1 \nserver accepts handled requests\n"
	    " 16 16 31 \nReading: 0\n", &n) && n == 31, "nginx");
	ok(hits_parse("Total Accesses: 12\nTotal kBytes: 3\n", &n) && n == 12,
	    "Apache");
	ok(!hits_parse("<html>", &n), "something else");
	(void)snprintf(c.hits_log, sizeof(c.hits_log), "%s",
	    spew("log", "old\nold\n", 0644));
	hits_init(&h);
	ok(hits_read(&h, &c, &n) && n == 0, "what was there does not count");
	f = fopen(c.hits_log, "a");
	fputs("one\ntwo\nthr", f);
	fclose(f);
	ok(hits_read(&h, &c, &n) && n == 2, "two lines");
	(void)spew("log", "new\n", 0644);
	ok(hits_read(&h, &c, &n) && n == 3, "rotated: goes on");
	hits_done(&h);
}

/* ---- the program ---- */

static uint16_t
free_port(void)
{
	struct sockaddr_storage ss;
	socklen_t len;
	struct addr a;
	uint16_t port;
	int fd;

	(void)addr_parse("127.0.0.1", &a);
	len = addr_to_sock(&a, 0, &ss);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		abort();
	port = (uint16_t)(((uint8_t *)&ss)[2] << 8 | ((uint8_t *)&ss)[3]);
	close(fd);
	return port;
}

/* A connection to 127.0.0.1 as seen from that address; -1: none. */
static int
come_from(const char *own, uint16_t port)
{
	struct sockaddr_storage from, to;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct addr a;
	socklen_t n;

	(void)addr_parse(own, &a);
	n = addr_to_sock(&a, 0, &from);
	(void)addr_parse("127.0.0.1", &a);
	(void)addr_to_sock(&a, port, &to);
	if (bind(fd, (struct sockaddr *)&from, n) == 0 &&
	    connect(fd, (struct sockaddr *)&to, n) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Sends and reads to the end; the answer's length, -1: not connected. */
static ssize_t
talk_from(const char *own, uint16_t port, const char *what, char *buf,
    size_t len)
{
	int fd = come_from(own, port);
	size_t got = 0;
	ssize_t k;

	if (fd < 0)
		return -1;
	(void)!send(fd, what, strlen(what), MSG_NOSIGNAL);
	while (got < len - 1 &&
	       (k = recv(fd, buf + got, len - 1 - got, 0)) > 0)
		got += (size_t)k;
	buf[got] = '\0';
	close(fd);
	return (ssize_t)got;
}

static ssize_t
talk(uint16_t port, const char *what, char *buf, size_t len)
{
	return talk_from("127.0.0.1", port, what, buf, len);
}

static long
rss_kb(pid_t pid)
{
	char path[64], line[256];
	long kb = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return kb;
}

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more \
	"Connection: close\r\n\r\n"
#define TOKEN "Authorization: Bearer secret-token\r\n"

static void
test_answers(uint16_t port, uint16_t text)
{
	static const struct {
		const char *what, *answer, *name;
	} rows[] = {
		{ GET("/load", TOKEN), "HTTP/1.1 200", "GET /load" },
		{ GET("/load", ""), "HTTP/1.1 401", "no token" },
		{ GET("/load", "Authorization: Bearer secret-tokem\r\n"),
		    "HTTP/1.1 401", "another token" },
		{ GET("/load", "Authorization: Bearer \r\n"), "HTTP/1.1 401",
		    "an empty token" },
		{ GET("/", TOKEN), "HTTP/1.1 404", "another path" },
		{ GET("/arp", TOKEN), "HTTP/1.1 200", "GET /arp" },
		{ GET("/arp", ""), "HTTP/1.1 401", "no token for that" },
		{ "POST /load HTTP/1.1\r\nHost: x\r\n" TOKEN
		    "Content-Length: 0\r\nConnection: close\r\n\r\n",
		    "HTTP/1.1 405", "POST" },
	};
	char buf[8192];
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		(void)talk(port, rows[i].what, buf, sizeof(buf));
		ok(strncmp(buf, rows[i].answer, strlen(rows[i].answer)) == 0,
		    "%s: %.12s", rows[i].name, buf);
	}
	(void)talk(port, GET("/load", TOKEN), buf, sizeof(buf));
	ok(strstr(buf, "\"memory\":") != NULL &&
	    strstr(buf, "\"overloaded\":") != NULL, "metrics are in it");
	(void)talk(port, GET("/arp", TOKEN), buf, sizeof(buf));
	ok(strstr(buf, "{\"name\":\"lo\",\"up\":true,\"arp\":false,"
		       "\"arp_ignore\":") != NULL &&
	    strstr(buf, "\"127.0.0.1\"") != NULL &&
	    strstr(buf, "\"whole\":true") != NULL, "lo is in it");
	(void)talk(text, "", buf, sizeof(buf));
	ok(strncmp(buf, "up ready ", 9) == 0 || strcmp(buf, "drain\n") == 0,
	    "HAProxy's line: %.20s", buf);
}

/* One address that opens all it can and says nothing. */
static void
test_hog(uint16_t port)
{
	char buf[1024] = "";
	int fds[64];
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = come_from("127.0.0.2", port);
	(void)talk(port, GET("/load", TOKEN), buf, sizeof(buf));
	ok(strncmp(buf, "HTTP/1.1 200", 12) == 0 &&
	    recv(fds[0], buf, sizeof(buf), MSG_DONTWAIT) < 0 && errno == EAGAIN,
	    "others are answered while it holds its first one");
	for (i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static void
test_program(void)
{
	const char *bin = getenv("YOKE_BIN");
	uint16_t port = free_port(), text = free_port();
	char conf[512], path[300], buf[1024];
	int i, status = -1;
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/yoke-agentd",
	    bin != NULL ? bin : "build/bin");
	(void)snprintf(conf, sizeof(conf), "listen = 127.0.0.1:%u\n"
	    "text_listen = 127.0.0.1:%u\ninterval = 100ms\n"
	    "token_file = %s\n", port, text,
	    spew("token", "secret-token\n", 0600));
	pid = fork();
	if (pid == 0) {
		execl(path, path, "-c", spew("conf", conf, 0644), NULL);
		_exit(127);
	}
	for (i = 0; i < 500 && talk(text, "", buf, sizeof(buf)) < 0; i++)
		usleep(10000);
	test_answers(port, text);
	test_hog(port);
	for (i = 0; i < 200; i++)
		(void)talk(port, GET("/load", TOKEN), buf, sizeof(buf));
	printf("# resident: %ld kB\n", rss_kb(pid));
	ok(bin != NULL && strstr(bin, "address") != NULL
	        ? true : rss_kb(pid) > 0 && rss_kb(pid) < RSS_MAX_KB,
	    "less than %d kB resident, also after 200 requests", RSS_MAX_KB);
	(void)kill(pid, SIGTERM);
	(void)waitpid(pid, &status, 0);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, "ends in good order");
}

int
main(void)
{
	scratch_dir(dir, sizeof(dir));
	test_parse();
	test_memory();
	test_judge();
	test_conf();
	test_hits();
	test_errors();
	test_arp();
	test_program();
	return done();
}
