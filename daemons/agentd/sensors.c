/*
 * sensors: the texts of /proc, and what they mean.
 */
#include "daemons/agentd/sensors.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

#define TEXT_MAX 16384
#define PATH_LEN 512

int
sensor_file(const char *root, const char *path, char *buf, size_t len)
{
	char whole[PATH_LEN];
	size_t n = 0;
	ssize_t got;
	int fd, rc = 0;

	(void)snprintf(whole, sizeof(whole), "%s%s", root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	while (n < len - 1) {
		got = read(fd, buf + n, len - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			rc = -errno;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	buf[n] = '\0';
	close(fd);
	return rc;
}

static const char *
next_line(const char *text)
{
	const char *end = strchr(text, '\n');

	return end != NULL ? end + 1 : text + strlen(text);
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
bool
sensor_parse_stat(const char *text, struct counters *c)
{
	uint64_t v[8] = { 0 }, all = 0;
	int n, i;

	n = sscanf(text, "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
	    " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &v[0], &v[1],
	    &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
	if (n < 4)
		return false;
	for (i = 0; i < 8; i++)
		all += v[i];
	c->cpu_all = all;
	c->cpu_busy = all - v[3] - v[4]; /* idle, and waiting for disks */
	return true;
}

/* Disks as a whole: partitions, loops and RAM disks would count twice or say
 * nothing. */
static bool
is_disk(const char *name)
{
	size_t n = strlen(name);

	if (strncmp(name, "loop", 4) == 0 || strncmp(name, "ram", 3) == 0 ||
	    strncmp(name, "dm-", 3) == 0 || strncmp(name, "zram", 4) == 0)
		return false;
	if (strncmp(name, "nvme", 4) == 0 || strncmp(name, "mmcblk", 6) == 0)
		return strchr(name + 4, 'p') == NULL;
	return n > 0 && !isdigit((unsigned char)name[n - 1]);
}

/* major minor name, then 11 or more numbers; the tenth is ms busy. */
bool
sensor_parse_diskstats(const char *text, struct counters *c)
{
	size_t n = 0;
	uint64_t ms;
	char name[32];

	for (; *text != '\0'; text = next_line(text)) {
		if (sscanf(text, " %*u %*u %31s %*u %*u %*u %*u %*u %*u %*u "
		    "%*u %*u %" SCNu64, name, &ms) != 2)
			continue;
		if (is_disk(name) && n < SENSOR_DEVS)
			c->disk_ms[n++] = ms;
	}
	c->n_disks = n;
	return n > 0;
}

/* Two lines of heads, then "name: in ... out ...". */
bool
sensor_parse_net(const char *text, struct counters *c)
{
	uint64_t in, out;
	size_t n = 0;
	char name[16];

	for (; *text != '\0' && n < SENSOR_DEVS; text = next_line(text)) {
		if (sscanf(text, " %15[^: \n]: %" SCNu64 " %*u %*u %*u %*u %*u "
		    "%*u %*u %" SCNu64, name, &in, &out) != 3 ||
		    strcmp(name, "lo") == 0)
			continue;
		memcpy(c->net[n].name, name, sizeof(name));
		c->net[n].in = in;
		c->net[n].out = out;
		c->net[n++].mbit = 0;
	}
	c->n_net = n;
	return n > 0;
}

/* "some avg10=1.23 avg60=..." */
bool
sensor_parse_pressure(const char *text, double *ret_percent)
{
	double v;

	if (sscanf(text, "some avg10=%lf", &v) != 1 || !(v >= 0 && v <= 100))
		return false;
	*ret_percent = v;
	return true;
}

void
sensor_set(struct load *l, enum load_metric which, double part)
{
	if (!(part > 0))
		part = 0;
	l->metric[which] = part >= 1 ? SENSOR_FULL
	                             : (uint16_t)(part * SENSOR_FULL + 0.5);
	l->has[which] = true;
}

/* A counter that went back was set to 0: no rate. */
static double
rate(uint64_t was, uint64_t now, usec_t dt)
{
	return now >= was && dt > 0
	    ? (double)(now - was) * (double)USEC_S / (double)dt : 0;
}

static void
net_rate(const struct sensor_conf *s, const struct counters *was,
    const struct counters *now, usec_t dt, struct load *l)
{
	double bytes, part, most = -1;
	unsigned mbit;
	size_t i;

	for (i = 0; i < now->n_net && i < was->n_net; i++) {
		if (strcmp(now->net[i].name, was->net[i].name) != 0)
			return; /* one came or went */
		if (s->interface[0] != '\0' &&
		    strcmp(s->interface, now->net[i].name) != 0)
			continue;
		mbit = now->net[i].mbit > 0 ? now->net[i].mbit
		                            : s->network_mbit;
		bytes = rate(was->net[i].in, now->net[i].in, dt);
		if (rate(was->net[i].out, now->net[i].out, dt) > bytes)
			bytes = rate(was->net[i].out, now->net[i].out, dt);
		part = mbit > 0 ? bytes * 8 / (mbit * 1e6) : -1;
		most = part > most ? part : most;
	}
	if (most >= 0)
		sensor_set(l, LOAD_NETWORK, most);
}

void
sensor_rates(const struct sensor_conf *s, const struct counters *was,
    const struct counters *now, struct load *l)
{
	usec_t dt = now->at - was->at;
	double most = -1, part;
	size_t i;

	if (was->at == 0 || dt == 0)
		return;
	if (now->cpu_all > was->cpu_all && now->cpu_busy >= was->cpu_busy)
		sensor_set(l, LOAD_CPU, (double)(now->cpu_busy - was->cpu_busy) /
		    (double)(now->cpu_all - was->cpu_all));
	for (i = 0; i < now->n_disks && now->n_disks == was->n_disks; i++) {
		part = rate(was->disk_ms[i], now->disk_ms[i], dt) / 1000;
		most = part > most ? part : most;
	}
	if (most >= 0)
		sensor_set(l, LOAD_DISK, most);
	net_rate(s, was, now, dt, l);
	if (now->has_hits && was->has_hits) {
		l->hits_rate = rate(was->hits, now->hits, dt);
		if (s->hits_max > 0)
			sensor_set(l, LOAD_HITS, l->hits_rate / s->hits_max);
	}
}

static void
read_speeds(const struct sensor_conf *s, struct counters *c)
{
	char path[PATH_LEN], text[32];
	size_t i;
	long v;

	for (i = 0; i < c->n_net; i++) {
		if (strchr(c->net[i].name, '/') != NULL)
			continue;
		(void)snprintf(path, sizeof(path), "/sys/class/net/%s/speed",
		    c->net[i].name);
		if (sensor_file(s->root, path, text, sizeof(text)) < 0)
			continue;
		v = strtol(text, NULL, 10);
		c->net[i].mbit = v > 0 && v < 10000000 ? (unsigned)v : 0;
	}
}

static void
read_pressure(const struct sensor_conf *s, struct load *l)
{
	static const char *const files[] = { "/proc/pressure/cpu",
		"/proc/pressure/memory", "/proc/pressure/io" };
	double v, most = -1;
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_LEN(files); i++)
		if (sensor_file(s->root, files[i], text, sizeof(text)) == 0 &&
		    sensor_parse_pressure(text, &v) && v > most)
			most = v;
	if (most >= 0)
		sensor_set(l, LOAD_PRESSURE, most / 100);
}

void
sensor_read(const struct sensor_conf *s, struct counters *now, struct load *l)
{
	char text[TEXT_MAX];
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	l->cpus = cpus > 0 ? (unsigned)cpus : 1;
	now->at = usec_mono();
	if (sensor_file(s->root, "/proc/stat", text, sizeof(text)) == 0)
		(void)sensor_parse_stat(text, now);
	if (sensor_file(s->root, "/proc/diskstats", text, sizeof(text)) == 0)
		(void)sensor_parse_diskstats(text, now);
	if (sensor_file(s->root, "/proc/net/dev", text, sizeof(text)) == 0 &&
	    sensor_parse_net(text, now))
		read_speeds(s, now);
	if (sensor_file(s->root, "/proc/loadavg", text, sizeof(text)) == 0 &&
	    sscanf(text, "%lf", &l->load_average) == 1)
		sensor_set(l, LOAD_RUN, l->load_average / l->cpus);
	sensor_memory(s, l);
	read_pressure(s, l);
}
