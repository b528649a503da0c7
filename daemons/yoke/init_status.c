/*
 * init_status: what a running pair says of itself, as far as it is about how the
 * pair was set up. Everything else is `yoke status`.
 */
#include <stdio.h>

#include "daemons/yoke/init.h"
#include "daemons/yoke/status_doc.h"
#include "watch/status_get.h"

static void
check_peer(struct init_report *r, const json_t *j)
{
	const json_t *peer = get_at(j, "peer"), *refused;

	if (get_there(peer, "heard_ms"))
		init_say(r, INIT_OK, "beats", "", "%s is heard and is %s",
		    get_str_at(peer, "node"), get_str_at(peer, "role"));
	else
		init_say(r, INIT_WRONG, "beats", "yoked on both; the same key "
		    "on both; UDP through firewalls", "nothing was ever heard "
		    "of %s", get_str_at(peer, "node"));
	refused = get_at(get_at(j, "beats"), "refused");
	if (get_num_at(refused, "signature") > 0)
		init_say(r, INIT_WRONG, "beats", "the same key file on both, "
		    "then restart the standby", "beats were refused for their "
		    "signature");
	if (get_num_at(refused, "version") > 0)
		init_say(r, INIT_WRONG, "beats", "the same version on both",
		    "beats of another version were refused");
}

static void
check_paths(struct init_report *r, const json_t *j)
{
	const json_t *paths = get_at(j, "paths"), *p;
	size_t i;

	for (i = 0; i < json_array_size(paths); i++) {
		p = json_array_get(paths, i);
		if (get_bool_at(p, "up") && get_bool_at(p, "peer_hears"))
			continue;
		init_say(r, INIT_WRONG, get_str_at(p, "name"), "cable, address "
		    "and firewall of both", "beats go %s on it%s%s",
		    get_bool_at(p, "up")	     ? "one way only"
			: get_bool_at(p, "peer_hears") ? "the other way only"
						       : "neither way",
		    get_there(p, "problem") ? ": " : "",
		    get_str_at(p, "problem"));
	}
}

static void
check_link(struct init_report *r, const json_t *j)
{
	const json_t *link = get_at(j, "link");

	if (get_bool_at(link, "connected") && get_bool_at(link, "peer"))
		init_say(r, INIT_OK, "corosync", "", "both are in the group");
	else if (get_bool_at(link, "connected"))
		init_say(r, INIT_WRONG, "corosync", "corosync-cfgtool -s on "
		    "both", "the peer is not in the group");
	else
		init_say(r, INIT_WRONG, "corosync", "systemctl status corosync "
		    "yoke-linkd", "this director is not in the group");
}

static void
check_alarms(struct init_report *r, const json_t *j)
{
	const json_t *all = get_at(j, "alarms"), *a;
	size_t i;

	for (i = 0; i < json_array_size(all); i++) {
		a = json_array_get(all, i);
		init_say(r, INIT_WRONG, "alarm", "", "%s: %s",
		    get_str_at(a, "name"), get_str_at(a, "text"));
	}
	if (json_array_size(all) == 0)
		init_say(r, INIT_OK, "alarms", "", "none");
}

void
init_check_status(struct init_report *r, const char *status, size_t len)
{
	struct status_doc d;
	json_error_t e;

	if (status_doc_parse(status, len, &d, &e) < 0) {
		init_say(r, INIT_WRONG, "pair", "", "the status is not one: "
		    "%s", e.text);
		return;
	}
	check_peer(r, d.head);
	check_paths(r, d.head);
	check_link(r, d.head);
	check_alarms(r, d.head);
	status_doc_done(&d);
}
