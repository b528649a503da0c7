/*
 * import_keepalived: a keepalived.conf as the model: the file, and the
 * addresses of vrrp_instances. See import_keepalived.h.
 */
#include "daemons/yoke/import_keepalived.h"

#include <stdio.h>
#include <string.h>

void
ka_walk(struct ka_reader *r, const struct stmt *s,
    const struct ka_row *rows, const char *where)
{
	const struct ka_row *row;

	for (; s != NULL && r->rc == 0; s = s->next) {
		if (s->w[0][0] == '@' || s->w[0][0] == '$') {
			imp_note(r->m, s->line, IMP_LOST, "%s: conditions and "
			    "variables are not followed: left out", s->w[0]);
			continue;
		}
		for (row = rows; row->word != NULL; row++)
			if (strcmp(row->word, s->w[0]) == 0)
				break;
		if (row->word == NULL)
			imp_note(r->m, s->line, IMP_LOST,
			    "%s, in %s: not known: left out", s->w[0], where);
		else if (row->fn != NULL)
			row->fn(r, s);
		else
			imp_note(r->m, s->line, row->level, "%s%s%s: %s",
			    s->w[0], s->n > 1 ? " " : "",
			    s->n > 1 ? s->w[1] : "", row->why);
	}
}

const char *
ka_value(struct ka_reader *r, const struct stmt *s)
{
	if (s->n >= 2)
		return s->w[1];
	imp_note(r->m, s->line, IMP_LOST, "%s: has no value", s->w[0]);
	return NULL;
}

void
ka_take_text(struct ka_reader *r, const struct stmt *s, char *dst, size_t len)
{
	const char *text = ka_value(r, s);

	if (text == NULL)
		return;
	if (strlen(text) >= len)
		imp_note(r->m, s->line, IMP_LOST, "%s: longer than %zu bytes",
		    s->w[0], len - 1);
	else
		memcpy(dst, text, strlen(text) + 1);
}

void
ka_take_uint(
    struct ka_reader *r, const struct stmt *s, unsigned max, unsigned *ret)
{
	const char *text = ka_value(r, s);

	if (text != NULL && !imp_uint(text, max, ret))
		imp_note(r->m, s->line, IMP_LOST, "%s %s: not a number from 0 "
		    "to %u", s->w[0], text, max);
}

void
ka_take_seconds(struct ka_reader *r, const struct stmt *s, usec_t *ret)
{
	const char *text = ka_value(r, s);

	if (text != NULL && !imp_seconds(text, ret))
		imp_note(r->m, s->line, IMP_LOST, "%s %s: not a number of "
		    "seconds", s->w[0], text);
}

/* ---- addresses ---- */

/* "192.0.2.1/24 dev eth1 label eth1:0 ..." */
static void
add_vip(struct ka_reader *r, const struct stmt *s)
{
	struct imp_vip v = { .line = s->line };
	const char *device = r->device;
	unsigned i;

	if (s->w[0][0] == '@' || s->w[0][0] == '$' ||
	    addr_parse_prefix(s->w[0], &v.addr, &v.bits) < 0) {
		imp_note(r->m, s->line, IMP_LOST, "%s: not a numeric address: "
		    "left out", s->w[0]);
		return;
	}
	for (i = 1; i < s->n; i++) {
		if (strcmp(s->w[i], "dev") == 0 && i + 1 < s->n) {
			device = s->w[++i];
			continue;
		}
		imp_note(r->m, s->line, IMP_LOST, "%s: %s%s%s: no equivalent",
		    s->w[0], s->w[i], i + 1 < s->n ? " " : "",
		    i + 1 < s->n ? s->w[i + 1] : "");
		break;
	}
	if (!imp_device(device)) {
		imp_note(r->m, s->line, IMP_LOST, "%s: not an interface's "
		    "name: left out", device);
		return;
	}
	(void)snprintf(v.device, sizeof(v.device), "%s", device);
	r->rc = imp_add_vip(r->m, &v);
}

static void
vrrp_addresses(struct ka_reader *r, const struct stmt *s)
{
	const struct stmt *a;

	for (a = s->sub; a != NULL && r->rc == 0; a = a->next)
		add_vip(r, a);
}

static void
vrrp_nothing(struct ka_reader *r, const struct stmt *s)
{
	(void)r;
	(void)s;
}

