/*
 * snmp_value: see snmp_value.h. Lengths are the library's word for what the
 * agent sent: they are looked at before what they are lengths of.
 */
#include <net-snmp/net-snmp-config.h>
/* the library's headers come in this order */
#include <net-snmp/net-snmp-includes.h>

#include "daemons/monitord/snmp_value.h"

#include <stdio.h>

static void
take_text(const netsnmp_variable_list *v, struct snmp_value *ret)
{
	size_t i, n = v->val_len < SNMP_TEXT_MAX ? v->val_len
	                                         : SNMP_TEXT_MAX - 1;

	ret->kind = SNMP_TEXT;
	for (i = 0; i < n; i++)
		ret->text[i] = v->val.string[i] >= ' ' &&
		    v->val.string[i] < 127 ? (char)v->val.string[i] : '?';
	ret->text[n] = '\0';
}

static void
take_oid(const netsnmp_variable_list *v, struct snmp_value *ret)
{
	size_t i, at = 0, n = v->val_len / sizeof(oid);

	ret->kind = SNMP_TEXT;
	ret->text[0] = '\0';
	for (i = 0; i < n && at < SNMP_TEXT_MAX - 12; i++)
		at += (size_t)snprintf(ret->text + at, SNMP_TEXT_MAX - at,
		    "%s%lu", i > 0 ? "." : "",
		    (unsigned long)v->val.objid[i] & UINT32_MAX);
}

static void
take_address(const netsnmp_variable_list *v, struct snmp_value *ret)
{
	const unsigned char *b = v->val.string;

	ret->kind = v->val_len == 4 ? SNMP_TEXT : SNMP_ABSENT;
	if (v->val_len == 4)
		(void)snprintf(ret->text, sizeof(ret->text), "%u.%u.%u.%u",
		    b[0], b[1], b[2], b[3]);
}

void
snmp_value_take(const netsnmp_variable_list *v, struct snmp_value *ret)
{
	size_t i;

	ret->kind = SNMP_ABSENT;
	ret->oid_len = 0;
	if (v->name_length > SNMP_OID_MAX)
		return;
	for (i = 0; i < v->name_length; i++)
		ret->oid[i] = (uint32_t)v->name[i];
	ret->oid_len = v->name_length;
	switch (v->type) {
	case ASN_INTEGER:
		ret->kind = SNMP_NUMBER;
		ret->number = *v->val.integer;
		break;
	case ASN_COUNTER:
	case ASN_GAUGE:
	case ASN_TIMETICKS:
		ret->kind = SNMP_COUNT;
		ret->count = (unsigned long)*v->val.integer & UINT32_MAX;
		break;
	case ASN_COUNTER64:
		ret->kind = SNMP_COUNT;
		ret->count = (v->val.counter64->high & UINT32_MAX) << 32 |
		    (v->val.counter64->low & UINT32_MAX);
		break;
	case ASN_OCTET_STR:
		take_text(v, ret);
		break;
	case ASN_OBJECT_ID:
		take_oid(v, ret);
		break;
	case ASN_IPADDRESS:
		take_address(v, ret);
		break;
	default:
		break; /* noSuchObject and its like */
	}
}
