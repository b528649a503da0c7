/*
 * init_arp: do the real servers of methods dr and tun have the virtual
 * addresses, and keep quiet about them? Their yoke-agentd says (GET /arp). What
 * the kernel does with ARP is its Documentation/networking/ip-sysctl.rst,
 * arp_ignore and arp_announce.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemons/yoke/init.h"
#include "watch/status_get.h"

#define AGENT_PORT 5490 /* yoke-agentd(8)'s default */
#define PATIENCE USEC_S /* with one of them */
#define BUDGET (20 * USEC_S) /* for all that do not answer */
#define LIST_LEN 256
#define CARD_LEN 16
#define HIDE 8 /* arp_ignore: no answer for any address */

/* One real server: what yoke.conf has of it, and what it says. */
struct real {
	const struct conf *conf;
	const struct server_def *def;
	const json_t *says;
	struct init_report *r;
	unsigned wrong;
};

static bool
is_hidden(const struct server_def *s)
{
	return s->method == METHOD_DR || s->method == METHOD_TUN;
}

/* A card's name; what a terminal would obey is not shown. */
static const char *
card_name(const json_t *card, char buf[CARD_LEN])
{
	char *at;

	(void)snprintf(buf, CARD_LEN, "%s", get_str_at(card, "name"));
	for (at = buf; *at != '\0'; at++)
		if (*at <= ' ' || *at > '~')
			*at = '?';
	return buf;
}

static void
add_word(char *list, const char *word)
{
	size_t n = strlen(list);

	(void)snprintf(list + n, LIST_LEN - n, "%s%s", n > 0 ? " " : "", word);
}

__attribute__((format(printf, 3, 4))) static void
wrong(struct real *s, const char *mend, const char *fmt, ...)
{
	char text[512], how[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)snprintf(how, sizeof(how), "on %s: %s", s->def->name, mend);
	init_say(s->r, INIT_WRONG, s->def->name, how, "%s", text);
	s->wrong++;
}

/* ---- one address ---- */

static bool
has_address(const json_t *card, const struct addr *want)
{
	const json_t *list = get_at(card, "addresses");
	const char *text;
	struct addr a;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		text = json_string_value(json_array_get(list, i));
		if (text != NULL && addr_parse(text, &a) == 0 &&
		    addr_cmp(&a, want) == 0)
			return true;
	}
	return false;
}

/* On lo or a dummy it is right; a card that speaks ARP would say so. */
static void
check_address(struct real *s, const struct addr *vip)
{
	const json_t *cards = get_at(s->says, "interfaces"), *c;
	char text[ADDR_TEXT_MAX], mend[256], loud[CARD_LEN] = "";
	bool quiet = false;
	size_t i;

	addr_format(vip, text, sizeof(text));
	for (i = 0; i < json_array_size(cards); i++) {
		c = json_array_get(cards, i);
		if (!has_address(c, vip))
			continue;
		if (get_bool_at(c, "arp") &&
		    (vip->family == AF_INET6 ||
			get_num_at(c, "arp_ignore") != HIDE))
			(void)card_name(c, loud);
		else
			quiet = true;
	}
	(void)snprintf(mend, sizeof(mend), "ip addr add %s/%u dev lo", text,
	    addr_bits(vip));
	if (!quiet && loud[0] == '\0' && get_bool_at(s->says, "whole"))
		wrong(s, mend, "%s is on none of its interfaces", text);
	(void)snprintf(mend, sizeof(mend), "it belongs on lo, as %s/%u", text,
	    addr_bits(vip));
	if (loud[0] != '\0')
		wrong(s, mend, "%s is on %s, which answers for it", text, loud);
}

/* Each virtual address that this server serves, once. */
static void
check_addresses(struct real *s)
{
	const struct conf *c = s->conf;
	const struct conf_service *v;
	size_t i, k, j;

	for (i = 0; i < c->n_services; i++) {
		v = &c->services[i];
		for (j = 0; j < i; j++)
			if (addr_cmp(&c->services[j].def.addr, &v->def.addr) ==
			    0)
				break;
		if (v->def.protocol == 0 || j < i)
			continue;
		for (k = 0; k < v->n_servers; k++)
			if (is_hidden(&v->servers[k]) &&
			    addr_cmp(&v->servers[k].addr, &s->def->addr) == 0)
				break;
		if (k < v->n_servers)
			check_address(s, &v->def.addr);
	}
}

/* ---- the cards ---- */

static bool
ignores(int64_t v)
{
	return v == 1 || v == 2 || v == HIDE;
}

static bool
announces(int64_t v)
{
	return v >= 2;
}

static const struct arp_row {
	const char *name, *mend, *fault;
	bool (*right)(int64_t v);
} arp_rows[] = {
	{ "arp_ignore",
	    "sysctl net.ipv4.conf.all.arp_ignore=1, and a line in "
	    "/etc/sysctl.d", "answer ARP for addresses of others", ignores },
	{ "arp_announce",
	    "sysctl net.ipv4.conf.all.arp_announce=2, and a line in "
	    "/etc/sysctl.d", "ask with addresses of others", announces },
};

