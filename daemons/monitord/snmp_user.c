/*
 * snmp_user: see snmp_user.h.
 */
#include <net-snmp/net-snmp-config.h>
/* the library's headers come in this order */
#include <net-snmp/net-snmp-includes.h>

#include "daemons/monitord/snmp_user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/mem.h"
#include "daemons/monitord/check.h"
#include "daemons/monitord/snmp_login.h"

/* A file's passwords as keys, which do not depend on the engine. */
struct keys {
	struct keys *next;
	char file[CONF_TEXT_LEN];
	struct timespec changed; /* the file, when it was read */
	ino_t inode;
	int auth_type, priv_type; /* the library's; 0: none */
	u_char auth[USM_AUTH_KU_LEN], priv[USM_PRIV_KU_LEN];
	size_t auth_len, priv_len;
};

struct snmp_user {
	struct snmp_users *users;
	struct snmp_user *next;
	u_char engine[SNMP_MAX_ENG_SIZE];
	size_t engine_len;
	char name[SNMP_WORD_MAX];
	const struct keys *keys;
	unsigned refs;
};

struct snmp_users {
	struct keys *keys;
	struct snmp_user *list;
};

static void
configure(void)
{
	static const int yes[] = {
		NETSNMP_DS_LIB_DONT_READ_CONFIGS,
		NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD,
		NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE,
		NETSNMP_DS_LIB_DONT_PERSIST_STATE,
		NETSNMP_DS_LIB_ALARM_DONT_USE_SIG,
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(yes); i++)
		netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, yes[i], 1);
	(void)setenv("MIBS", "", 1); /* names are not needed */
}

void
snmp_users_new(struct snmp_users **ret)
{
	snmp_disable_log(); /* what agents do wrong is said in the detail */
	configure();
	init_snmp("yoke-monitord");
	*ret = mem_new(struct snmp_users);
}

void
snmp_users_free(struct snmp_users *u)
{
	struct keys *k;

	if (u == NULL)
		return;
	while ((k = u->keys) != NULL) {
		u->keys = k->next;
		explicit_bzero(k, sizeof(*k));
		free(k);
	}
	free(u);
}

/* ---- keys ---- */

static int
make_key(const oid *hash, size_t hash_len, const char *password, u_char *key,
    size_t *len)
{
	*len = USM_AUTH_KU_LEN;
	return generate_Ku(hash, (u_int)hash_len, (const u_char *)password,
	           strlen(password), key, len) == SNMPERR_SUCCESS
	    ? 0 : -EBADMSG;
}

static int
make_keys(const struct snmp_login *l, struct keys *k)
{
	size_t len = 0;
	const oid *hash;
	int rc;

	k->auth_type = k->priv_type = 0;
	if (l->auth[0] == '\0')
		return 0;
	k->auth_type = usm_lookup_auth_type(l->auth);
	hash = k->auth_type > 0 ? sc_get_auth_oid(k->auth_type, &len) : NULL;
	if (hash == NULL)
		return -EBADMSG;
	rc = make_key(hash, len, l->auth_password, k->auth, &k->auth_len);
	if (rc < 0 || l->privacy[0] == '\0')
		return rc;
	k->priv_type = usm_lookup_priv_type(l->privacy);
	if (k->priv_type <= 0)
		return -EBADMSG;
	return make_key(
	    hash, len, l->privacy_password, k->priv, &k->priv_len);
}

static struct keys *
find_keys(const struct snmp_users *u, const char *file)
{
	struct keys *k = u->keys;

	while (k != NULL && strcmp(k->file, file) != 0)
		k = k->next;
	return k;
}

static bool
in_use(const struct snmp_users *u, const struct keys *k)
{
	const struct snmp_user *v = u->list;

	while (v != NULL && v->keys != k)
		v = v->next;
	return v != NULL;
}

static int
read_keys(const char *file, struct keys *k)
{
	struct snmp_login login;
	char why[DETAIL_LEN];
	int rc = snmp_login_read(file, &login, why, sizeof(why));

	if (rc < 0)
		return rc == -EINVAL ? -EBADMSG : rc;
	rc = make_keys(&login, k);
	explicit_bzero(&login, sizeof(login));
	return rc;
}

