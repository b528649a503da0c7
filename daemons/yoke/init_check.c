/*
 * init_check: is this director set up as its configuration needs it? It looks
 * only: files, interfaces, the kernel, an echo to the peer on each path.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/init.h"

#define TEXT_MAX (256 << 10)  /* of a small file */
#define FREE_MIN (64ULL << 20) /* bytes, of the storage */
#define SOCK_BYTES 1048576     /* net.core.[rw]mem_max; packaging/sysctl.conf */

void
init_say(struct init_report *r, enum init_level level, const char *what,
    const char *mend, const char *fmt, ...)
{
	static const char *const names[] = { "ok", "WRONG", "not checked" };
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("%-11s  %-9s %s\n", names[level], what, text);
	if (mend[0] != '\0')
		printf("%-11s  %-9s %s%s\n", "", "",
		    level == INIT_WRONG ? "mend: " : "", mend);
	r->n[level]++;
}

/* A small text file, "" when there is none; caller free()s. NULL: no memory. */
static char *
slurp(const char *path)
{
	char *text = calloc(1, TEXT_MAX);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (text != NULL && fd >= 0 && read(fd, text, TEXT_MAX - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		(void)close(fd);
	return text;
}

/* ---- interfaces and paths ---- */

static int
get_mtu(const char *device)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = -1;

	if (fd < 0)
		return -1;
	(void)snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", device);
	if (ioctl(fd, SIOCGIFMTU, &req) == 0)
		rc = req.ifr_mtu;
	(void)close(fd);
	return rc;
}

/* Flags of the interface that has the address; 0: none of that name has. */
static unsigned
flags_of(const struct addr *want, const char *device)
{
	struct ifaddrs *all = NULL, *i;
	struct sockaddr_storage ss;
	uint16_t port;
	unsigned flags = 0;
	struct addr a;

	if (getifaddrs(&all) < 0)
		return 0;
	for (i = all; i != NULL; i = i->ifa_next) {
		if (i->ifa_addr == NULL || strcmp(i->ifa_name, device) != 0 ||
		    i->ifa_addr->sa_family != want->family)
			continue;
		memset(&ss, 0, sizeof(ss));
		memcpy(&ss, i->ifa_addr, want->family == AF_INET6
			? sizeof(struct sockaddr_in6)
			: sizeof(struct sockaddr_in));
		if (addr_from_sock(&ss, &a, &port) == 0 &&
		    addr_cmp(&a, want) == 0)
			flags = i->ifa_flags;
	}
	freeifaddrs(all);
	return flags;
}

static void
check_echo(struct init_report *r, const struct conf_path *own,
    const struct conf_path *peer, int mtu)
{
	char to[ADDR_TEXT_MAX], mend[256];
	int rc = init_ping(&peer->address, own->device, (unsigned)mtu);

	addr_format(&peer->address, to, sizeof(to));
	if (rc == 0) {
		init_say(r, INIT_OK, own->name, "", "%s answers on %s, %d "
		    "bytes in one piece", to, own->device, mtu);
		return;
	}
	if (rc == -EPERM || rc == -EACCES) {
		init_say(r, INIT_NOT_CHECKED, own->name, "run it as root",
		    "whether %s answers on %s", to, own->device);
		return;
	}
	if (init_ping(&peer->address, own->device, 128) == 0) {
		(void)snprintf(mend, sizeof(mend), "the same MTU on both "
		    "directors and the switch between: ip link set %s mtu ...",
		    own->device);
		init_say(r, INIT_WRONG, own->name, mend, "%s answers on %s, "
		    "but not to %d bytes, this interface's MTU", to,
		    own->device, mtu);
		return;
	}
	(void)snprintf(mend, sizeof(mend), "is it on? cable, address and "
	    "firewall of both (UDP port %u and ICMP)", peer->port);
	init_say(r, INIT_WRONG, own->name, mend, "%s does not answer on %s "
	    "(%s)", to, own->device, strerror(-rc));
}

static const struct conf_path *
twin(const struct conf_node *n, const char *name)
{
	size_t i;

	for (i = 0; i < n->n_paths; i++)
		if (strcmp(n->paths[i].name, name) == 0)
			return &n->paths[i];
	return NULL;
}

static void
check_path(struct init_report *r, const struct conf *c,
    const struct conf_path *own)
{
	const struct conf_path *peer = twin(c->peer, own->name);
	unsigned flags;
	char addr[ADDR_TEXT_MAX], mend[256];
	int mtu = get_mtu(own->device);

	if (own->type == PATH_SERIAL) {
		if (access(own->device, R_OK | W_OK) == 0)
			init_say(r, INIT_OK, own->name, "", "%s is there",
			    own->device);
		else
			init_say(r, INIT_WRONG, own->name, "see SERIAL LINES "
			    "in yoke.conf(5)", "%s: %s", own->device,
			    strerror(errno));
		return;
	}
	addr_format(&own->address, addr, sizeof(addr));
	flags = flags_of(&own->address, own->device);
	(void)snprintf(mend, sizeof(mend), "ip addr add %s/24 dev %s, or the "
	    "path's device and address in yoke.conf", addr, own->device);
	if (flags == 0) {
		init_say(r, INIT_WRONG, own->name, mend, "%s is not on %s",
		    addr, own->device);
		return;
	}
	if ((flags & IFF_UP) == 0 || (flags & IFF_RUNNING) == 0) {
		(void)snprintf(mend, sizeof(mend), "ip link set %s up; the "
		    "cable", own->device);
		init_say(r, INIT_WRONG, own->name, mend, "%s is down or has no "
		    "carrier", own->device);
		return;
	}
	if (peer != NULL && mtu > 0)
		check_echo(r, own, peer, mtu);
}

static void
check_vips(struct init_report *r, const struct conf *c)
{
	char mend[256];
	size_t i, k;

	for (i = 0; i < c->n_vips; i++) {
		for (k = 0; k < i; k++)
			if (strcmp(c->vips[k].device, c->vips[i].device) == 0)
				break;
		if (k < i)
			continue;
		(void)snprintf(mend, sizeof(mend), "the device of the vips in "
		    "yoke.conf");
		if (if_nametoindex(c->vips[i].device) == 0)
			init_say(r, INIT_WRONG, "vip", mend, "there is no "
			    "interface %s", c->vips[i].device);
		else
			init_say(r, INIT_OK, "vip", "", "%s carries them, MTU "
			    "%d", c->vips[i].device,
			    get_mtu(c->vips[i].device));
	}
}

/* The kernels tell of connections by multicast, on an interface of the vips. */
static void
check_sync(struct init_report *r, const struct conf *c)
{
	struct ifreq req = { 0 };
	int fd;

	if (!c->sync || c->n_vips == 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)snprintf(req.ifr_name, sizeof(req.ifr_name), "%.15s",
	    c->self->paths[0].device);
	if (fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &req) == 0 &&
	    (req.ifr_flags & IFF_MULTICAST) == 0)
		init_say(r, INIT_WRONG, "sync", "ip link set DEVICE multicast "
		    "on", "%s does no multicast", req.ifr_name);
	if (fd >= 0)
		(void)close(fd);
}

