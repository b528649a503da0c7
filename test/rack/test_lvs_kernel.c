/*
 * test_lvs_kernel: the IPVS library against a real kernel's table. Run as root
 * in a machine of the rack (or any place whose IPVS table may be changed: it
 * uses addresses in 10.99.0.0/16 and fd99::/16 and leaves others alone).
 *
 * The measure throughout: after a wished table was applied, reading it back
 * and comparing must leave nothing to do; ipvsadm(8) is the second opinion.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "common/err.h"
#include "common/mem.h"
#include "ha/lvs_diff.h"
#include "test/tap.h"

#define FOREIGN "-t 10.99.200.1:9999"

struct world {
	struct lvs *lvs;
	struct lvs_owned owned;
};

static struct lvs_service
service(uint8_t protocol, const char *addr, uint16_t port, const char *sched)
{
	struct lvs_service s = { .key.protocol = protocol, .key.port = port };

	(void)addr_parse(addr, &s.key.addr);
	(void)snprintf(s.scheduler, sizeof(s.scheduler), "%s", sched);
	return s;
}

static struct lvs_dest
server(const char *addr, uint16_t port, enum lvs_method method, int weight)
{
	struct lvs_dest d = {
		.port = port, .method = method, .weight = weight
	};

	(void)addr_parse(addr, &d.addr);
	return d;
}

/* For loading a module or asking ipvsadm. */
static int
shell(const char *cmd)
{
	return system(cmd);
}

static bool
ipvsadm_says(const char *line)
{
	char buf[512];
	bool found = false;
	FILE *p = popen("ipvsadm -Sn", "r");

	while (p != NULL && fgets(buf, sizeof(buf), p) != NULL)
		found |= strncmp(buf, line, strlen(line)) == 0;
	if (p != NULL)
		(void)pclose(p);
	return found;
}

static void
on_fail(void *arg, size_t index, int rc, const char *text)
{
	char *all = arg;

	(void)rc;
	printf("# op %zu: %s\n", index, text);
	if (all != NULL)
		(void)snprintf(all, LVS_OP_TEXT_MAX, "%s", text);
}

/* Operations between `want` and the kernel's table; negative: failed. */
static int
distance(struct world *w, const struct lvs_table *want, bool apply)
{
	struct lvs_table have = { 0 };
	struct lvs_plan p = { 0 };
	int rc;

	rc = lvs_read(w->lvs, &have);
	if (rc == 0)
		rc = lvs_plan_make(want, &have, &w->owned, &p);
	if (rc == 0 && apply)
		rc = lvs_apply(w->lvs, p.ops, p.n, on_fail, NULL);
	if (rc == 0)
		rc = (int)p.n;
	lvs_plan_done(&p);
	lvs_table_done(&have);
	return rc;
}

/* want becomes the kernel's, in `ops` operations. */
static void
converge(struct world *w, struct lvs_table *want, int ops, const char *what)
{
	is_int(lvs_table_sort(want), 0, "%s: sorted", what);
	(void)lvs_owned_add_table(&w->owned, want);
	is_int(distance(w, want, true), ops, "%s: applied", what);
	is_int(distance(w, want, false), 0, "%s: reads back the same", what);
}

static void
test_schedulers(struct world *w)
{
	static const char *const names[] = { "rr", "wrr", "lc", "wlc", "lblc",
		"lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh" };
	struct lvs_table want = { 0 };
	struct lvs_service s, *to;
	struct lvs_dest d = server("10.99.1.1", 80, LVS_DR, 1);
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++) {
		s = service(
		    IPPROTO_TCP, "10.99.0.1", (uint16_t)(80 + i), names[i]);
		to = lvs_table_add(&want, &s);
		d.port = s.key.port;
		(void)lvs_service_add_dest(to, &d);
	}
	converge(w, &want, 2 * (int)i, "13 schedulers");
	ok(ipvsadm_says("-A -t 10.99.0.1:92 -s mh"), "ipvsadm sees mh");
	for (i = 0; i < want.n; i++)
		strcpy(want.services[i].scheduler, names[want.n - 1 - i]);
	converge(w, &want, (int)i - 1, "schedulers exchanged");
	ok(ipvsadm_says("-A -t 10.99.0.1:92 -s rr"), "ipvsadm sees rr");
	lvs_table_done(&want);
	converge(w, &want, (int)ARRAY_LEN(names), "all deleted");
}

