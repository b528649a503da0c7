/*
 * conf_rows: schema/config.def as tables, with the words of enums and the
 * checks of single values that rows name.
 */
#include "common/conf_impl.h"
#include "common/conf_service.h"

#include <assert.h>
#include <ctype.h>
#include <netinet/in.h>
#include <string.h>

#include "common/mem.h"

static const struct conf_word path_types[] = {
	{ "udp", PATH_UDP },
	{ "serial", PATH_SERIAL },
	{ NULL, 0 },
};

static const struct conf_word families[] = {
	{ "inet", AF_INET },
	{ "inet6", AF_INET6 },
	{ NULL, 0 },
};

static const struct conf_word protocols[] = {
	{ "tcp", IPPROTO_TCP },
	{ "udp", IPPROTO_UDP },
	{ NULL, 0 },
};

static const struct conf_word methods[] = {
	{ "dr", METHOD_DR },
	{ "nat", METHOD_NAT },
	{ "tun", METHOD_TUN },
	{ NULL, 0 },
};

/* For services one more: what suits them. */
static const struct conf_word downs[] = {
	{ "quiesce", DOWN_QUIESCE },
	{ "remove", DOWN_REMOVE },
	{ "cut", DOWN_CUT },
	{ NULL, 0 },
};

static const struct conf_word service_downs[] = {
	{ "auto", CONF_DOWN_AUTO },
	{ "quiesce", DOWN_QUIESCE },
	{ "remove", DOWN_REMOVE },
	{ "cut", DOWN_CUT },
	{ NULL, 0 },
};

static const struct conf_word check_types[] = {
	{ "tcp", CHECK_TCP },
	{ "http", CHECK_HTTP },
	{ "https", CHECK_HTTPS },
	{ "agent", CHECK_AGENT },
	{ "agent-https", CHECK_AGENT_HTTPS },
	{ "agent-text", CHECK_AGENT_TEXT },
	{ "command", CHECK_COMMAND },
	{ "udp", CHECK_UDP },
	{ "dns", CHECK_DNS },
	{ "url", CHECK_URL },
	{ "snmp", CHECK_SNMP },
	{ "snmp-load", CHECK_SNMP_LOAD },
	{ NULL, 0 },
};

static const struct conf_word check_ways[] = {
	{ "server", THROUGH_SERVER },
	{ "vip", THROUGH_VIP },
	{ NULL, 0 },
};

static const struct conf_word policy_types[] = {
	{ "fixed", POLICY_FIXED },
	{ "response-time", POLICY_RESPONSE },
	{ "load", POLICY_LOAD },
	{ "both", POLICY_BOTH },
	{ NULL, 0 },
};

static const struct conf_word storages[] = {
	{ "auto", STORAGE_AUTO },
	{ "local", STORAGE_LOCAL },
	{ "nfs", STORAGE_NFS },
	{ "cluster", STORAGE_CLUSTER },
	{ NULL, 0 },
};

/* Schedulers' own words first: the print prefers them. */
static const struct conf_word flags[] = {
	{ "sh-fallback", SERVICE_SCHED1 },
	{ "sh-port", SERVICE_SCHED2 },
	{ "mh-fallback", SERVICE_SCHED1 },
	{ "mh-port", SERVICE_SCHED2 },
	{ "flag-1", SERVICE_SCHED1 },
	{ "flag-2", SERVICE_SCHED2 },
	{ "flag-3", SERVICE_SCHED3 },
	{ "ops", SERVICE_ONEPACKET },
	{ NULL, 0 },
};

static const struct conf_word events[] = {
#define EVENT(id, name, level, help) { name, 0 },
#include "schema/events.def"
#undef EVENT
	{ NULL, 0 },
};
static_assert(ARRAY_LEN(events) <= 33, "a bit of uint32_t for each");

const char conf_inherit[] = "(as the service)";

static const char *
check_device(const void *field)
{
	const char *text = field;

	for (; *text != '\0'; text++)
		if (isspace((unsigned char)*text))
			return "a device has no blanks in its name";
	return NULL;
}

static const char *
check_scheduler(const void *field)
{
	const char *text = field;

	for (; *text != '\0'; text++)
		if (!islower((unsigned char)*text) &&
		    !isdigit((unsigned char)*text) &&
		    strchr("_-", *text) == NULL)
			return "a scheduler has letters a-z, digits, - and _ "
			       "only, like wlc or mh";
	return NULL;
}

static const char *
check_slash(const void *field)
{
	return *(const char *)field == '/' ? NULL
					   : "begin it with a /, like /health";
}

