/*
 * err: what can go wrong beyond errno. Functions return 0 or a negative code:
 * -errno, or one of these (below -1000). Text comes from err_text().
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

enum err {
	ERR__FIRST = 1000,
	ERR_NO_IPVS,     /* kernel has no ip_vs */
	ERR_AUTH,        /* signature does not match the pair's key */
	ERR_REPLAY,      /* beat number seen before */
	ERR_VERSION,     /* speaks another protocol version */
	ERR_FOREIGN,     /* other instance or unknown node */
	ERR_STALE,       /* of an older epoch, or out of order */
	ERR_CONFIG,      /* see struct conf_err */
	ERR_NOT_ACTIVE,  /* only the active director can do this */
	ERR_NO_SERVICE,
	ERR_NO_SERVER,
	ERR_NO_PEER,     /* no standby that could take over */
	ERR_BUSY,        /* a transition is under way */
	ERR_CORRUPT,     /* stored data fails its checks */
	ERR__LAST
};

/* Never NULL; rc is negative as returned (positive is accepted). */
const char *err_text(int rc);

#endif
