/*
 * path: which implementation a configured path has.
 */
#include "ha/path.h"

int
path_open(struct loop *l, const struct conf_path *own,
    const struct conf_path *peer, unsigned index, path_fn fn, void *arg,
    struct path **ret)
{
	static const path_open_fn by_type[PATH__TYPES] = {
		[PATH_UDP] = path_udp_open,
		[PATH_SERIAL] = path_serial_open,
	};

	return by_type[own->type](l, own, peer, index, fn, arg, ret);
}