static const char *
check_method(const void *field)
{
	const char *text = field;

	for (; *text != '\0'; text++)
		if (!isupper((unsigned char)*text))
			return "a method has capital letters only, like HEAD";
	return NULL;
}

static const char *
check_scheme(const void *field)
{
	static const char *const known[] = { "smtp", "smtps", "imap", "imaps",
		"pop3", "pop3s", "ftp", "ftps", "ldap", "ldaps" };
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], field) == 0)
			return NULL;
	return "say smtp, smtps, imap, imaps, pop3, pop3s, ftp, ftps, ldap or "
	       "ldaps";
}

static const char *
check_header(const void *field)
{
	const char *text = field, *colon = strchr(text, ':');

	return text[0] == '\0' || (colon != NULL && colon > text)
		   ? NULL
		   : "write it as Name: value";
}

static const char *
check_host(const void *field)
{
	const char *text = field;

	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) &&
		    strchr(".-_", *text) == NULL)
			return "a name of a host has letters, digits, . - and "
			       "_ only";
	return NULL;
}

static const char *
check_oid(const void *field)
{
	const char *text = field;
	size_t dots = 0, i;

	for (i = 0; text[i] != '\0'; i++) {
		dots += text[i] == '.';
		if (strchr("0123456789.", text[i]) == NULL ||
		    (text[i] == '.' && (i == 0 || strchr(".", text[i + 1]))))
			break;
	}
	return text[i] == '\0' && dots > 0 && dots < 64
	    ? NULL : "numbers with dots between them, like 1.3.6.1.2.1.1.3.0";
}

static const char *
check_status(const void *field)
{
	unsigned status = *(const unsigned *)field;

	return status == 0 || status >= 100
		   ? NULL
		   : "say a status from 100 to 599, or 0 for any 2xx or 3xx";
}

static const char *
check_speed(const void *field)
{
	static const uint32_t speeds[] = {
#define SPEED(n) n,
#include "schema/speeds.def"
#undef SPEED
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(speeds); i++)
		if (speeds[i] == *(const uint32_t *)field)
			return NULL;
	return "no serial line runs at that speed; say 115200 or 9600";
}

static const char *
check_listen(const void *field)
{
	struct addr a;
	uint16_t port;

	if (*(const char *)field == '/')
		return NULL;
	return addr_parse_port(field, &a, &port) == 0 && port != 0
		   ? NULL
		   : "say an address with its port, like 127.0.0.1:5481 or "
		     "[::1]:5481, or an absolute file name";
}

/* The struct each section is read into. */
#define IN_top struct conf
#define IN_beat struct conf
#define IN_node struct conf_node
#define IN_path struct conf_path
#define IN_vip struct conf_vip
#define IN_uplink struct conf
#define IN_service struct in_service
#define IN_check struct in_check
#define IN_server struct in_server
#define IN_policy struct policy
#define IN_checkpoint struct conf
#define IN_sync struct conf
#define IN_metrics struct conf
#define IN_snmp struct conf
#define IN_notify struct conf_notify
#define IN_test struct conf
#define FIELD(section, field)                                                  \
	offsetof(IN_##section, field), sizeof(((IN_##section *)0)->field)

enum {
	TABLE = CONF_CHANGE_TABLE,
	CHECKS = CONF_CHANGE_CHECKS,
	VIPS = CONF_CHANGE_VIPS,
	BEATS = CONF_CHANGE_BEATS,
	UPLINK = CONF_CHANGE_UPLINK,
	STORE = CONF_CHANGE_STORE,
	OTHERS = CONF_CHANGE_OTHERS,
	RESTART = CONF_CHANGE_RESTART,
};
#define REQUIRED NULL
#define INHERIT conf_inherit

static const struct conf_row rows[] = {
#define SECTION(name, parent, many, help)
#define TITLE(section, field, type, change, help)                              \
	{ SEC_##section, NULL, VALUE_##type, FIELD(section, field), NULL,      \
		NULL, 1, NAME_LEN - 1, WHEN_ALWAYS, change, NULL, help },
#define KEY(section, key, field, type, words, dflt, min, max, when, change,    \
    check, help)                                                               \
	{ SEC_##section, #key, VALUE_##type, FIELD(section, field), words,     \
		dflt, min, max, WHEN_##when, change, check, help },
#include "schema/config.def"
#undef SECTION
#undef TITLE
#undef KEY
};

static const struct {
	const char *name;
	enum conf_section parent;
	bool many;
} sections[] = {
#define ONE false
#define MANY true
#define SECTION(name, parent, many, help) { #name, SEC_##parent, many },
#define TITLE(...)
#define KEY(...)
#include "schema/config.def"
#undef SECTION
#undef TITLE
#undef KEY
};

struct conf_section_view
conf_section(enum conf_section id)
{
	struct conf_section_view v = { .id = id,
		.name = sections[id].name,
		.parent = sections[id].parent,
		.many = sections[id].many };
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].section != id)
			continue;
		if (rows[i].key == NULL) {
			v.title = &rows[i];
			continue;
		}
		if (v.n_keys++ == 0)
			v.keys = &rows[i];
	}
	return v;
}

