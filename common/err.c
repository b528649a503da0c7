/*
 * err: texts for the codes of err.h, strerror for the rest.
 */
#include "common/err.h"

#include <string.h>

#define ROW(code) [(code) - ERR__FIRST]

static const char *const texts[ERR__LAST - ERR__FIRST] = {
	ROW(ERR__FIRST) = "no error of this kind",
	ROW(ERR_NO_IPVS) = "the kernel has no IPVS (try: modprobe ip_vs)",
	ROW(ERR_AUTH) = "signature does not match the pair's key",
	ROW(ERR_REPLAY) = "number already seen (replayed)",
	ROW(ERR_VERSION) = "other protocol version",
	ROW(ERR_FOREIGN) = "other instance or unknown node",
	ROW(ERR_STALE) = "older epoch or out of order",
	ROW(ERR_CONFIG) = "configuration refused",
	ROW(ERR_NOT_ACTIVE) = "this director is not the active one",
	ROW(ERR_NO_SERVICE) = "no such virtual service",
	ROW(ERR_NO_SERVER) = "no such real server in this service",
	ROW(ERR_NO_PEER) = "no standby is ready to take over",
	ROW(ERR_BUSY) = "a transition is under way",
	ROW(ERR_CORRUPT) = "stored data fails its checks",
};

const char *
err_text(int rc)
{
	int code = rc < 0 ? -rc : rc;

	if (code < ERR__FIRST)
		return strerror(code);
	if (code >= ERR__LAST)
		return "unknown error";
	return texts[code - ERR__FIRST];
}