static struct lvs_service *
put(struct lvs_table *t, struct lvs_service s)
{
	return lvs_table_add(t, &s);
}

static void
put_dest(struct lvs_service *s, struct lvs_dest d)
{
	(void)lvs_service_add_dest(s, &d);
}

/* Every kind of service and server, each field in use somewhere. */
static void
kinds(struct lvs_table *t)
{
	struct lvs_service *s;
	struct lvs_dest d;

	s = put(t, service(IPPROTO_TCP, "10.99.0.1", 80, "wlc"));
	d = server("10.99.1.1", 80, LVS_DR, 100);
	d.upper = 20;
	d.lower = 10;
	put_dest(s, d);
	put_dest(s, server("10.99.1.2", 8080, LVS_NAT, 0));
	put_dest(s, server("10.99.1.3", 80, LVS_TUN, 65535));
	d = server("10.99.1.4", 80, LVS_TUN, 1);
	d.tun = LVS_TUN_GUE;
	d.tun_port = 6080;
	d.tun_flags = 1;
	put_dest(s, d);
	d = server("fd99:1::5", 80, LVS_TUN, 1);
	d.tun = LVS_TUN_GRE;
	put_dest(s, d);
	s = put(t, service(IPPROTO_UDP, "10.99.0.1", 53, "rr"));
	s->flags = LVS_ONEPACKET;
	put_dest(s, server("10.99.1.1", 53, LVS_NAT, 1));
	s = put(t, service(IPPROTO_SCTP, "10.99.0.1", 99, "sh"));
	s->flags = LVS_SCHED1 | LVS_SCHED2;
	put_dest(s, server("10.99.1.1", 99, LVS_DR, 1));
	s = put(t, service(IPPROTO_TCP, "10.99.0.1", 0, "mh"));
	s->flags = LVS_PERSISTENT | LVS_SCHED1;
	s->timeout_s = 360;
	s->prefix = 24;
	put_dest(s, server("10.99.1.1", 0, LVS_DR, 1));
	s = put(t, service(IPPROTO_TCP, "fd99::1", 80, "wrr"));
	s->flags = LVS_PERSISTENT;
	s->timeout_s = 60;
	s->prefix = 64;
	put_dest(s, server("fd99:1::1", 80, LVS_DR, 3));
	put_dest(s, server("fd99:1::2", 80, LVS_NAT, 4));
	s = put(t, service(0, "0.0.0.0", 0, "rr"));
	s->key.fwmark = 77;
	put_dest(s, server("10.99.1.1", 0, LVS_DR, 1));
	s = put(t, service(0, "::", 0, "rr"));
	s->key.fwmark = 77;
	put_dest(s, server("fd99:1::1", 0, LVS_DR, 1));
}

/* As "ipvsadm -Sn" prints the table of kinds(). */
static void
check_kinds(void)
{
	static const char *const lines[] = {
		"-A -t 10.99.0.1:80 -s wlc",
		"-a -t 10.99.0.1:80 -r 10.99.1.1:80 -g -w 100",
		"-a -t 10.99.0.1:80 -r 10.99.1.2:8080 -m -w 0",
		"-a -t 10.99.0.1:80 -r 10.99.1.3:80 -i -w 65535",
		"-a -t 10.99.0.1:80 -r 10.99.1.4:80 -i -w 1",
		"-a -t 10.99.0.1:80 -r [fd99:1::5]:80 -i -w 1",
		"-A -u 10.99.0.1:53 -s rr -o",
		"-A --sctp-service 10.99.0.1:99 -s sh -b sh-fallback,sh-port",
		"-A -t 10.99.0.1:0 -s mh -p 360 -M 255.255.255.0 -b mh-f",
		"-A -t [fd99::1]:80 -s wrr -p 60 -M 64",
		"-a -t [fd99::1]:80 -r [fd99:1::2]:80 -m -w 4",
		"-A -f 77 -s rr",
		"-A -f 77 -6 -s rr",
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(lines); i++)
		ok(ipvsadm_says(lines[i]), "ipvsadm: %s", lines[i]);
}