#define MOOT_BEATS "yoke's own beats and paths"
#define MOOT_BACK "nothing fails back by itself"
static const struct ka_row vrrp_rows[] = {
	{ .word = "interface", .fn = vrrp_nothing }, /* read before */
	{ .word = "virtual_ipaddress", .fn = vrrp_addresses },
	{ .word = "virtual_ipaddress_excluded", .fn = vrrp_addresses },
	{ .word = "state", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "priority", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "nopreempt", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "preempt_delay", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "preempt", .level = IMP_MOOT, .why = MOOT_BACK },
	{ .word = "virtual_router_id", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "advert_int", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "version", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "authentication", .level = IMP_MOOT,
	    .why = "beats are signed with the pair's key" },
	{ .word = "mcast_src_ip", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "unicast_src_ip", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "unicast_peer", .level = IMP_MOOT, .why = MOOT_BEATS },
	{ .word = "garp_master_delay", .level = IMP_MOOT,
	    .why = "announced at once and again" },
	{ .word = "garp_master_refresh", .level = IMP_MOOT,
	    .why = "announced again every 30 s" },
	{ .word = "garp_master_repeat", .level = IMP_MOOT,
	    .why = "announced at once and again" },
	{ .word = "lvs_sync_daemon_interface", .level = IMP_MOOT,
	    .why = "connections are synchronised both ways, always" },
	{ .word = "dont_track_primary",
	    .why = "see the uplink section of yoke.conf(5)" },
	{ .word = "track_interface",
	    .why = "see the uplink section of yoke.conf(5)" },
	{ .word = "track_script", .why = "no equivalent" },
	{ .word = "track_process", .why = "no equivalent" },
	{ .word = "track_file", .why = "no equivalent" },
	{ .word = "track_bfd", .why = "no equivalent" },
	{ .word = "virtual_routes", .why = "no equivalent" },
	{ .word = "virtual_rules", .why = "no equivalent" },
	{ .word = "notify", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_master", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_backup", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_fault", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "notify_stop", .why = "commands at a change: see yoke.conf(5)" },
	{ .word = "smtp_alert", .why = "no equivalent: no mail is sent" },
	{ .word = "use_vmac", .why = "no equivalent: the cards' own hardware "
	    "addresses are announced" },
	{ 0 },
};

/* The interface may stand behind the addresses. */
static void
top_vrrp(struct ka_reader *r, const struct stmt *s)
{
	const struct stmt *i;

	r->device = "eth0";
	for (i = s->sub; i != NULL; i = i->next)
		if (i->n > 1 && strcmp(i->w[0], "interface") == 0)
			r->device = i->w[1];
	if (r->m->device[0] == '\0' && imp_device(r->device))
		(void)snprintf(r->m->device, sizeof(r->m->device), "%s",
		    r->device);
	if (++r->n_instances == 2)
		imp_note(r->m, s->line, IMP_LOST, "a second vrrp_instance: "
		    "here all addresses move together; for two that move by "
		    "themselves make two files with an instance name each");
	ka_walk(r, s->sub, vrrp_rows, "vrrp_instance");
}

static const struct ka_row top_rows[] = {
	{ .word = "virtual_server", .fn = ka_service },
	{ .word = "virtual_server_group", .fn = vrrp_nothing }, /* by use */
	{ .word = "vrrp_instance", .fn = top_vrrp },
	{ .word = "vrrp_sync_group", .level = IMP_MOOT,
	    .why = "all addresses move together" },
	{ .word = "global_defs",
	    .why = "nothing of it is kept; mails are not sent" },
	{ .word = "vrrp_script", .why = "no equivalent" },
	{ .word = "vrrp_track_process", .why = "no equivalent" },
	{ .word = "vrrp_track_file", .why = "no equivalent" },
	{ .word = "track_file", .why = "no equivalent" },
	{ .word = "static_ipaddress", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "static_routes", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "static_rules", .why = "give it to the system's network "
	    "configuration" },
	{ .word = "bfd_instance", .why = "no equivalent" },
	{ .word = "net_namespace", .why = "no equivalent" },
	{ .word = "linkbeat_use_polling", .level = IMP_MOOT,
	    .why = "the kernel tells" },
	{ .word = "include", .why = "not followed: put that file's text here" },
	{ .word = "includer", .why = "not followed: put that file's text here" },
	{ .word = "includem", .why = "not followed: put that file's text here" },
	{ 0 },
};

int
imp_keepalived(struct imp *m, char *text, size_t len)
{
	struct ka_reader r = { .m = m };
	struct stmt *all = NULL;
	int rc;

	m->what = "keepalived";
	rc = stmts_parse(m, text, len, &all);
	if (rc < 0)
		return rc;
	r.top = all;
	ka_walk(&r, all, top_rows, "the file");
	stmts_free(all);
	return r.rc < 0 ? r.rc : imp_finish(m);
}
