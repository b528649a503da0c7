/*
 * test_vip_dup: claims of the VIPs by others, on a fake clock.
 */
#include "ha/vip_dup.h"

#include "common/mem.h"
#include "test/fake/loop_fake.h"
#include "test/tap.h"

static const uint8_t own_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t other[6] = { 2, 0, 0, 0, 0, 3 };
static const uint8_t third[6] = { 2, 0, 0, 0, 0, 4 };

struct scene {
	struct fake_clock clock;
	struct loop *loop;
	struct conf conf;
	struct conf_vip vips[2];
	struct conf_path paths[2];
	struct vip_dup dup;
	unsigned asked[3]; /* VIPs, the peer */
	unsigned defended, found;
};

static bool
own(void *ctx, const uint8_t mac[6])
{
	(void)ctx;
	return memcmp(mac, own_mac, 6) == 0;
}

static void
ask(void *ctx, const struct addr *a, const char *device)
{
	struct scene *s = ctx;

	(void)device;
	s->asked[addr_cmp(a, &s->vips[0].addr) == 0   ? 0
		 : addr_cmp(a, &s->vips[1].addr) == 0 ? 1
						      : 2]++;
}

static void
defend(void *ctx)
{
	((struct scene *)ctx)->defended++;
}

static void
found(void *ctx, const struct conf_vip *v, const struct vip_dup_seen *seen)
{
	(void)v;
	(void)seen;
	((struct scene *)ctx)->found++;
}

static const struct vip_dup_ops ops = {
	.own = own,
	.ask = ask,
	.defend = defend,
	.found = found,
};

static void
scene_init(struct scene *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	fake_clock_init(&s->clock, 0);
	s->loop = loop_fake_new(&s->clock, 1000 * USEC_S, NULL);
	s->conf.vips = s->vips;
	s->conf.n_vips = 2;
	(void)addr_parse("192.0.2.10", &s->vips[0].addr);
	(void)addr_parse("2001:db8::10", &s->vips[1].addr);
	for (i = 0; i < 2; i++) {
		memcpy(s->vips[i].device, "eth0", 5);
		memcpy(s->paths[i].device, "eth0", 5);
		memcpy(s->paths[i].name, "net1", 5);
		s->conf.nodes[i].paths = &s->paths[i];
		s->conf.nodes[i].n_paths = 1;
	}
	(void)addr_parse("10.0.0.1", &s->paths[0].address);
	(void)addr_parse("10.0.0.2", &s->paths[1].address);
	s->conf.self = &s->conf.nodes[0];
	s->conf.peer = &s->conf.nodes[1];
	(void)vip_dup_start(&s->dup, s->loop, &s->conf, &ops, s);
}

static void
scene_done(struct scene *s)
{
	vip_dup_stop(&s->dup);
	loop_free(s->loop);
	fake_clock_done(&s->clock);
}

static void
pass(struct scene *s, usec_t time)
{
	fake_clock_run(&s->clock, s->clock.now + time);
}

static void
claim(struct scene *s, unsigned i, const uint8_t mac[6], bool to_all)
{
	vip_dup_claim(&s->dup, "eth0", &s->vips[i].addr, mac, to_all);
}

static void
test_other(void)
{
	struct scene s;

	scene_init(&s);
	claim(&s, 0, other, true);
	ok(vip_dup_now(&s.dup, 0) == NULL, "the standby does not care");
	vip_dup_hold(&s.dup, true);
	claim(&s, 0, own_mac, true);
	vip_dup_claim(&s.dup, "eth1", &s.vips[0].addr, other, true);
	vip_dup_claim(&s.dup, "eth0", &s.paths[0].address, other, true);
	ok(vip_dup_now(&s.dup, 0) == NULL,
	    "nor is our own card one, nor another segment or address");
	claim(&s, 1, other, false);
	ok(vip_dup_now(&s.dup, 1) != NULL && vip_dup_now(&s.dup, 0) == NULL,
	    "another host's claim is");
	is_int(s.defended, 0, "that nobody else heard");
	pass(&s, 5 * USEC_S);
	claim(&s, 1, other, true);
	claim(&s, 1, other, true);
	is_int(vip_dup_now(&s.dup, 1)->count, 3, "claims are counted");
	is_int(vip_dup_now(&s.dup, 1)->last - vip_dup_now(&s.dup, 1)->since,
	    5 * USEC_S, "since the first");
	is_int(s.found, 1, "told once");
	is_int(s.defended, 1, "defended, once in ten seconds");
	pass(&s, DUP_DEFEND);
	claim(&s, 1, third, true);
	ok(s.defended == 2 && s.found == 2 &&
		memcmp(vip_dup_now(&s.dup, 1)->mac, third, 6) == 0,
	    "a third host is another one");
	claim(&s, 1, other, false);
	claim(&s, 1, third, false);
	is_int(s.found, 2, "two that take turns are not told each time");
	pass(&s, DUP_RECENT + 1);
	ok(vip_dup_now(&s.dup, 1) == NULL, "who says no more is gone");
	claim(&s, 1, third, false);
	vip_dup_hold(&s.dup, false);
	ok(vip_dup_now(&s.dup, 1) == NULL, "forgotten with the addresses");
	scene_done(&s);
}

