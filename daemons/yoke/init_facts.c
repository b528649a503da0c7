/*
 * init_facts: what the two directors must agree in, as lines "name value", and
 * the comparison of two such lists. Secrets appear as short fingerprints: the
 * HMAC of a fixed text with the key, which says whether two keys are equal and
 * nothing else.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemons/yoke/import.h"
#include "daemons/yoke/init.h"
#include "store/store.h"

#define FACTS_MAX 8192	/* bytes of them all */
#define FILE_MAX (1 << 20)
#define PRINT_BYTES 6	/* of a fingerprint */
#define CLOCK_APART (1 * USEC_S)
#define SSH_WAIT (20 * USEC_S)

struct facts {
	char mem[FACTS_MAX];
	size_t n;
};

__attribute__((format(printf, 3, 4))) static void
put(struct facts *f, const char *name, const char *fmt, ...)
{
	size_t left = sizeof(f->mem) - f->n;
	char value[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	n = snprintf(f->mem + f->n, left, "%s %s\n", name, value);
	if (n > 0 && (size_t)n < left)
		f->n += (size_t)n;
	else
		f->mem[f->n] = '\0';
}

static void
put_print(struct facts *f, const char *name, const void *key, size_t len)
{
	static const char text[] = "yoke: fingerprint";
	uint8_t mac[EVP_MAX_MD_SIZE];
	char hex[2 * PRINT_BYTES + 1] = "";
	unsigned n = 0;
	size_t i;

	if (HMAC(EVP_sha256(), key, (int)len, (const uint8_t *)text,
		sizeof(text) - 1, mac, &n) == NULL)
		return;
	for (i = 0; i < PRINT_BYTES; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", mac[i]);
	put(f, name, "%s", hex);
}

/* A file's fingerprint; "none" when it cannot be read. */
static void
put_file(struct facts *f, const char *name, const char *path)
{
	uint8_t *mem = malloc(FILE_MAX);
	FILE *in = fopen(path, "re");
	size_t n = 0;

	if (mem != NULL && in != NULL)
		n = fread(mem, 1, FILE_MAX, in);
	if (n > 0)
		put_print(f, name, mem, n);
	else
		put(f, name, "none");
	if (mem != NULL)
		explicit_bzero(mem, n);
	free(mem);
	if (in != NULL)
		(void)fclose(in);
}

static void
put_mtu(struct facts *f, const char *name, const char *device)
{
	struct ifreq req = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", device);
	if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &req) == 0)
		put(f, name, "%d", req.ifr_mtu);
	if (fd >= 0)
		(void)close(fd);
}

/* The newest file is the same one on both, or each has its own. */
static void
put_storage(struct facts *f, const struct conf *c)
{
	struct store_file *files = NULL;
	struct stat st;
	size_t n = 0;

	if (store_list(c->checkpoint_dir, c->instance, &files, &n) == 0 &&
	    n > 0 && stat(files[0].path, &st) == 0)
		put(f, "checkpoint", "%" PRIu64 "-%llu", files[0].epoch,
		    (unsigned long long)st.st_ino);
	else
		put(f, "checkpoint", "none");
	free(files);
}

static void
collect(struct facts *f, const struct conf *c, bool root)
{
	char name[NAME_LEN + 8];
	struct utsname u;
	size_t i;

	*f = (struct facts){ 0 };
	put(f, "node", "%s", c->self->name);
	put(f, "yoke", "%s", YOKE_VERSION);
	if (uname(&u) == 0)
		put(f, "kernel", "%s", u.release);
	put_file(f, "yoke.conf", c->file);
	put_file(f, "corosync.conf", COROSYNC_CONF);
	if (root) {
		put_print(f, "key", c->key, c->key_len);
		put_file(f, "authkey", COROSYNC_KEY);
	}
	for (i = 0; i < c->self->n_paths; i++) {
		(void)snprintf(name, sizeof(name), "mtu-%s",
		    c->self->paths[i].name);
		if (c->self->paths[i].type == PATH_UDP)
			put_mtu(f, name, c->self->paths[i].device);
	}
	if (c->n_vips > 0)
		put_mtu(f, "mtu-vip", c->vips[0].device);
	put_storage(f, c);
	put(f, "time_us", "%" PRIu64, usec_real());
}