static void
test_kinds(struct world *w)
{
	struct lvs_table want = { 0 }, one = { 0 };
	struct lvs_service *s;
	struct lvs_key none;

	kinds(&want);
	converge(w, &want, 19, "every kind");
	check_kinds();
	s = &want.services[0];
	none = s->key;
	none.port = 1;
	is_int(lvs_read_one(w->lvs, &s->key, &one), 0, "one is read");
	is_int(one.n, 1, "which is one");
	is_int(lvs_key_cmp(&one.services[0].key, &s->key), 0, "and that one");
	is_int(one.services[0].n_dests, s->n_dests, "with its servers");
	lvs_table_done(&one);
	is_int(lvs_read_one(w->lvs, &none, &one), -ERR_NO_SERVICE, "none");
	lvs_table_done(&want);
}

static void
test_edits(struct world *w)
{
	struct lvs_table want = { 0 };
	struct lvs_service *s;
	struct lvs_key key = service(IPPROTO_TCP, "10.99.0.1", 80, "").key;
	int i;

	kinds(&want);
	(void)lvs_table_sort(&want);
	s = lvs_table_find(&want, &key);
	for (i = 0; i < 4; i++)
		s->dests[i].weight = 7 + i;
	s->dests[0].upper = 0;
	s->dests[0].lower = 0;
	s->dests[1].method = LVS_DR;
	s->dests[3].tun = LVS_TUN_IPIP;
	s->dests[3].tun_port = 0;
	s->dests[3].tun_flags = 0;
	s->flags = LVS_PERSISTENT;
	s->timeout_s = 10;
	converge(w, &want, 5, "weights, thresholds, methods, persistence");
	s->n_dests -= 2;
	s->flags = 0;
	s->timeout_s = 0;
	converge(w, &want, 3, "two servers deleted, not persistent");
	ok(ipvsadm_says("-a -t 10.99.0.1:80 -r 10.99.1.1:80 -g -w 7"),
	    "ipvsadm sees the weight");
	lvs_table_done(&want);
}

static void
test_drift(struct world *w)
{
	struct lvs_table want = { 0 };

	kinds(&want);
	converge(w, &want, 5, "as it was");
	(void)shell("ipvsadm -e -t 10.99.0.1:80 -r 10.99.1.1:80 -g -w 1");
	(void)shell("ipvsadm -d -t 10.99.0.1:80 -r 10.99.1.2:8080");
	(void)shell("ipvsadm -a -t 10.99.0.1:80 -r 10.99.1.9:80 -g -w 5");
	(void)shell("ipvsadm -E -u 10.99.0.1:53 -s lc");
	(void)shell("ipvsadm -D -f 77");
	converge(w, &want, 6, "drift of six kinds is repaired");
	lvs_table_done(&want);
	converge(w, &want, 7, "everything deleted");
	ok(ipvsadm_says("-a " FOREIGN " -r 10.99.200.2:9999 -g -w 3"),
	    "the foreign service is as it was");
}