/* ---- corosync ---- */

static void
check_corosync_node(struct init_report *r, const struct conf_node *n,
    const char *text)
{
	char want[64], addr[ADDR_TEXT_MAX], mend[256];
	const char *at = text;
	bool id = false, any = false;
	size_t i;

	(void)snprintf(want, sizeof(want), "nodeid: %u", n->id);
	while ((at = strstr(at, want)) != NULL && !id) {
		at += strlen(want);
		id = *at < '0' || *at > '9';
	}
	for (i = 0; i < n->n_paths && !any; i++) {
		if (n->paths[i].type != PATH_UDP)
			continue;
		addr_format(&n->paths[i].address, addr, sizeof(addr));
		any = strstr(text, addr) != NULL;
	}
	(void)snprintf(mend, sizeof(mend), "a node in the nodelist with "
	    "\"nodeid: %u\" and an address of %s", n->id, n->name);
	if (id && any)
		init_say(r, INIT_OK, "corosync", "", "%s has node %u, %s",
		    COROSYNC_CONF, n->id, n->name);
	else
		init_say(r, INIT_WRONG, "corosync", mend, "%s does not know "
		    "node %u, %s", COROSYNC_CONF, n->id, n->name);
}

static void
check_corosync(struct init_report *r, const struct conf *c)
{
	char *text = slurp(COROSYNC_CONF);
	struct stat st;

	if (text == NULL || text[0] == '\0') {
		init_say(r, INIT_WRONG, "corosync", "yoke init writes one",
		    "%s: none, or not readable", COROSYNC_CONF);
		free(text);
		return;
	}
	check_corosync_node(r, c->self, text);
	check_corosync_node(r, c->peer, text);
	if (strstr(text, "crypto_cipher: none") == NULL &&
	    strstr(text, "crypto_cipher") != NULL) {
		if (stat(COROSYNC_KEY, &st) < 0)
			init_say(r, INIT_WRONG, "corosync", "corosync-keygen, "
			    "and copy it to the other", "%s: %s", COROSYNC_KEY,
			    strerror(errno));
		else if ((st.st_mode & 077) != 0 || st.st_uid != 0)
			init_say(r, INIT_WRONG, "corosync",
			    "chown root: " COROSYNC_KEY "; chmod 400 "
			    COROSYNC_KEY, "others may read %s", COROSYNC_KEY);
		else
			init_say(r, INIT_OK, "corosync", "", "%s is root's "
			    "alone", COROSYNC_KEY);
	}
	free(text);
}