static void
test_peer(void)
{
	struct scene s;

	scene_init(&s);
	vip_dup_claim(&s.dup, "eth0", &s.paths[1].address, peer_mac, false);
	vip_dup_hold(&s.dup, true);
	claim(&s, 0, peer_mac, true);
	pass(&s, DUP_FIRST_ASK - 1);
	claim(&s, 0, peer_mac, true);
	ok(vip_dup_now(&s.dup, 0) == NULL,
	    "at a switch the peer may still answer");
	pass(&s, 1);
	claim(&s, 0, peer_mac, true);
	ok(vip_dup_now(&s.dup, 0) != NULL && vip_dup_now(&s.dup, 0)->peer,
	    "not for long, and it is known as the peer");
	is_int(s.defended, 0, "announcing would be a fight between directors");
	claim(&s, 1, other, true);
	ok(!vip_dup_now(&s.dup, 1)->peer, "others are others");
	scene_done(&s);

	scene_init(&s);
	vip_dup_hold(&s.dup, true);
	claim(&s, 0, peer_mac, true);
	ok(vip_dup_now(&s.dup, 0) != NULL, "an unknown card is a duplicate");
	vip_dup_claim(&s.dup, "eth0", &s.paths[1].address, peer_mac, false);
	ok(vip_dup_now(&s.dup, 0) == NULL,
	    "not any more when it turns out to be the peer's, at a switch");
	scene_done(&s);
}

static void
test_asked(void)
{
	struct scene s;

	scene_init(&s);
	pass(&s, DUP_WHO);
	is_int(s.asked[2], 1, "at once it is asked who the peer is");
	pass(&s, 5 * DUP_ASK_PEER);
	is_int(s.asked[2], 6, "and again until it says so");
	vip_dup_claim(&s.dup, "eth0", &s.paths[1].address, peer_mac, false);
	pass(&s, 65 * USEC_S);
	ok(s.asked[0] == 0 && s.asked[2] == 8,
	    "a standby only asks for the peer's card");
	vip_dup_hold(&s.dup, true);
	pass(&s, DUP_FIRST_ASK);
	ok(s.asked[0] == 1 && s.asked[1] == 1, "asked after a takeover");
	pass(&s, 2 * DUP_ASK);
	ok(s.asked[0] == 3 && s.asked[1] == 3, "and every half minute");
	s.conf.n_vips = 1;
	claim(&s, 0, other, false);
	is_int(vip_dup_reload(&s.dup, &s.conf), 0, "reload");
	ok(vip_dup_now(&s.dup, 0) != NULL, "keeps what is known");
	pass(&s, DUP_ASK);
	ok(s.asked[0] == 4 && s.asked[1] == 3, "what is left is asked for");
	scene_done(&s);
}

/* The second VIP stands for all that come after it. */
static void
many(struct scene *s)
{
	static struct conf_vip vips[100];
	static struct conf fresh;
	size_t i;

	vips[0] = s->vips[0];
	for (i = 1; i < ARRAY_LEN(vips); i++)
		vips[i] = s->vips[1];
	fresh = s->conf;
	fresh.vips = vips;
	fresh.n_vips = ARRAY_LEN(vips);
	is_int(vip_dup_reload(&s->dup, &fresh), 0, "a hundred VIPs");
	s->asked[0] = s->asked[1] = 0;
	vip_dup_seek(&s->dup, true);
	pass(s, DUP_WHO);
	is_int(s->asked[0] + s->asked[1], DUP_SEEK_MOST, "eight at once");
	pass(s, 12 * DUP_SEEK);
	ok(s->asked[0] > 0 && s->asked[0] <= 2 &&
		s->asked[0] + s->asked[1] == 13 * DUP_SEEK_MOST,
	    "and all of them in turn");
}

static void
test_seek(void)
{
	struct scene s;

	scene_init(&s);
	vip_dup_seek(&s.dup, true);
	pass(&s, DUP_WHO);
	ok(s.asked[0] == 1 && s.asked[1] == 1 && s.asked[2] >= 1,
	    "who starts asks for the peer and for the VIPs");
	pass(&s, 4 * DUP_SEEK);
	ok(s.asked[0] == 5 && s.asked[1] == 5, "four times a second");
	claim(&s, 0, peer_mac, false);
	ok(!vip_dup_peer_has(&s.dup), "it may be anybody who answers");
	vip_dup_claim(&s.dup, "eth0", &s.paths[1].address, peer_mac, false);
	claim(&s, 0, other, false);
	vip_dup_claim(&s.dup, "eth1", &s.vips[0].addr, peer_mac, false);
	ok(!vip_dup_peer_has(&s.dup),
	    "others do not count, nor other segments");
	claim(&s, 1, peer_mac, false);
	ok(vip_dup_peer_has(&s.dup), "the peer has one");
	is_int(s.found, 0, "which is no duplicate: we hold none");
	pass(&s, DUP_SEEK_RECENT);
	ok(vip_dup_peer_has(&s.dup), "a lost answer does not matter");
	pass(&s, 1);
	ok(!vip_dup_peer_has(&s.dup), "who says no more has none");
	claim(&s, 0, peer_mac, false);
	vip_dup_seek(&s.dup, false);
	ok(!vip_dup_peer_has(&s.dup),
	    "forgotten when it is not asked any more");
	s.asked[0] = 0;
	pass(&s, DUP_ASK - 1);
	is_int(s.asked[0], 0, "and nothing is");
	many(&s);
	scene_done(&s);
}

int
main(void)
{
	test_seek();
	test_other();
	test_peer();
	test_asked();
	return done();
}