void
init_facts_print(const struct conf *c, bool root)
{
	struct facts *f = mem_new(struct facts);

	collect(f, c, root);
	fputs(f->mem, stdout);
	free(f);
}

/* ---- the comparison ---- */

/* The value of a name, "" when it is not there. */
static void
get(const struct facts *f, const char *name, char *ret, size_t len)
{
	const char *at = f->mem, *end;
	size_t n = strlen(name);

	ret[0] = '\0';
	for (; *at != '\0'; at = *end != '\0' ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		if (strncmp(at, name, n) == 0 && at[n] == ' ')
			(void)snprintf(ret, len, "%.*s",
			    (int)(end - at - (long)n - 1), at + n + 1);
	}
}

static const struct {
	const char *name, *mend;
} equal[] = {
	{ "yoke", "upgrade the standby, switch, the other: UPGRADES in "
	  "yoke(8)" },
	{ "kernel", "the same kernel on both, so that they sync alike" },
	{ "yoke.conf", "copy the file to the other and yoke reload" },
	{ "corosync.conf", "copy the file to the other and restart corosync "
	  "there" },
	{ "key", "copy the key to the other and restart yoked there" },
	{ "authkey", "copy /etc/corosync/authkey to the other" },
};

static void
compare_one(struct init_report *r, const struct facts *a,
    const struct facts *b, const char *name, const char *mend)
{
	char x[128], y[128];

	get(a, name, x, sizeof(x));
	get(b, name, y, sizeof(y));
	if (x[0] == '\0' || y[0] == '\0')
		init_say(r, INIT_NOT_CHECKED, "peer", "run both as root",
		    "%s: one side does not say", name);
	else if (strcmp(x, y) == 0)
		init_say(r, INIT_OK, "peer", "", "%s is the same: %s", name, x);
	else
		init_say(r, INIT_WRONG, "peer", mend, "%s differs: %s here, "
		    "%s there", name, x, y);
}

static void
compare_mtus(struct init_report *r, const struct facts *a,
    const struct facts *b)
{
	const char *at = a->mem;
	char name[NAME_LEN + 8];

	while ((at = strstr(at, "mtu-")) != NULL) {
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(at, " \n"), at);
		compare_one(r, a, b, name, "ip link set DEVICE mtu ..., and "
		    "in the network's configuration");
		at += strcspn(at, "\n");
	}
}

/* The peer's clock was read between from and to: most likely just before to, since
 * all that ssh does at its beginning was over. */
static void
compare_clocks(struct init_report *r, const struct facts *b, usec_t from,
    usec_t to)
{
	int64_t apart;
	char text[64], *end;

	get(b, "time_us", text, sizeof(text));
	apart = strtoll(text, &end, 10) - (int64_t)to;
	if (text[0] == '\0' || *end != '\0')
		return;
	if ((uint64_t)llabs(apart) < CLOCK_APART + (to - from))
		init_say(r, INIT_OK, "clock", "", "the peer's is %.3f s ahead, "
		    "or up to %.3f more", (double)apart / 1e6,
		    (double)(to - from) / 1e6);
	else
		init_say(r, INIT_WRONG, "clock", "chrony or systemd-timesyncd "
		    "on both; yoke decides nothing by clocks, but people read "
		    "its times", "the peer's is %.3f s ahead",
		    (double)apart / 1e6);
}