bool
conf_check_is_agent(enum check_type type)
{
	return type == CHECK_AGENT || type == CHECK_AGENT_HTTPS ||
	    type == CHECK_AGENT_TEXT || type == CHECK_SNMP_LOAD;
}

bool
conf_check_is_snmp(enum check_type type)
{
	return type == CHECK_SNMP || type == CHECK_SNMP_LOAD;
}

bool
conf_check_is_tls(enum check_type type)
{
	return type == CHECK_HTTPS || type == CHECK_AGENT_HTTPS;
}

bool
conf_check_is_http(enum check_type type)
{
	return type == CHECK_HTTP || type == CHECK_HTTPS;
}

bool
conf_check_goes_through(enum check_type type)
{
	return !conf_check_is_agent(type) && !conf_check_is_snmp(type) &&
	    type != CHECK_COMMAND;
}

bool
conf_applies(const struct conf_row *r, const void *base)
{
	const struct conf_path *path = base;
	const struct conf_check *check = base;
	const struct conf_service *service = base;
	const struct policy *policy = base;

	switch (r->when) {
	case WHEN_UDP:
		return path->type == PATH_UDP;
	case WHEN_SERIAL:
		return path->type == PATH_SERIAL;
	case WHEN_ADDRESS:
		return service->def.fwmark == 0;
	case WHEN_FWMARK:
		return service->def.fwmark != 0;
	case WHEN_HTTP:
		return conf_check_is_http(check->type);
	case WHEN_ASKS:
		return conf_check_is_http(check->type) ||
		    check->type == CHECK_UDP;
	case WHEN_TLS:
		return conf_check_is_tls(check->type) ||
		    check->type == CHECK_URL;
	case WHEN_URL:
		return check->type == CHECK_URL;
	case WHEN_SNMP:
		return conf_check_is_snmp(check->type);
	case WHEN_OID:
		return check->type == CHECK_SNMP;
	case WHEN_AGENT:
		return check->type == CHECK_AGENT ||
		    check->type == CHECK_AGENT_HTTPS;
	case WHEN_COMMAND:
		return check->type == CHECK_COMMAND;
	case WHEN_DNS:
		return check->type == CHECK_DNS;
	case WHEN_THROUGH:
		return conf_check_goes_through(check->type);
	case WHEN_LOADS:
		return policy->type == POLICY_LOAD ||
		    policy->type == POLICY_BOTH;
	default:
		return true;
	}
}

const char *
conf_when_text(enum conf_when when)
{
	static const char *const text[WHEN__LAST] = {
		[WHEN_UDP] = "paths of type udp",
		[WHEN_SERIAL] = "paths of type serial",
		[WHEN_ADDRESS] = "services without fwmark",
		[WHEN_FWMARK] = "services by fwmark",
		[WHEN_HTTP] = "checks of type http or https",
		[WHEN_ASKS] = "checks of type http, https or udp",
		[WHEN_TLS] = "checks of type https, agent-https or url",
		[WHEN_URL] = "checks of type url",
		[WHEN_SNMP] = "checks of type snmp or snmp-load",
		[WHEN_OID] = "checks of type snmp",
		[WHEN_AGENT] = "checks of type agent or agent-https",
		[WHEN_COMMAND] = "checks of type command",
		[WHEN_DNS] = "checks of type dns",
		[WHEN_THROUGH] = "checks of type tcp, http, https, udp, dns or url",
		[WHEN_LOADS] = "policies of type load or both",
	};

	return text[when] != NULL ? text[when] : "everything";
}

const struct conf_word *
conf_flag_words(void)
{
	return flags;
}

bool
conf_flag_fits(const struct conf_word *w, const char *scheduler)
{
	if (strncmp(w->text, "sh-", 3) == 0)
		return strcmp(scheduler, "sh") == 0;
	if (strncmp(w->text, "mh-", 3) == 0)
		return strcmp(scheduler, "mh") == 0;
	return true;
}
