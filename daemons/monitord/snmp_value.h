/*
 * snmp_value: a variable as the SNMP library has read it off the wire, as what
 * snmp_reply.c judges.
 */
#ifndef MONITORD_SNMP_VALUE_H
#define MONITORD_SNMP_VALUE_H

#include "daemons/monitord/snmp_reply.h"

struct variable_list;

void snmp_value_take(
    const struct variable_list *v, struct snmp_value *ret); /* fills it */

#endif