/* ---- the kernel ---- */

/* Loaded, built in, or there to be loaded when it is needed. */
static bool
has_module(const char *name)
{
	static const char *const lists[] = { "modules.dep", "modules.builtin" };
	char path[512], want[64], *text;
	struct utsname u;
	bool has;
	size_t i;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/sys/module/%s", name);
	if (access(path, F_OK) == 0)
		return true;
	if (uname(&u) < 0)
		return false;
	(void)snprintf(want, sizeof(want), "/%s.ko", name);
	text = malloc(4096);
	for (i = 0, has = false; i < ARRAY_LEN(lists) && !has; i++) {
		(void)snprintf(path, sizeof(path), "/lib/modules/%s/%s",
		    u.release, lists[i]);
		f = fopen(path, "re");
		while (f != NULL && text != NULL && !has &&
		    fgets(text, 4096, f) != NULL)
			has = strstr(text, want) != NULL;
		if (f != NULL)
			(void)fclose(f);
	}
	free(text);
	return has;
}

static void
check_modules(struct init_report *r, const struct conf *c)
{
	const char *s;
	char name[64];
	size_t i, k;

	if (access("/proc/net/ip_vs", F_OK) == 0)
		init_say(r, INIT_OK, "kernel", "", "has IPVS");
	else if (has_module("ip_vs"))
		init_say(r, INIT_WRONG, "kernel", "modprobe ip_vs; at boot "
		    "/usr/lib/modules-load.d/yoke.conf does it",
		    "IPVS is not loaded");
	else
		init_say(r, INIT_WRONG, "kernel", "a kernel with CONFIG_IP_VS",
		    "has no IPVS");
	for (i = 0; i < c->n_services; i++) {
		s = c->services[i].def.scheduler;
		for (k = 0; k < i; k++)
			if (strcmp(c->services[k].def.scheduler, s) == 0)
				break;
		(void)snprintf(name, sizeof(name), "ip_vs_%s", s);
		if (k == i && !has_module(name))
			init_say(r, INIT_WRONG, "kernel", "a scheduler that "
			    "it has, or the module", "no %s, the scheduler of "
			    "service %s", name, c->services[i].def.name);
	}
}

