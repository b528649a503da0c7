/*
 * pulse: see pulse.h.
 */
#include "ha/pulse.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "common/buf.h"
#include "common/err.h"

#define PULSE_VERSION 1
#define SIGNATURE (PULSE_BYTES - 2)

/* What is signed begins unlike a beat ("YB"): none passes for the other. */
static int
pulse_sign(const struct pulse *p, struct beat_key *k, uint8_t *ret_mac)
{
	uint8_t mem[BEAT_BYTES_MAX];
	struct buf w = buf_writer(mem, sizeof(mem));

	put_bytes(&w, "YP", 2);
	put_u8(&w, PULSE_VERSION);
	put_u8(&w, p->path);
	put_u32(&w, p->node);
	put_u64(&w, p->session);
	put_u64(&w, p->number);
	put_str(&w, p->instance);
	return w.bad ? -EMSGSIZE : beat_sign(k, mem, w.pos, ret_mac);
}

int
pulse_pack(const struct pulse *p, struct beat_key *k, uint8_t *mem)
{
	struct buf w = buf_writer(mem, PULSE_BYTES);
	uint8_t mac[BEAT_MAC_LEN];
	int rc = pulse_sign(p, k, mac);

	if (rc < 0)
		return rc;
	put_u16(&w, (uint16_t)p->number);
	put_bytes(&w, mac, SIGNATURE);
	return 0;
}

/* The number nearest to the newest one known that ends like that. */
static uint64_t
whole_number(uint64_t newest, uint16_t low)
{
	return newest + (uint64_t)(int16_t)(low - (uint16_t)newest);
}

static int
admit(struct beat_guard *g, const void *bytes, size_t len, unsigned path,
    struct beat_key *k)
{
	struct buf r = buf_reader(bytes, len);
	uint8_t mac[BEAT_MAC_LEN], got[SIGNATURE];
	struct pulse p = { .instance = g->instance,
		.node = g->peer_node,
		.path = (uint8_t)path,
		.session = g->peer_session };

	p.number = whole_number(g->newest, get_u16(&r));
	get_bytes(&r, got, sizeof(got));
	if (r.bad || buf_left(&r) != 0)
		return -EBADMSG;
	if (!g->known)
		return -EAGAIN;
	if (pulse_sign(&p, k, mac) < 0 ||
	    CRYPTO_memcmp(mac, got, sizeof(got)) != 0)
		return -ERR_AUTH;
	return beat_guard_number(g, p.number, path);
}

int
pulse_admit(struct beat_guard *g, const void *bytes, size_t len, unsigned path,
    struct beat_key *k)
{
	int rc = admit(g, bytes, len, path, k);

	if (rc < 0)
		g->refused[beat_refusal(rc)]++;
	return rc;
}
