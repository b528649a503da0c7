/*
 * lvs_op: what the kernel's answer to one operation means. Shared by the
 * netlink port and by its twin in test/fake.
 */
#ifndef HA_LVS_OP_H
#define HA_LVS_OP_H

#include "ha/lvs.h"

/* Deleting what is not there is done. */
bool lvs_op_ok(enum lvs_verb verb, int rc);

/* The verb to try instead after rc: add what a set misses, set what an add
 * finds. LVS__VERBS: none, it is a failure. */
enum lvs_verb lvs_op_instead(enum lvs_verb verb, int rc);

#endif