/* The thread that receives, of the first CPU; 0: not found. */
static pid_t
find_ksoftirqd(void)
{
	char path[64], *text;
	pid_t pid, found = 0;

	for (pid = 2; pid < 200 && found == 0; pid++) {
		(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
		text = slurp(path);
		if (text != NULL && strcmp(text, "ksoftirqd/0\n") == 0)
			found = pid;
		free(text);
	}
	return found;
}

/* With one CPU it waits behind yoke-syncd and whatever else has real-time
 * priority, and the director hears nobody meanwhile: seen as a takeover by a
 * standby that was just restarted under load. */
static void
check_cpu(struct init_report *r)
{
	pid_t pid = find_ksoftirqd();
	int policy = pid > 0 ? sched_getscheduler(pid) : -1;

	if (sysconf(_SC_NPROCESSORS_ONLN) > 1 || policy < 0)
		return;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		init_say(r, INIT_OK, "cpu", "", "one, and its receive thread "
		    "has real-time priority");
	else
		init_say(r, INIT_WRONG, "cpu", "chrt -f -p 30 $(pgrep "
		    "ksoftirqd), at each start", "one only: its receive "
		    "thread waits behind all real-time work");
}

static long long
sysctl(const char *name)
{
	char path[256], *text;
	long long v;

	(void)snprintf(path, sizeof(path), "/proc/sys/%s", name);
	text = slurp(path);
	v = text == NULL || text[0] == '\0' ? -1 : atoll(text);
	free(text);
	return v;
}

static void
want_sysctl(struct init_report *r, const char *name, long long least,
    const char *why)
{
	char mend[256];
	long long v = sysctl(name);

	(void)snprintf(mend, sizeof(mend), "echo %lld >/proc/sys/%s, and a "
	    "line in /etc/sysctl.d", least, name);
	if (v >= least)
		init_say(r, INIT_OK, "sysctl", "", "%s is %lld", name, v);
	else
		init_say(r, INIT_WRONG, "sysctl", mend, "%s is %lld: %s", name,
		    v, why);
}

static bool
uses(const struct conf *c, uint8_t family, uint8_t method)
{
	const struct conf_service *s;
	size_t i, k;

	for (i = 0; i < c->n_services; i++) {
		s = &c->services[i];
		for (k = 0; k < s->n_servers; k++)
			if (s->servers[k].method == method &&
			    s->servers[k].addr.family == family)
				return true;
	}
	return false;
}

/* Answers to probes through a vip come from an address that the active director
 * has itself. */
static void
check_through(struct init_report *r, const struct conf *c)
{
	const char *device = "";
	char name[80];
	size_t i;

	if (sysctl("net/ipv4/conf/all/accept_local") > 0)
		return;
	for (i = 0; i < c->n_vips; i++) {
		const struct conf_vip *v = &c->vips[i];

		if (!v->probed || v->addr.family != AF_INET ||
		    strcmp(device, v->device) == 0)
			continue;
		device = v->device;
		(void)snprintf(name, sizeof(name),
		    "net/ipv4/conf/%s/accept_local", device);
		want_sysctl(r, name, 1, "checks with through = vip get no "
		    "answer");
	}
}

static void
check_sysctls(struct init_report *r, const struct conf *c)
{
	if (c->sync) {
		want_sysctl(r, "net/core/rmem_max", SOCK_BYTES,
		    "bursts of connection sync may be lost");
		want_sysctl(r, "net/core/wmem_max", SOCK_BYTES,
		    "bursts of connection sync may be lost");
	}
	check_through(r, c);
	if (uses(c, AF_INET, METHOD_NAT))
		want_sysctl(r, "net/ipv4/ip_forward", 1,
		    "method nat needs forwarding");
	if (uses(c, AF_INET6, METHOD_NAT))
		want_sysctl(r, "net/ipv6/conf/all/forwarding", 1,
		    "method nat needs forwarding");
}

/* ---- storage ---- */

static void
check_storage(struct init_report *r, const struct conf *c)
{
	struct statvfs fs;
	unsigned long long left;
	char mend[512];

	(void)snprintf(mend, sizeof(mend), "mkdir -p %s, or mount what belongs "
	    "there", c->checkpoint_dir);
	if (statvfs(c->checkpoint_dir, &fs) < 0) {
		init_say(r, INIT_WRONG, "storage", mend, "%s: %s",
		    c->checkpoint_dir, strerror(errno));
		return;
	}
	left = (unsigned long long)fs.f_bavail * fs.f_frsize;
	if (access(c->checkpoint_dir, W_OK) < 0)
		init_say(r, errno == EACCES ? INIT_NOT_CHECKED : INIT_WRONG,
		    "storage", "", "%s: %s", c->checkpoint_dir,
		    strerror(errno));
	else if (left < FREE_MIN)
		init_say(r, INIT_WRONG, "storage", "make room", "%s has %llu "
		    "MiB left", c->checkpoint_dir, left >> 20);
	else
		init_say(r, INIT_OK, "storage", "", "%s can be written, %llu "
		    "MiB left", c->checkpoint_dir, left >> 20);
}

void
init_check_here(struct init_report *r, const struct conf *c, bool root)
{
	size_t i;

	if (root)
		init_say(r, INIT_OK, "config", "", "%s; %s is root's alone",
		    c->file, c->key_file);
	else
		init_say(r, INIT_NOT_CHECKED, "config", "run it as root",
		    "%s is right; who may read %s", c->file, c->key_file);
	for (i = 0; i < c->self->n_paths; i++)
		check_path(r, c, &c->self->paths[i]);
	check_vips(r, c);
	check_sync(r, c);
	check_corosync(r, c);
	check_modules(r, c);
	check_cpu(r);
	check_sysctls(r, c);
	check_storage(r, c);
}
