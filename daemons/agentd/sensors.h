/*
 * sensors: how busy this machine is, from /proc and /sys. Reading and judging
 * are apart: what a text says is found by functions that a test can feed.
 */
#ifndef AGENTD_SENSORS_H
#define AGENTD_SENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy.h"
#include "common/usec.h"

#define SENSOR_FULL 1000
#define SENSOR_DEVS 64

/* Counters as they are now; differences make rates. */
struct counters {
	usec_t at;
	uint64_t cpu_busy, cpu_all;
	uint64_t disk_ms[SENSOR_DEVS]; /* busy, in order of the file */
	size_t n_disks;
	struct {
		char name[16];
		uint64_t in, out; /* bytes */
		unsigned mbit;    /* 0: not known */
	} net[SENSOR_DEVS];
	size_t n_net;
	uint64_t hits;
	bool has_hits;
};

struct sensor_conf {
	const char *root;      /* in front of /proc and /sys; "": this machine */
	const char *interface; /* "": the busiest */
	unsigned network_mbit; /* for interfaces that do not say; 0: none */
	const char *cgroup;    /* directory whose memory counts, of version 1
	                        * or 2; "": none */
	unsigned hits_max;     /* requests/s that are full load */
};

struct load {
	uint16_t metric[LOAD__METRICS]; /* 0 .. SENSOR_FULL */
	bool has[LOAD__METRICS];
	uint64_t memory_total, memory_available; /* bytes */
	double load_average, hits_rate;
	unsigned cpus;
};

/* Texts as the kernel writes them. False: not understood, *c as it was. */
bool sensor_parse_stat(const char *text, struct counters *c);
bool sensor_parse_diskstats(const char *text, struct counters *c);
bool sensor_parse_net(const char *text, struct counters *c);
bool sensor_parse_meminfo(const char *text, uint64_t *ret_total,
    uint64_t *ret_available);
bool sensor_parse_pressure(const char *text, double *ret_percent);

/* Memory of the machine, or of the group if that has less left: memory.c. */
void sensor_memory(const struct sensor_conf *s, struct load *l);

/* part: 0, idle, to 1, full; what is beyond is as those. */
void sensor_set(struct load *l, enum load_metric which, double part);

/* What happened between two readings. */
void sensor_rates(const struct sensor_conf *s, const struct counters *was,
    const struct counters *now, struct load *l);

/* Reads all; what cannot be read is left out of has[]. hits of now are the
 * caller's. */
void sensor_read(const struct sensor_conf *s, struct counters *now,
    struct load *l);

/* Text of a file, at most len - 1 bytes; -errno. */
int sensor_file(const char *root, const char *path, char *buf, size_t len);

#endif
