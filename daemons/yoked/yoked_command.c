/*
 * yoked_command: what the operator asks of a running director. One row per
 * command; answers are text for people.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/err.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemons/yoked/yoked.h"

struct asked {
	struct yoked *y;
	struct client *client;
	char (*args)[NAME_LEN];
	char *text; /* the answer */
	size_t len;
};

static int
change_server(struct asked *a, enum change_what what, int64_t value,
    const char *verb)
{
	struct change c = { .what = what, .value = value };
	int rc;

	memcpy(c.service, a->args[0], NAME_LEN);
	memcpy(c.server, a->args[1], NAME_LEN);
	(void)snprintf(c.cause, sizeof(c.cause), "%s by hand (pid %d)", verb,
	    (int)ipcs_pid(a->client->conn));
	rc = director_change(&a->y->director, &c);
	if (rc == -ERR_NOT_ACTIVE)
		(void)snprintf(a->text, a->len,
		    "%s is %s: run this on the active director",
		    a->y->conf->self->name, role_name(a->y->director.role));
	else if (rc == -ERR_NO_SERVICE)
		(void)snprintf(a->text, a->len, "no service \"%s\"", c.service);
	else if (rc == -ERR_NO_SERVER)
		(void)snprintf(a->text, a->len, "service %s has no server \"%s\"",
		    c.service, c.server);
	else if (rc == 0)
		(void)snprintf(a->text, a->len, "%s/%s: %s, change %" PRIu64,
		    c.service, c.server, verb, c.seq);
	return rc;
}

static int
cmd_weight(struct asked *a)
{
	const char *arg = a->args[2];
	char verb[64];
	long value;
	char *end;

	if (strcmp(arg, "auto") == 0)
		return change_server(
		    a, CHANGE_OVERRIDE, WEIGHT_NONE, "weight auto");
	value = strtol(arg, &end, 10);
	if (*arg < '0' || *arg > '9' || *end != '\0' || value > WEIGHT_MAX) {
		(void)snprintf(a->text, a->len,
		    "weight \"%s\": give 0 to %d, or auto", arg, WEIGHT_MAX);
		return -EINVAL;
	}
	(void)snprintf(verb, sizeof(verb), "weight %ld", value);
	return change_server(a, CHANGE_OVERRIDE, value, verb);
}

static int
cmd_drain(struct asked *a)
{
	return change_server(a, CHANGE_DRAIN, 1, "drained");
}

static int
cmd_enable(struct asked *a)
{
	return change_server(a, CHANGE_DRAIN, 0, "enabled");
}

static int
cmd_switch(struct asked *a)
{
	bool full = !a->y->conf->sync || yoked_sync_full(a->y);
	int rc = director_switch(&a->y->director);

	if (rc == 0)
		(void)snprintf(a->text, a->len, "asked %s to take over%s%s",
		    a->y->conf->peer->name, full ? "" : "; warning: it did not "
		    "have all connections yet, some may be reset; yoke status ",
		    full ? "" : "says \"full standby\" when it has");
	return rc;
}

static int
cmd_maintenance(struct asked *a)
{
	bool on = strcmp(a->args[0], "on") == 0;
	struct director *d = &a->y->director;
	const char *self = a->y->conf->self->name;
	enum role was = d->role;
	int rc;

	if (!on && strcmp(a->args[0], "off") != 0) {
		(void)snprintf(a->text, a->len, "say on or off");
		return -EINVAL;
	}
	rc = director_maintain(d, on);
	if (rc == -ERR_NO_PEER)
		(void)snprintf(a->text, a->len, "%s is needed: no other "
		    "director is ready to serve", self);
	else if (rc == 0 && on && was == ROLE_ACTIVE)
		(void)snprintf(a->text, a->len, "%s hands over to %s and goes "
		    "into maintenance", self, a->y->conf->peer->name);
	else if (rc == 0)
		(void)snprintf(a->text, a->len, "%s is %s service", self,
		    on ? "out of" : "back in");
	return rc;
}

static int
cmd_reload(struct asked *a)
{
	int rc = yoked_reload(a->y);

	if (rc == -ERR_BUSY)
		(void)snprintf(a->text, a->len,
		    "the configuration is being read already");
	if (rc < 0)
		return rc;
	a->client->reloading = true;
	return -EINPROGRESS;
}

static int
cmd_watch(struct asked *a)
{
	a->client->watching = true;
	return 0;
}

static const struct command {
	const char *words[2];
	unsigned args;
	enum msg_priv needs;
	int (*fn)(struct asked *a);
} commands[] = {
	{ { "server", "weight" }, 3, PRIV_ADMIN, cmd_weight },
	{ { "server", "drain" }, 2, PRIV_ADMIN, cmd_drain },
	{ { "server", "enable" }, 2, PRIV_ADMIN, cmd_enable },
	{ { "switch", NULL }, 0, PRIV_ADMIN, cmd_switch },
	{ { "maintenance", NULL }, 1, PRIV_ADMIN, cmd_maintenance },
	{ { "reload", NULL }, 0, PRIV_ADMIN, cmd_reload },
	{ { "watch", NULL }, 0, PRIV_READ, cmd_watch },
};

static unsigned
command_words(const struct command *c)
{
	return c->words[1] != NULL ? 2 : 1;
}

static bool
command_is(const struct command *c, unsigned n, char words[][NAME_LEN])
{
	unsigned i, k = command_words(c);

	for (i = 0; i < k; i++)
		if (i >= n || strcmp(words[i], c->words[i]) != 0)
			return false;
	return n == k + c->args;
}

int
yoked_command(struct yoked *y, struct client *client, unsigned n,
    char words[][NAME_LEN], char *ret_text, size_t len)
{
	struct asked a = { y, client, NULL, ret_text, len };
	size_t i;
	int rc;

	for (i = 0; i < ARRAY_LEN(commands); i++) {
		if (!command_is(&commands[i], n, words))
			continue;
		if (ipcs_priv(client->conn) < commands[i].needs) {
			(void)snprintf(ret_text, len,
			    "only root may do this");
			return -EPERM;
		}
		a.args = words + command_words(&commands[i]);
		rc = commands[i].fn(&a);
		log_notice("command=\"%s%s%s\" pid=%d rc=%d", words[0],
		    n > 1 ? " " : "", n > 1 ? words[1] : "",
		    (int)ipcs_pid(client->conn), rc);
		return rc;
	}
	(void)snprintf(ret_text, len, "yoked does not know this command");
	return -EINVAL;
}