static void
compare_storage(struct init_report *r, const struct conf *c,
    const struct facts *a, const struct facts *b)
{
	enum storage kind = storage_look(c->checkpoint_dir);
	char x[128], y[128];

	get(a, "checkpoint", x, sizeof(x));
	get(b, "checkpoint", y, sizeof(y));
	if (strcmp(x, "none") == 0 && strcmp(y, "none") == 0)
		init_say(r, INIT_NOT_CHECKED, "storage", "start the pair first",
		    "whether both reach the same: nothing is stored yet");
	else if (strcmp(x, y) == 0)
		init_say(r, INIT_OK, "storage", "", "both see the same file");
	else if (kind == STORAGE_LOCAL)
		init_say(r, INIT_OK, "storage", "", "%s: each director has its "
		    "own; the standby's replica carries the table",
		    c->checkpoint_dir);
	else
		init_say(r, INIT_WRONG, "storage", "mount the same on both",
		    "%s: the other director sees other files",
		    c->checkpoint_dir);
}

/* ---- ssh ---- */

static _Noreturn void
child(int out, const char *peer)
{
	if (dup2(out, 1) == 1)
		execlp("ssh", "ssh", "-o", "BatchMode=yes", "-o",
		    "ConnectTimeout=5", "--", peer, "yoke init facts",
		    (char *)NULL);
	fprintf(stderr, "yoke: ssh: %s\n", strerror(errno));
	_exit(127);
}

static void
read_all(int fd, struct facts *f, usec_t *ret_when)
{
	usec_t end = usec_mono() + SSH_WAIT, now;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n = 1;

	while (n > 0 && f->n < sizeof(f->mem) - 1 &&
	    (now = usec_mono()) < end) {
		if (poll(&pfd, 1, (int)((end - now) / USEC_MS) + 1) <= 0)
			break;
		n = read(fd, f->mem + f->n, sizeof(f->mem) - 1 - f->n);
		f->n += n > 0 ? (size_t)n : 0;
		if (n > 0)
			*ret_when = usec_real();
	}
	f->mem[f->n] = '\0';
}

/* What a terminal would obey is not shown. */
static void
plain(char *s)
{
	for (; *s != '\0'; s++)
		if ((*s < ' ' && *s != '\n') || *s > '~')
			*s = '?';
}

static bool
ask_peer(const char *peer, struct facts *f, usec_t *ret_when)
{
	int pair[2], status = 0;
	pid_t pid;

	*f = (struct facts){ 0 };
	if (pipe(pair) < 0)
		return false;
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		child(pair[1], peer);
	(void)close(pair[1]);
	if (pid > 0) {
		read_all(pair[0], f, ret_when);
		(void)kill(pid, SIGTERM);
		(void)waitpid(pid, &status, 0);
	}
	(void)close(pair[0]);
	plain(f->mem);
	return pid > 0 && strncmp(f->mem, "node ", 5) == 0;
}

void
init_facts_compare(struct init_report *r, const struct conf *c, bool root,
    const char *peer)
{
	struct facts *a = mem_new(struct facts), *b = mem_new(struct facts);
	char name[NAME_LEN];
	usec_t from, to;
	size_t i;

	collect(a, c, root);
	to = from = usec_real();
	if (!ask_peer(peer, b, &to)) {
		init_say(r, INIT_WRONG, "peer", "ssh keys for it, and yoke "
		    "installed there", "ssh %s yoke init facts: no answer",
		    peer);
		goto out;
	}
	get(b, "node", name, sizeof(name));
	if (strcmp(name, c->peer->name) == 0)
		init_say(r, INIT_OK, "peer", "", "%s is %s", peer, name);
	else
		init_say(r, INIT_WRONG, "peer", "its name in yoke.conf, as "
		    "uname -n says there", "%s says it is %s, not %s", peer,
		    name, c->peer->name);
	for (i = 0; i < ARRAY_LEN(equal); i++)
		compare_one(r, a, b, equal[i].name, equal[i].mend);
	compare_mtus(r, a, b);
	compare_clocks(r, b, from, to);
	compare_storage(r, c, a, b);
out:
	free(a);
	free(b);
}