static void
test_idempotent(struct world *w)
{
	const struct lvs_service s =
	    service(IPPROTO_TCP, "10.99.0.1", 80, "wlc");
	const struct lvs_dest d = server("10.99.1.1", 80, LVS_DR, 1);
	const struct lvs_dest e = server("10.99.1.1", 80, LVS_NAT, 2);
	const struct lvs_op set[] = { { LVS_SET_SERVICE, &s, NULL },
		{ LVS_SET_DEST, &s, &d } };
	const struct lvs_op add[] = { { LVS_ADD_SERVICE, &s, NULL },
		{ LVS_ADD_DEST, &s, &e }, { LVS_ADD_DEST, &s, &e } };
	const struct lvs_op del[] = { { LVS_DEL_DEST, &s, &d },
		{ LVS_DEL_SERVICE, &s, NULL }, { LVS_DEL_DEST, &s, &d },
		{ LVS_DEL_SERVICE, &s, NULL } };

	is_int(lvs_apply(w->lvs, set, 2, on_fail, NULL), 0, "set adds");
	ok(ipvsadm_says("-a -t 10.99.0.1:80 -r 10.99.1.1:80 -g -w 1"), "so");
	is_int(lvs_apply(w->lvs, add, 3, on_fail, NULL), 0, "add sets");
	ok(ipvsadm_says("-a -t 10.99.0.1:80 -r 10.99.1.1:80 -m -w 2"), "so");
	is_int(lvs_apply(w->lvs, del, 4, on_fail, NULL), 0, "twice deleted");
	ok(!ipvsadm_says("-A -t 10.99.0.1:80"), "gone");
}

static void
one_error(struct world *w, struct lvs_op op, int want, const char *text)
{
	char got[LVS_OP_TEXT_MAX] = "";

	is_int(lvs_apply(w->lvs, &op, 1, on_fail, got), want, "refused");
	is_str(got, text, "and said so");
}

#define TO " to tcp 10.99.0.1:80: "

static void
test_errors(struct world *w)
{
	struct lvs_service s = service(IPPROTO_TCP, "10.99.0.1", 80, "xyz");
	struct lvs_dest d = server("10.99.1.1", 80, LVS_DR, 1);

	one_error(w, (struct lvs_op){ LVS_ADD_SERVICE, &s, NULL }, -ENOENT,
	    "add service tcp 10.99.0.1:80: No such file or directory "
	    "(scheduler xyz not in the kernel?)");
	one_error(w, (struct lvs_op){ LVS_ADD_DEST, &s, &d }, -ESRCH,
	    "add server 10.99.1.1:80" TO "No such process "
	    "(the service is not there)");
	strcpy(s.scheduler, "rr");
	is_int(lvs_apply(w->lvs, &(struct lvs_op){ LVS_ADD_SERVICE, &s, NULL },
		   1, on_fail, NULL),
	    0, "a service");
	d.weight = -1;
	one_error(w, (struct lvs_op){ LVS_ADD_DEST, &s, &d }, -ERANGE,
	    "add server 10.99.1.1:80" TO "Numerical result out of range "
	    "(negative weight, or lower threshold above upper)");
	d = server("224.0.0.1", 80, LVS_DR, 1);
	one_error(w, (struct lvs_op){ LVS_ADD_DEST, &s, &d }, -EINVAL,
	    "add server 224.0.0.1:80" TO "Invalid argument (not a unicast "
	    "address here, or a family other than the service's without tun)");
	d = server("fd99:1::1", 80, LVS_DR, 1);
	one_error(w, (struct lvs_op){ LVS_ADD_DEST, &s, &d }, -EINVAL,
	    "add server [fd99:1::1]:80" TO "Invalid argument (not a unicast "
	    "address here, or a family other than the service's without tun)");
	is_int(lvs_apply(w->lvs, &(struct lvs_op){ LVS_DEL_SERVICE, &s, NULL },
		   1, on_fail, NULL),
	    0, "deleted");
}

struct tally {
	size_t n, last;
	bool sorted;
};

static void
on_many(void *arg, size_t index, int rc, const char *text)
{
	struct tally *t = arg;

	(void)text;
	t->sorted =
	    t->sorted && rc == -ERANGE && (t->n == 0 || index == t->last + 2);
	t->last = index;
	t->n++;
}

