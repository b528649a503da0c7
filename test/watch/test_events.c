/*
 * test_events: what is told of two statuses that differ, as lines of the form
 * "event service/server path name: text". Every row of schema/events.def but
 * those of yoked itself is told by one of the cases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "test/tap.h"
#include "watch/events.h"

static bool told[EVENT__LAST];

struct heard {
	char text[2048];
	struct event last;
};

static void
hear(const struct event *e, void *arg)
{
	struct heard *h = arg;
	size_t n = strlen(h->text);

	told[e->id] = true;
	h->last = *e;
	(void)snprintf(h->text + n, sizeof(h->text) - n, "%s%s%s%s%s%s%s\n",
	    event_name(e->id), e->initial ? "!" : "",
	    e->service[0] != '\0' || e->path[0] != '\0' ||
		    e->name[0] != '\0' ? " " : "",
	    e->service, e->server[0] != '\0' ? "/" : "", e->server,
	    e->path[0] != '\0' ? e->path : e->name);
}

static json_t *
doc(const char *text)
{
	json_error_t e;
	json_t *j;
	char *copy = strdup(text), *p;

	for (p = copy; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	j = json_loads(copy, 0, &e);
	if (j == NULL)
		printf("# %s: %s\n", e.text, text);
	free(copy);
	return j;
}

/* was NULL: the first look */
static void
check(const char *name, const char *was, const char *now, const char *want)
{
	json_t *a = was != NULL ? doc(was) : NULL, *b = doc(now);
	struct heard h = { .text = "" };

	events_between(a, b, hear, &h);
	is_str(h.text, want, "%s", name);
	json_decref(a);
	json_decref(b);
}

#define T(n, from, to, why) \
	"{'at_us':" #n ",'from':'" from "','to':'" to "','why':'" why \
	"','text':'x','epoch':3,'silence_us':null,'steps':[],'total_us':0}"

static void
test_roles(void)
{
#define ACTIVE \
	"{'role':'active','transitions':[" T(30, "taking-over", "active", \
	    "silence") "," T(20, "standby", "taking-over", "silence") "," \
	    T(10, "starting", "standby", "peer-active") "]}"
#define STANDBY \
	"{'role':'standby','transitions':[" T(10, "starting", "standby", \
	    "peer-active") "]}"
	check("nothing changed", ACTIVE, ACTIVE, "");
	check("a takeover is one event", STANDBY, ACTIVE, "role-active\n");
	check("the first look tells the role", NULL, ACTIVE, "role-active!\n");
	check("also when its change is not kept", NULL, "{'role':'standby'}",
	    "role-standby!\n");
	check("to and fro between two looks, and another yoked",
	    "{'role':'active','transitions':[" T(5, "a", "active", "x") "]}",
	    "{'role':'standby','transitions':[" T(90, "active", "standby",
		"switch") "," T(80, "standby", "active", "silence") "]}",
	    "role-active\nrole-standby\n");
	check("fault", STANDBY,
	    "{'role':'fault','transitions':[" T(20, "standby", "fault", "x")
	    "," T(10, "starting", "standby", "peer-active") "]}",
	    "role-fault\n");
	check("maintenance", STANDBY,
	    "{'role':'maintenance','transitions':[" T(20, "standby",
		"maintenance", "x") "," T(10, "starting", "standby",
		"peer-active") "]}",
	    "maintenance-on\n");
	check("and back",
	    "{'role':'maintenance','transitions':[" T(20, "standby",
		"maintenance", "x") "]}",
	    "{'role':'standby','transitions':[" T(40, "starting", "standby",
		"x") "," T(30, "maintenance", "starting", "x") ","
	    T(20, "standby", "maintenance", "x") "]}",
	    "maintenance-off\nrole-standby\n");
}

static void
test_details(void)
{
	json_t *was = doc("{'role':'standby','time_us':1,'transitions':[]}");
	json_t *now = doc("{'role':'active','instance':'main','node':'d1',"
			  "'transitions':[" T(30, "taking-over", "active",
			      "silence") ",{'at_us':20,'from':'standby',"
			  "'to':'taking-over','why':'silence','epoch':3,"
			  "'silence_us':62000,'total_us':700}]}");
	struct heard h = { .text = "" };
	char line[1024];

	events_between(was, now, hear, &h);
	is_str(h.last.from, "standby", "a takeover is from standby");
	is_int(h.last.silence_us, 62000, "after a silence of");
	is_int(h.last.took_us, 700, "and took");
	ok(event_json(&h.last, line, sizeof(line)) == strlen(line),
	    "as a line");
	is_str(line,
	    "{\"time\":\"1970-01-01T00:00:00.000Z\",\"event\":\"role-active\","
	    "\"level\":\"notice\",\"instance\":\"main\",\"node\":\"d1\","
	    "\"role\":\"active\",\"epoch\":3,\"from\":\"standby\","
	    "\"why\":\"silence\",\"silence_us\":62000,\"took_us\":700,"
	    "\"text\":\"x\"}",
	    "of JSON");
	is_int(event_json(&h.last, line, 20), 0, "no room: nothing");
	json_decref(was);
	json_decref(now);
}

