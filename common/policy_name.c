/*
 * policy_name: names of policies and metrics, for those who need no more, as
 * yoke-agentd.
 */
#include "common/policy.h"

static const char *const types[POLICY__TYPES] = {
	[POLICY_FIXED] = "fixed",
	[POLICY_RESPONSE] = "response-time",
	[POLICY_LOAD] = "load",
	[POLICY_BOTH] = "both",
};

static const char *const metrics[LOAD__METRICS] = {
	[LOAD_CPU] = "cpu",
	[LOAD_MEMORY] = "memory",
	[LOAD_NETWORK] = "network",
	[LOAD_DISK] = "disk",
	[LOAD_RUN] = "load",
	[LOAD_PRESSURE] = "pressure",
	[LOAD_HITS] = "hits",
	[LOAD_ERRORS] = "errors",
};

const char *
policy_name(unsigned type)
{
	return type < POLICY__TYPES ? types[type] : "?";
}

const char *
load_metric_name(unsigned which)
{
	return which < LOAD__METRICS ? metrics[which] : "?";
}
