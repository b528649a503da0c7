/*
 * mirror_filter: flags before addresses, as hardly any packet is a SYN. X is where
 * the inner IP header begins, after Ethernet's; M[0] keeps it.
 */
#include "daemons/syncd/mirror_filter.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "common/mem.h"

#define ETH 14
#define SYN_ACK 0x12 /* of the TCP flags: these two */
#define SYN 0x02
#define FIXED 64 /* instructions beside those of addresses, at most */
#define YES UINT32_MAX

struct program {
	struct sock_filter *code;
	unsigned n;
};

static void
op(struct program *p, uint16_t code, uint32_t k)
{
	p->code[p->n++] = (struct sock_filter){ .code = code, .k = k };
}

/* Skips so many of what follows if A is (not) k. */
static void
jump(struct program *p, uint16_t how, uint32_t k, uint8_t yes, uint8_t no)
{
	p->code[p->n++] = (struct sock_filter){
		.code = BPF_JMP | BPF_K | how, .jt = yes, .jf = no, .k = k
	};
}

static void
ret_unless(struct program *p, uint16_t how, uint32_t k)
{
	jump(p, how, k, 1, 0);
	op(p, BPF_RET | BPF_K, 0);
}

/* X is where the protocol's number says: none, or behind the outer header. */
static void
inner(struct program *p, uint8_t proto_at, uint8_t tunnel)
{
	op(p, BPF_LD | BPF_B | BPF_ABS, ETH + proto_at);
	jump(p, BPF_JEQ, tunnel, 1, 0);
	op(p, BPF_LDX | BPF_W | BPF_IMM, 0);
	op(p, BPF_STX, 0);
	op(p, BPF_LD | BPF_B | BPF_IND, (uint32_t)ETH + proto_at);
	ret_unless(p, BPF_JEQ, IPPROTO_TCP);
}

/* X: where the TCP header begins. Back to the inner one after it. */
static void
flags(struct program *p)
{
	op(p, BPF_LD | BPF_B | BPF_IND, ETH + 13);
	op(p, BPF_ALU | BPF_AND | BPF_K, SYN_ACK);
	ret_unless(p, BPF_JEQ, SYN);
	op(p, BPF_LDX | BPF_W | BPF_MEM, 0);
}

static uint32_t
word(const struct addr *a, unsigned i)
{
	uint32_t w;

	memcpy(&w, a->bytes + 4 * (size_t)i, sizeof(w));
	return ntohl(w);
}

static void
v4(struct program *p, const struct addr *vips, size_t n)
{
	size_t i;

	op(p, BPF_LD | BPF_H | BPF_ABS, ETH + 6);
	jump(p, BPF_JSET, 0x1fff, 0, 1); /* not the first fragment */
	op(p, BPF_RET | BPF_K, 0);
	op(p, BPF_LDX | BPF_B | BPF_MSH, ETH);
	inner(p, 9, IPPROTO_IPIP);
	op(p, BPF_LD | BPF_B | BPF_IND, ETH);
	op(p, BPF_ALU | BPF_AND | BPF_K, 15);
	op(p, BPF_ALU | BPF_LSH | BPF_K, 2);
	op(p, BPF_ALU | BPF_ADD | BPF_X, 0);
	op(p, BPF_MISC | BPF_TAX, 0);
	flags(p);
	op(p, BPF_LD | BPF_W | BPF_IND, ETH + 16);
	for (i = 0; i < n; i++)
		if (vips[i].family == AF_INET) {
			jump(p, BPF_JEQ, word(&vips[i], 0), 0, 1);
			op(p, BPF_RET | BPF_K, YES);
		}
	op(p, BPF_RET | BPF_K, 0);
}

static void
v6(struct program *p, const struct addr *vips, size_t n)
{
	unsigned k;
	size_t i;

	op(p, BPF_LDX | BPF_W | BPF_IMM, 40);
	inner(p, 6, IPPROTO_IPV6);
	op(p, BPF_MISC | BPF_TXA, 0);
	op(p, BPF_ALU | BPF_ADD | BPF_K, 40);
	op(p, BPF_MISC | BPF_TAX, 0);
	flags(p);
	for (i = 0; i < n; i++) {
		if (vips[i].family != AF_INET6)
			continue;
		for (k = 0; k < 4; k++) {
			op(p, BPF_LD | BPF_W | BPF_IND, ETH + 24 + 4 * k);
			jump(p, BPF_JEQ, word(&vips[i], k), 0,
			    (uint8_t)(2 * (3 - k) + 1));
		}
		op(p, BPF_RET | BPF_K, YES);
	}
	op(p, BPF_RET | BPF_K, 0);
}

int
mirror_filter(const struct addr *vips, size_t n, struct sock_filter *ret,
    unsigned *ret_n)
{
	struct program p = { .code = ret };
	size_t i, room = BPF_MAXINSNS - FIXED;
	unsigned from;

	for (i = 0; i < n; i++) {
		size_t need = vips[i].family == AF_INET ? 2 : 9;

		if (need > room)
			return -E2BIG;
		room -= need;
	}
	op(&p, BPF_LD | BPF_H | BPF_ABS, 12);
	jump(&p, BPF_JEQ, 0x0800, 0, 1);
	from = p.n;
	op(&p, BPF_JMP | BPF_JA, 0); /* to v4, below */
	ret_unless(&p, BPF_JEQ, 0x86dd);
	v6(&p, vips, n);
	ret[from].k = p.n - from - 1;
	v4(&p, vips, n);
	*ret_n = p.n;
	return 0;
}