static void
test_pair(void)
{
#define PATH(up, ms) \
	"{'role':'standby','time_us':5000000,'paths':[{'name':'net1','up':" \
	up ",'for_ms':" ms "}]}"
#define PATH0(up) \
	"{'role':'standby','time_us':4000000,'paths':[{'name':'net1','up':" \
	up ",'for_ms':9000}]}"
	check("a path goes down", PATH0("true"), PATH("false", "20"),
	    "path-down net1\n");
	check("and up", PATH0("false"), PATH("true", "20"), "path-up net1\n");
	check("stays", PATH0("true"), PATH("true", "9000"), "");
	check("down and up in between", PATH0("true"), PATH("true", "300"),
	    "path-down net1\npath-up net1\n");
	check("down at first", NULL, PATH("false", "20"),
	    "role-standby!\npath-down! net1\n");
#define SPLIT(role, peer, up) \
	"{'role':'" role "','peer':{'role':'" peer "'},'paths':[{'name':'a'," \
	"'for_ms':99999,'up':" up "}]}"
	check("both active", SPLIT("active", "standby", "true"),
	    SPLIT("active", "active", "true"), "split\n");
	check("the other one lets go", SPLIT("active", "active", "true"),
	    SPLIT("active", "standby", "true"), "split-healed\n");
	check("we do",
	    "{'role':'active','peer':{'role':'active'},'transitions':[" T(9,
		"a", "active", "x") "]}",
	    "{'role':'standby','peer':{'role':'active'},'transitions':[" T(10,
		"active", "standby", "peer-higher") "," T(9, "a", "active",
		"x") "]}",
	    "split-healed\nrole-standby\n");
	check("what a dead peer said last is no split",
	    SPLIT("standby", "active", "false"),
	    SPLIT("active", "active", "false"), "");
#define UPLINK(well, n) "{'uplink':{'well':" well ",'losses':" n "}}"
	check("uplink lost", UPLINK("true", "0"), UPLINK("false", "1"),
	    "uplink-lost\n");
	check("uplink well", UPLINK("false", "1"), UPLINK("true", "1"),
	    "uplink-well\n");
	check("both in between", UPLINK("true", "1"), UPLINK("true", "2"),
	    "uplink-lost\nuplink-well\n");
	check("lost at first", NULL, UPLINK("false", "1"), "uplink-lost!\n");
#define FENCE(state, tries, failures) \
	"{'fence':{'state':'" state "','tries':" tries ",'failures':" failures \
	"}}"
	check("fencing", FENCE("idle", "0", "0"), FENCE("running", "1", "0"),
	    "fence-begun\n");
	check("failed", FENCE("running", "1", "0"), FENCE("failed", "1", "1"),
	    "fence-failed\n");
	check("again, and done", FENCE("failed", "1", "1"),
	    FENCE("done", "2", "1"), "fence-begun\nfence-done\n");
}

static void
test_services(void)
{
#define ONE(role, health, weight) \
	"{'role':'" role "','services':[{'name':'web','servers':[{'name':" \
	"'rs1','health':'" health "','weight':" weight ",'cause':'c'}]}]}"
	check("a server goes down, the last one", ONE("active", "up", "10"),
	    ONE("active", "down", "0"), "server-down web/rs1\n"
					"service-empty web\n");
	check("and up", ONE("active", "down", "0"), ONE("active", "up", "10"),
	    "server-up web/rs1\nservice-back web\n");
	check("drained", ONE("active", "up", "10"), ONE("active", "up", "0"),
	    "service-empty web\n");
	check("the standby leaves that to the active",
	    ONE("standby", "up", "10"), ONE("standby", "down", "0"), "");
	check("who takes over tells what changed meanwhile",
	    ONE("standby", "up", "10"), ONE("active", "down", "0"),
	    "server-down web/rs1\nservice-empty web\n");
	check("down at first", NULL, ONE("active", "down", "0"),
	    "role-active!\nserver-down! web/rs1\nservice-empty! web\n");
	check("unknown is not down", ONE("active", "unknown", "10"),
	    ONE("active", "up", "10"), "");
	check("a new service", "{'role':'active','services':[]}",
	    ONE("active", "up", "10"), "");
	check("without servers", "{'role':'active','services':[]}",
	    "{'role':'active','services':[{'name':'w','servers':[]}]}",
	    "service-empty w\n");
	check("others before it", ONE("active", "up", "1"),
	    "{'role':'active','services':[{'name':'new','servers':[{'name':"
	    "'a','weight':1}]},{'name':'web','servers':[{'name':'new',"
	    "'weight':1},{'name':'rs1','health':'down','weight':0}]}]}",
	    "server-down web/rs1\n");
}

static void
test_alarms(void)
{
#define ALARM(name) "{'alarms':[{'name':'" name "','text':'t'}]}"
#define NONE "{'alarms':[]}"
	check("an alarm", NONE, ALARM("linkd"), "alarm linkd\n");
	check("is over", ALARM("linkd"), NONE, "alarm-over linkd\n");
	check("another", ALARM("linkd"), ALARM("syncd"),
	    "alarm syncd\nalarm-over linkd\n");
	check("two of one name",
	    NONE, "{'alarms':[{'name':'vip'},{'name':'vip'}]}", "alarm vip\n");
	check("storage", NONE, ALARM("checkpoint"),
	    "checkpoint-failing checkpoint\n");
	check("and well", ALARM("checkpoint"), NONE,
	    "checkpoint-well checkpoint\n");
	check("those with events of their own", NONE, ALARM("path"), "");
	check("strange statuses are survived", "{'paths':1,'services':{},'alarms':[7]}",
	    "{'role':7,'paths':[1],'services':[null,{'servers':4}],"
	    "'alarms':{},'transitions':[[]],'uplink':[],'fence':9}",
	    "path-down\nuplink-lost\nalarm-over\n");
}

int
main(void)
{
	unsigned missing = 0, i;

	test_roles();
	test_details();
	test_pair();
	test_services();
	test_alarms();
	for (i = 0; i < EVENT_YOKED_GONE; i++)
		if (!told[i]) {
			printf("# never told: %s\n", event_name(i));
			missing++;
		}
	is_int(missing, 0, "every event was told");
	return done();
}