/* The library's socket, unasked: room for two or three answers. */
static bool
shrink_buffer(void)
{
	const int tiny = 1;
	socklen_t len = sizeof(int);
	int fd, protocol = 0, done_n = 0;

	for (fd = 3; fd < 32; fd++)
		if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) ==
			0 &&
		    protocol == NETLINK_GENERIC)
			done_n += setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &tiny,
				      sizeof(tiny)) == 0;
	return done_n == 1;
}

/* Every second of 5000 fails. */
static void
test_many_errors(struct world *w)
{
	struct lvs_service s = service(IPPROTO_TCP, "10.99.0.1", 80, "rr");
	struct tally t = { .sorted = true };
	struct lvs_table one = { 0 };
	static struct lvs_dest d[5000];
	static struct lvs_op ops[5001];
	size_t i;

	ops[0] = (struct lvs_op){ LVS_ADD_SERVICE, &s, NULL };
	for (i = 0; i < 5000; i++) {
		d[i] = server("10.99.1.1", (uint16_t)(i + 1), LVS_NAT,
		    i % 2 == 0 ? 1 : -1);
		ops[i + 1] = (struct lvs_op){ LVS_ADD_DEST, &s, &d[i] };
	}
	is_int(lvs_apply(w->lvs, ops, 5001, on_many, &t), -ERANGE, "first");
	is_int(t.n, 2500, "2500 failures are reported");
	ok(t.sorted, "each once, in order");
	is_int(lvs_read_one(w->lvs, &s.key, &one), 0, "read");
	is_int(one.services[0].n_dests, 2500, "and the others were added");
	lvs_table_done(&one);
	ops[0].verb = LVS_DEL_SERVICE;
	is_int(lvs_apply(w->lvs, ops, 1, on_fail, NULL), 0, "deleted");
}

/* In a child: exits with what fn returns. */
static int
as_nobody(int (*fn)(struct world *), struct world *w)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0)
			_exit(99);
		_exit(-fn(w));
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static int
try_open(struct world *w)
{
	struct lvs *l;

	(void)w;
	return lvs_open(&l);
}

static int
try_apply(struct world *w)
{
	const struct lvs_service s =
	    service(IPPROTO_TCP, "10.99.0.1", 80, "rr");
	const struct lvs_op op = { LVS_ADD_SERVICE, &s, NULL };

	return lvs_apply(w->lvs, &op, 1, NULL, NULL);
}

int
main(void)
{
	struct world w = { 0 };
	struct lvs_info info;
	int rc;

	rc = lvs_open(&w.lvs);
	if (rc < 0) {
		printf("1..0 # SKIP %s\n", err_text(rc));
		return rc == -ERR_NO_IPVS || rc == -EPERM ? 0 : 1;
	}
	(void)shell("ipvsadm -A " FOREIGN " -s rr && "
		    "ipvsadm -a " FOREIGN " -r 10.99.200.2:9999 -g -w 3");
	is_int(lvs_info(w.lvs, &info), 0, "info");
	is_int(info.version, 0x010201, "version of IPVS");
	ok(info.conn_table_size >= 256 && info.tcp_s > 0, "and its sizes");
	is_int(lvs_set_timeouts(w.lvs, &info), 0, "timeouts set");
	test_schedulers(&w);
	test_kinds(&w);
	test_edits(&w);
	test_drift(&w);
	test_idempotent(&w);
	test_errors(&w);
	test_many_errors(&w);
	ok(shrink_buffer(), "a buffer too small for the answers");
	test_many_errors(&w);
	is_int(as_nobody(try_open, &w), EPERM, "nobody may not open");
	is_int(as_nobody(try_apply, &w), EPERM, "nor apply");
	(void)shell("ipvsadm -D " FOREIGN);
	lvs_owned_done(&w.owned);
	lvs_close(w.lvs);
	return done();
}
