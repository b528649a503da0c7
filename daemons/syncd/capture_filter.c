/*
 * capture_filter: the program, with names for the places that it jumps to.
 */
#include <assert.h>
#include <linux/if_packet.h>
#include <netinet/in.h>

#include "common/mem.h"
#include "daemons/syncd/capture.h"
#include "ha/sync_msg.h"

#define ETH 14
#define GROUP 0xe0000051U /* SYNC_GROUP */
#define SYN_ACK 0x12	  /* of the TCP flags: these two */
#define SYN 0x02
#define HEAD_BYTES 192 /* enough of a SYN in a tunnel */
#define PKTTYPE ((uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE))

enum place {
	NEXT,
	OUT,
	IN,
	V4,
	V4_TCP,
	V4_UDP,
	V4_TUN,
	V6,
	V6_TCP,
	V6_TUN,
	FLAGS,
	HEAD,
	ALL,
	DROP,
	PLACE__LAST
};

struct step {
	enum place at; /* NEXT: no name */
	uint16_t code;
	uint32_t k;
	enum place jt, jf; /* of jumps */
};

#define LOAD(size, k) BPF_LD | BPF_##size | BPF_ABS, k, NEXT, NEXT
#define LOAD_X(size, k) BPF_LD | BPF_##size | BPF_IND, k, NEXT, NEXT
#define IF_EQ(k, t, f) BPF_JMP | BPF_JEQ | BPF_K, k, t, f
#define IF_SET(k, t, f) BPF_JMP | BPF_JSET | BPF_K, k, t, f
#define MATH(op, k) BPF_ALU | BPF_##op | BPF_K, k, NEXT, NEXT
#define RET(k) BPF_RET | BPF_K, k, NEXT, NEXT

/* clang-format off */
static const struct step steps[] = {
	{ NEXT,   LOAD(W, PKTTYPE) },
	{ NEXT,   IF_EQ(PACKET_OUTGOING, OUT, IN) },
	{ IN,     IF_EQ(PACKET_HOST, OUT, DROP) },        /* see below */
	{ OUT,    LOAD(H, 12) },
	{ NEXT,   IF_EQ(0x0800, V4, NEXT) },
	{ NEXT,   IF_EQ(0x86dd, V6, DROP) },

	{ V4,     LOAD(H, ETH + 6) },
	{ NEXT,   IF_SET(0x1fff, DROP, NEXT) },           /* not the first fragment */
	{ NEXT,   BPF_LDX | BPF_B | BPF_MSH, ETH, NEXT, NEXT },
	{ NEXT,   LOAD(B, ETH + 9) },
	{ NEXT,   IF_EQ(IPPROTO_TCP, V4_TCP, NEXT) },
	{ NEXT,   IF_EQ(IPPROTO_UDP, V4_UDP, NEXT) },
	{ NEXT,   IF_EQ(IPPROTO_IPIP, V4_TUN, DROP) },
	{ V4_TCP, LOAD_X(B, ETH + 13) },
	{ NEXT,   BPF_JMP | BPF_JA, 0, FLAGS, NEXT },
	{ V4_UDP, LOAD(W, ETH + 16) },
	{ NEXT,   IF_EQ(GROUP, NEXT, DROP) },
	{ NEXT,   LOAD_X(H, ETH + 2) },
	{ NEXT,   IF_EQ(SYNC_PORT, ALL, DROP) },
	{ V4_TUN, LOAD_X(B, ETH + 9) },                   /* X: outer header */
	{ NEXT,   IF_EQ(IPPROTO_TCP, NEXT, DROP) },
	{ NEXT,   LOAD_X(B, ETH) },
	{ NEXT,   MATH(AND, 15) },
	{ NEXT,   MATH(LSH, 2) },
	{ NEXT,   BPF_ALU | BPF_ADD | BPF_X, 0, NEXT, NEXT },
	{ NEXT,   BPF_MISC | BPF_TAX, 0, NEXT, NEXT },    /* X: both headers */
	{ NEXT,   LOAD_X(B, ETH + 13) },
	{ NEXT,   BPF_JMP | BPF_JA, 0, FLAGS, NEXT },

	{ V6,     LOAD(B, ETH + 6) },
	{ NEXT,   IF_EQ(IPPROTO_TCP, V6_TCP, NEXT) },
	{ NEXT,   IF_EQ(IPPROTO_IPV6, V6_TUN, DROP) },
	{ V6_TCP, LOAD(B, ETH + 40 + 13) },
	{ NEXT,   BPF_JMP | BPF_JA, 0, FLAGS, NEXT },
	{ V6_TUN, LOAD(B, ETH + 40 + 6) },
	{ NEXT,   IF_EQ(IPPROTO_TCP, NEXT, DROP) },
	{ NEXT,   LOAD(B, ETH + 40 + 40 + 13) },

	{ FLAGS,  MATH(AND, SYN_ACK) },
	{ NEXT,   IF_EQ(SYN, HEAD, DROP) },
	{ HEAD,   RET(HEAD_BYTES) },
	{ ALL,    RET(UINT32_MAX) },
	{ DROP,   RET(0) },
};
/* clang-format on */
_Static_assert(ARRAY_LEN(steps) <= FILTER_MAX, "room for the program");

static unsigned
place_of(enum place p, unsigned from)
{
	unsigned i;

	if (p == NEXT)
		return 0;
	for (i = from + 1; i < ARRAY_LEN(steps); i++)
		if (steps[i].at == p)
			return i - from - 1;
	assert(!"no such place below");
	return 0;
}

unsigned
capture_filter(unsigned what, struct sock_filter *ret)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(steps); i++) {
		const struct step *s = &steps[i];

		ret[i] = (struct sock_filter){ .code = s->code, .k = s->k };
		if (s->code == (BPF_JMP | BPF_JA))
			ret[i].k = place_of(s->jt, i);
		else if (BPF_CLASS(s->code) == BPF_JMP) {
			ret[i].jt = (uint8_t)place_of(s->jt, i);
			ret[i].jf = (uint8_t)place_of(s->jf, i);
		}
		/* Nothing that comes in is of this type. */
		if (s->at == IN && !(what & CAPTURE_SYN_IN))
			ret[i].k = UINT32_MAX;
		if ((s->at == HEAD && !(what & (CAPTURE_SYN | CAPTURE_SYN_IN))) ||
		    (s->at == ALL && !(what & CAPTURE_SYNC)))
			ret[i].k = 0;
	}
	return ARRAY_LEN(steps);
}
