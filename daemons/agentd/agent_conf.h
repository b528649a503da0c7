/*
 * agent_conf: /etc/yoke/agentd.conf: a line `key = value` for each key, # for
 * comments. The keys are rows in agent_conf.c; yoke-agentd(8) explains them.
 */
#ifndef AGENTD_CONF_H
#define AGENTD_CONF_H

#include "daemons/agentd/judge.h"

#define AGENT_TEXT_LEN 256
#define AGENT_TOKEN_LEN 129

struct agent_conf {
	char listen[AGENT_TEXT_LEN];      /* HTTP; "address:port" */
	char text_listen[AGENT_TEXT_LEN]; /* HAProxy's agent-check; "": none */
	char token_file[AGENT_TEXT_LEN], token[AGENT_TOKEN_LEN];
	char certificate[AGENT_TEXT_LEN], private_key[AGENT_TEXT_LEN];
	char client_ca[AGENT_TEXT_LEN];
	char interface[AGENT_TEXT_LEN], cgroup[AGENT_TEXT_LEN];
	char hits_log[AGENT_TEXT_LEN], hits_url[AGENT_TEXT_LEN];
	usec_t interval;
	unsigned network_speed, hits_max;
	struct judge_conf judge;
	char *certificate_pem, *key_pem, *client_ca_pem; /* NULL: not given */
};

/* 0; -EINVAL and err: "FILE:LINE: KEY: what is wrong". Secrets that others can
 * read are refused. A file that is not there is an error too. Caller
 * agent_conf_done()s, also after an error. */
int agent_conf_load(
    const char *file, struct agent_conf *ret, char *err, size_t len);
void agent_conf_done(struct agent_conf *c);

#endif
