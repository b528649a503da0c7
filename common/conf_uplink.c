/*
 * conf_uplink: what makes the uplink's witnesses right: somebody else than the
 * pair itself, each once, and enough of them.
 */
#include "common/conf_impl.h"

#include <string.h>

struct ctx {
	const struct conf *c;
	const struct conf_lines *at;
	struct conf_err *e;
};

static int
fail(const struct ctx *x, const struct conf_witness *w, const char *what,
    const char *name)
{
	char text[ADDR_TEXT_MAX] = "gateway";

	if (!w->gateway)
		(void)addr_format(&w->addr, text, sizeof(text));
	return conf_fail(x->e, x->at->witness, "uplink / witness", "%s %s%s",
	    text, what, name);
}

/* Multicast, loopback: nobody in particular, or ourselves. */
static bool
is_nobody(const struct addr *a)
{
	static const uint8_t one[16] = { [15] = 1 };

	if (a->family == AF_INET)
		return a->bytes[0] == 127 || a->bytes[0] == 0 ||
		       a->bytes[0] >= 224;
	return a->bytes[0] == 0xff || memcmp(a->bytes, one, 16) == 0;
}

static bool
is_link_local(const struct addr *a)
{
	return a->family == AF_INET6 && a->bytes[0] == 0xfe &&
	       (a->bytes[1] & 0xc0) == 0x80;
}

static int
check_own(const struct ctx *x, const struct conf_witness *w)
{
	const struct conf *c = x->c;
	size_t i;
	int n;

	for (i = 0; i < c->n_vips; i++)
		if (addr_cmp(&c->vips[i].addr, &w->addr) == 0)
			return fail(x, w,
			    "is a vip, which the active director itself has; "
			    "name a host outside the pair",
			    "");
	for (n = 0; n < CONF_NODES; n++)
		for (i = 0; i < c->nodes[n].n_paths; i++)
			if (addr_cmp(&c->nodes[n].paths[i].address, &w->addr) ==
			    0)
				return fail(x, w,
				    "is a director's own address; name a host "
				    "outside the pair, not ",
				    c->nodes[n].name);
	return 0;
}

static int
check_witness(const struct ctx *x, size_t i)
{
	const struct conf_witness *list = x->c->witnesses.list, *w = &list[i];
	size_t k;

	for (k = 0; k < i; k++)
		if (list[k].gateway == w->gateway &&
		    addr_cmp(&list[k].addr, &w->addr) == 0)
			return fail(x, w, "is there twice; take one out", "");
	if (w->gateway)
		return 0;
	if (is_nobody(&w->addr))
		return fail(x, w, "is no host's address", "");
	if (is_link_local(&w->addr) && x->c->uplink_device[0] == '\0')
		return fail(x, w,
		    "is there on every interface; say which with device = ...",
		    "");
	return check_own(x, w);
}

int
conf_check_uplink(
    const struct conf *c, const struct conf_lines *at, struct conf_err *e)
{
	const struct ctx x = { c, at, e };
	size_t i;
	int rc;

	for (i = 0; i < c->witnesses.n; i++) {
		rc = check_witness(&x, i);
		if (rc < 0)
			return rc;
	}
	if (c->uplink_need > 1 && c->uplink_need > c->witnesses.n)
		return conf_fail(e, at->need, "uplink / need",
		    "%u witnesses must answer, but there %s %zu; name more, or "
		    "need fewer",
		    c->uplink_need, c->witnesses.n == 1 ? "is" : "are",
		    c->witnesses.n);
	return 0;
}
