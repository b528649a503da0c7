#include "daemons/syncd/mirror_cards.h"

#include <errno.h>
#include <netlink/errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemons/syncd/mirror_filter.h"
#include "daemons/syncd/mirror_tc.h"
#include "daemons/syncd/syncd.h"

static struct mirror_card *
card_of(struct mirror_card *all, unsigned n, int index)
{
	unsigned i;

	for (i = 0; i < n; i++)
		if (all[i].index == index)
			return &all[i];
	return NULL;
}

int
mirror_cards_follow(struct mirror *m)
{
	struct mirror_card fresh[MIRROR_CARDS], *was;
	int now[MIRROR_CARDS], rc;
	unsigned i, n;

	rc = mirror_nl_cards(m->kernel, m->ifindex, now, &n);
	for (i = 0; rc == 0 && i < n; i++) {
		was = card_of(m->cards, m->n_cards, now[i]);
		fresh[i].index = now[i];
		fresh[i].copies = was != NULL && was->copies;
		if (was == NULL)
			rc = mirror_tc_ready(m->kernel, now[i]);
	}
	if (rc < 0)
		return rc;
	for (i = 0; i < m->n_cards; i++)
		if (card_of(fresh, n, m->cards[i].index) == NULL)
			(void)mirror_tc_end(m->kernel, m->cards[i].index);
	memcpy(m->cards, fresh, n * sizeof(*fresh));
	m->n_cards = n;
	return 0;
}

static int
copy(struct syncd *s, const struct sock_filter *code, unsigned len)
{
	struct mirror *m = &s->mirror;
	unsigned i;
	int rc = 0;

	for (i = 0; i < m->n_cards && rc == 0; i++) {
		if (m->cards[i].copies)
			continue;
		rc = mirror_tc_copy(
		    m->kernel, m->cards[i].index, m->ifindex, code, len);
		m->cards[i].copies = rc == 0;
	}
	return rc;
}

int
mirror_cards_copy(struct syncd *s)
{
	struct sock_filter *code = calloc(BPF_MAXINSNS, sizeof(*code));
	unsigned len;
	int rc = -NLE_NOMEM;

	if (code != NULL)
		rc = mirror_filter(
		    s->targets.vips, s->targets.n_vips, code, &len);
	if (rc == 0)
		rc = copy(s, code, len);
	free(code);
	return rc == -E2BIG ? -NLE_RANGE : rc;
}

void
mirror_cards_still(struct mirror *m)
{
	unsigned i;

	for (i = 0; i < m->n_cards; i++) {
		if (m->cards[i].copies)
			(void)mirror_tc_still(m->kernel, m->cards[i].index);
		m->cards[i].copies = false;
	}
}

void
mirror_cards_clean(struct mirror *m, bool busy)
{
	int cards[MIRROR_CARDS];
	unsigned i, n;

	if (mirror_nl_cards(m->kernel, m->ifindex, cards, &n) < 0)
		n = 0;
	for (i = 0; i < n; i++)
		(void)(busy ? mirror_tc_still(m->kernel, cards[i])
			    : mirror_tc_end(m->kernel, cards[i]));
	m->n_cards = 0;
}