static void
check_cards(struct real *s, const struct arp_row *row)
{
	const json_t *cards = get_at(s->says, "interfaces"), *c;
	char bad[LIST_LEN] = "", name[CARD_LEN];
	int64_t value = 0;
	size_t i;

	for (i = 0; i < json_array_size(cards); i++) {
		c = json_array_get(cards, i);
		if (!get_bool_at(c, "up") || !get_bool_at(c, "arp") ||
		    !get_there(c, row->name) ||
		    row->right(get_num_at(c, row->name)))
			continue;
		value = get_num_at(c, row->name);
		add_word(bad, card_name(c, name));
	}
	if (bad[0] != '\0')
		wrong(s, row->mend, "%s: %s is %lld: they %s", bad, row->name,
		    (long long)value, row->fault);
}

static void
judge(struct real *s)
{
	size_t i;

	check_addresses(s);
	for (i = 0; i < ARRAY_LEN(arp_rows); i++)
		if (s->def->addr.family == AF_INET)
			check_cards(s, &arp_rows[i]);
	if (s->wrong == 0)
		init_say(s->r, INIT_OK, s->def->name, "", "has its virtual "
		    "addresses and is quiet about them");
}

/* ---- asking ---- */

/* The check by which its agent is asked; NULL: none. */
static const struct conf_check *
agent_check(const struct conf *c, const struct addr *server)
{
	const struct conf_service *v;
	size_t i, k, j;

	for (i = 0; i < c->n_services; i++) {
		v = &c->services[i];
		for (k = 0; k < v->n_servers; k++)
			if (addr_cmp(&v->servers[k].addr, server) == 0)
				break;
		for (j = 0; k < v->n_servers && j < v->n_checks; j++)
			if (v->checks[j].type == CHECK_AGENT ||
			    v->checks[j].type == CHECK_AGENT_HTTPS)
				return &v->checks[j];
	}
	return NULL;
}

static void
take_answer(struct real *s, const char *text)
{
	json_error_t e;
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, &e);

	s->says = j;
	if (json_is_array(get_at(j, "interfaces")))
		judge(s);
	else
		init_say(s->r, INIT_NOT_CHECKED, s->def->name, "",
		    "its agent's answer is not understood");
	json_decref(j);
}

static void
no_answer(struct real *s, uint16_t port, int rc)
{
	init_say(s->r, INIT_NOT_CHECKED, s->def->name,
	    rc == -EACCES	? "token_file of its check, and of agentd.conf"
		: rc == -ENOENT ? "upgrade yoke-agent there"
				: "yoke-agentd there, see ARP in yoke(8)",
	    "its agent on port %u: %s", port,
	    rc == -ENOENT ? "knows nothing of ARP" : strerror(-rc));
}

/* False: it has no agent. */
static bool
ask_one(struct real *s)
{
	const struct conf_check *k = agent_check(s->conf, &s->def->addr);
	uint16_t port = k == NULL ? AGENT_PORT
	    : k->port != 0	  ? k->port
				  : s->def->port;
	char *text = NULL;
	int rc = init_get(&s->def->addr, port, k, "/arp",
	    usec_mono() + PATIENCE, &text);

	if (rc == 0)
		take_answer(s, text);
	else if (k != NULL || rc == -EACCES || rc == -ENOENT)
		no_answer(s, port, rc);
	free(text);
	return rc == 0 || k != NULL || rc == -EACCES || rc == -ENOENT;
}

static bool
is_first(const struct conf *c, size_t service, size_t server)
{
	const struct server_def *s = &c->services[service].servers[server], *o;
	size_t i, k;

	for (i = 0; i <= service; i++)
		for (k = 0; k < c->services[i].n_servers; k++) {
			o = &c->services[i].servers[k];
			if (o == s)
				return true;
			if (is_hidden(o) && addr_cmp(&o->addr, &s->addr) == 0)
				return false;
		}
	return true;
}

static void
ask_all(struct init_report *r, const struct conf *c, char *silent,
    unsigned *ret_left)
{
	usec_t end = usec_mono() + BUDGET;
	const struct conf_service *v;
	struct real s;
	size_t i, k;

	for (i = 0; i < c->n_services; i++)
		for (k = 0; k < c->services[i].n_servers; k++) {
			v = &c->services[i];
			if (!is_hidden(&v->servers[k]) || !is_first(c, i, k))
				continue;
			s = (struct real){ c, &v->servers[k], NULL, r, 0 };
			if (usec_mono() > end)
				++*ret_left;
			else if (!ask_one(&s))
				add_word(silent, s.def->name);
		}
}

void
init_check_servers(struct init_report *r, const struct conf *c)
{
	char silent[LIST_LEN] = "";
	unsigned left = 0;

	(void)signal(SIGPIPE, SIG_IGN); /* TLS has no MSG_NOSIGNAL */
	ask_all(r, c, silent, &left);
	(void)signal(SIGPIPE, SIG_DFL);
	if (silent[0] != '\0')
		init_say(r, INIT_NOT_CHECKED, "servers", "yoke-agent says it, "
		    "where it is installed; else see ARP in yoke(8)", "what "
		    "these do with ARP for the virtual addresses: %s", silent);
	if (left > 0)
		init_say(r, INIT_NOT_CHECKED, "servers", "", "%u more: too "
		    "many do not answer", left);
}
