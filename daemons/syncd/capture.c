/*
 * capture: our own kernel's sync datagrams as they leave, and those that early.c
 * makes: they say all of a connection that the other kernel is told.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "common/mem.h"
#include "daemons/syncd/capture.h"
#include "daemons/syncd/syncd.h"

#define ROUNDS 8
#define ETH 14

static void
put(void *arg, const struct sync_conn *c)
{
	struct syncd *s = arg;

	(void)conn_map_put(&s->map, c, false, loop_turn(s->loop));
}

/* A datagram of our kernel's, which has one connection or two, or of early.c's.
 * Those full of connections are of our own making and in the map already. */
static void
on_datagram(struct syncd *s, const uint8_t *frame, size_t len)
{
	size_t at = ETH + 4 * (size_t)(frame[ETH] & 15) + 8;
	uint8_t id;

	if (at + 2 <= len && frame[at + 1] == s->id &&
	    !(s->pass.on && len - at > SYNC_OWN_BYTES))
		(void)sync_msg_unpack(frame + at, len - at, &id, put, s);
}

static bool
is_datagram(const uint8_t *frame, size_t len)
{
	return len > ETH + 20 && frame[12] == 0x08 && frame[13] == 0 &&
	       frame[ETH + 9] == IPPROTO_UDP;
}

static void
on_readable(int fd, int revents, void *arg)
{
	struct syncd *s = arg;
	struct packets *p = s->capture.packets;
	unsigned i, n, round;

	(void)fd;
	(void)revents;
	for (round = 0; round < ROUNDS; round++) {
		n = packets_read(p);
		for (i = 0; i < n; i++)
			if (is_datagram(p->frame[i], packets_len(p, i)))
				on_datagram(
				    s, p->frame[i], packets_len(p, i));
		if (n < PACKETS_BATCH)
			return;
	}
}

int
capture_start(struct syncd *s)
{
	struct capture *c = &s->capture;
	int rc;

	c->packets = mem_new(struct packets);
	rc = packets_open(c->packets, CAPTURE_SYNC, 0);
	if (rc == 0)
		rc = watch_new(s->loop, c->packets->fd, POLLIN, on_readable, s,
		    &c->watch);
	return rc;
}

void
capture_stop(struct syncd *s)
{
	struct capture *c = &s->capture;

	watch_free(c->watch);
	c->watch = NULL;
	if (c->packets != NULL)
		packets_close(c->packets);
	free(c->packets);
	c->packets = NULL;
}

uint64_t
capture_drops(struct syncd *s)
{
	return s->capture.packets != NULL ? packets_drops(s->capture.packets)
					  : 0;
}
