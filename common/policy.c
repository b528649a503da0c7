/*
 * policy: single keys by the rows that the configuration is read with, so that
 * a record holds what a file would.
 */
#include "common/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/conf_impl.h"
#include "common/mem.h"

void
policy_defaults(struct policy *ret)
{
	struct conf_section_view v = conf_section(SEC_policy);
	char why[128];
	size_t i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < v.n_keys; i++)
		(void)conf_value_parse(
		    &v.keys[i], v.keys[i].dflt, ret, why, sizeof(why));
}

int
policy_set(
    struct policy *p, const char *key, const char *value, char *why, size_t len)
{
	struct conf_section_view v = conf_section(SEC_policy);
	size_t i;

	for (i = 0; i < v.n_keys; i++)
		if (strcmp(v.keys[i].key, key) == 0)
			return conf_value_parse(
			    &v.keys[i], value, p, why, len);
	(void)snprintf(why, len, "a policy has no key \"%s\"", key);
	return -EINVAL;
}

void
policy_keys(const struct policy *p, policy_key_fn fn, void *arg)
{
	struct conf_section_view v = conf_section(SEC_policy);
	char text[2 * POLICY_FILE_LEN];
	size_t i;
	FILE *f;

	for (i = 0; i < v.n_keys; i++) {
		/* names of files are nobody's business later */
		if (v.keys[i].type == VALUE_FILENAME)
			continue;
		memset(text, 0, sizeof(text));
		f = fmemopen(text, sizeof(text) - 1, "w");
		if (f == NULL)
			return;
		conf_value_print(&v.keys[i], p, f);
		(void)fclose(f);
		fn(v.keys[i].key, text, arg);
	}
}