/* As the file is now; while somebody uses the old keys, those. */
static int
keys_of(struct snmp_users *u, const char *file, const struct keys **ret)
{
	struct keys *k = find_keys(u, file);
	struct stat st;
	int rc;

	if (stat(file, &st) < 0)
		return -errno;
	if (k == NULL) {
		k = mem_new(struct keys);
		(void)snprintf(k->file, sizeof(k->file), "%s", file);
		k->next = u->keys;
		u->keys = k;
	} else if ((k->inode == st.st_ino &&
		       memcmp(&k->changed, &st.st_mtim,
			   sizeof(k->changed)) == 0) || in_use(u, k)) {
		*ret = k;
		return 0;
	}
	rc = read_keys(file, k);
	if (rc < 0) {
		k->inode = 0; /* to be read again */
		return rc;
	}
	k->inode = st.st_ino;
	k->changed = st.st_mtim;
	*ret = k;
	return 0;
}

/* ---- users ---- */

static struct snmp_user *
find_user(const struct snmp_users *u, const netsnmp_session *s)
{
	struct snmp_user *v = u->list;

	while (v != NULL &&
	       (v->engine_len != s->securityEngineIDLen ||
		   memcmp(v->engine, s->securityEngineID, v->engine_len) != 0 ||
		   strcmp(v->name, s->securityName) != 0))
		v = v->next;
	return v;
}

static void
tell_session(netsnmp_session *s, const struct keys *k)
{
	size_t len;
	const oid *o;

	if (k->auth_type > 0) {
		o = sc_get_auth_oid(k->auth_type, &len);
		free(s->securityAuthProto);
		s->securityAuthProto = snmp_duplicate_objid(o, len);
		s->securityAuthProtoLen = len;
		memcpy(s->securityAuthKey, k->auth, k->auth_len);
		s->securityAuthKeyLen = k->auth_len;
	}
	if (k->priv_type > 0) {
		o = sc_get_priv_oid(k->priv_type, &len);
		free(s->securityPrivProto);
		s->securityPrivProto = snmp_duplicate_objid(o, len);
		s->securityPrivProtoLen = len;
		memcpy(s->securityPrivKey, k->priv, k->priv_len);
		s->securityPrivKeyLen = k->priv_len;
	}
}

static struct snmp_user *
add_user(struct snmp_users *u, const netsnmp_session *s, const struct keys *k)
{
	struct snmp_user *v = mem_new(struct snmp_user);

	v->users = u;
	v->keys = k;
	v->engine_len = s->securityEngineIDLen;
	memcpy(v->engine, s->securityEngineID, v->engine_len);
	(void)snprintf(v->name, sizeof(v->name), "%s", s->securityName);
	v->next = u->list;
	u->list = v;
	return v;
}

int
snmp_user_of(struct snmp_users *u, const char *file, netsnmp_session *s,
    struct snmp_user **ret)
{
	const struct keys *k;
	struct snmp_user *v;
	int rc = keys_of(u, file, &k);

	if (rc < 0)
		return rc;
	if (s->securityEngineIDLen > SNMP_MAX_ENG_SIZE)
		return -EBADMSG;
	v = find_user(u, s);
	if (v != NULL && v->keys != k)
		return -EBUSY;
	tell_session(s, k);
	if (v == NULL) {
		if (usm_create_user_from_session(s) != SNMPERR_SUCCESS)
			return -EBADMSG;
		v = add_user(u, s, k);
	}
	v->refs++;
	*ret = v;
	return 0;
}

/* The library forgets it too, or an agent that is another each time would fill
 * the memory. It keeps the engines' clocks in a few lists and forgets a whole
 * one at a time: only when that disturbs nobody. */
void
snmp_user_unref(struct snmp_user *v)
{
	struct snmp_users *u;
	struct snmp_user **at;
	struct usmUser *known;

	if (v == NULL || --v->refs > 0)
		return;
	u = v->users;
	for (at = &u->list; *at != v; at = &(*at)->next)
		;
	*at = v->next;
	known = usm_get_user(v->engine, v->engine_len, v->name);
	if (known != NULL) {
		(void)usm_remove_user(known);
		(void)usm_free_user(known);
	}
	if (u->list == NULL)
		free_enginetime(v->engine, v->engine_len);
	free(v);
}
