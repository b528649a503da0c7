/*
 * dns_talk: one question to a name server and what its answer means (RFC 1035).
 * Pure.
 */
#ifndef MONITORD_DNS_TALK_H
#define MONITORD_DNS_TALK_H

#include <stddef.h>
#include <stdint.h>

#include "daemons/monitord/check.h"

#define DNS_QUESTION_MAX 512

/* Address of name, or the SOA of ".". Bytes in buf; 0: it is no name. */
size_t dns_question(
    const char *name, uint16_t id, char *buf, size_t len);

/* VERDICT_NONE: not the answer to the question with this id. */
enum verdict dns_answer(
    const char *reply, size_t n, uint16_t id, char detail[DETAIL_LEN]);

#endif
