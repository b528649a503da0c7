/*
 * probe_path: how a probe goes the way of the service's clients, through IPVS,
 * and yet to one certain server: each server (and method) has a firewall mark
 * of its own, for which yoked makes an IPVS service with that server alone, and
 * monitord's sockets carry the mark (SO_MARK). Both find it here, as a pure
 * function of the configuration. A mark comes from a hash of the server, so
 * that it stays when others come and go.
 */
#ifndef COMMON_PROBE_PATH_H
#define COMMON_PROBE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/service.h"

#define PROBE_MARKS 65536U /* that an instance keeps for itself */

struct conf;
struct conf_service;

struct probe_path {
	struct addr server;
	uint8_t method; /* enum method, but nat */
	uint32_t mark;
};

struct probe_paths {
	struct probe_path *all; /* by server, method */
	size_t n;
	uint64_t id; /* of all there is in it; 0: nothing */
};

/* Does a check of the service go through its VIP? */
bool probe_path_needed(const struct conf_service *s);

/* The paths that the checks of c need. 0 or -ENOMEM, -E2BIG: more than there
 * are marks; caller probe_paths_done()s. */
int probe_paths_make(const struct conf *c, struct probe_paths *ret);
void probe_paths_done(struct probe_paths *p);

/* The mark for a server; 0: no check needs one. */
uint32_t probe_paths_mark(
    const struct probe_paths *p, const struct server_def *d);

/* The first of an instance's marks: as configured, or by its name, so that
 * several instances on a machine keep out of each other's way. */
uint32_t probe_marks_first(const struct conf *c);
/* Is the mark one of those that yoke keeps for itself? */
bool probe_mark_ours(const struct conf *c, uint32_t mark);

/* A director that has the VIP itself takes answers that come from it, over
 * this interface or any: net.ipv4.conf.*.accept_local (the kernel's
 * Documentation/networking/ip-sysctl.rst). IPv6 has no such sysctl and needs
 * none. Reads /proc. */
bool probe_path_accepts(const char *device);
/* Writes what to do about it, "net.ipv4.conf.eth0.accept_local is 0". */
char *probe_path_format(const char *device, char *buf, size_t len);

#endif
