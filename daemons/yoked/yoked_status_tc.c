/*
 * yoked_status_tc: why the interval between snapshots is what it is.
 */
#include "common/out.h"
#include "daemons/yoked/yoked.h"

#define NEVER_MS 1000000000000000 /* see struct store_auto */

void
yoked_status_tc(const struct yoked *y, struct out *o)
{
	const struct store_auto *a = &y->store_state.tc;

	out_object(o, "auto");
	out_bool(o, "enabled", y->conf->checkpoint_interval == 0);
	out_usec(o, "cost_us", a->cost_us);
	out_num(o, "replay_ns", a->replay_ns);
	out_str(o, "replay_from", a->loaded ? "load" : "write");
	out_num(o, "rate_hour", a->rate_hour);
	out_ms(o, "mtbf_ms", a->mtbf_s * USEC_S);
	out_str(o, "mtbf_from", a->failures > 0 ? "history" : "configured");
	out_num(o, "failures", a->failures);
	out_num(o, "young_ms", a->young_ms);
	out_num(o, "daly_ms", a->daly_ms);
	if (a->optimum_ms < NEVER_MS)
		out_num(o, "optimum_ms", a->optimum_ms);
	else
		out_null(o, "optimum_ms");
	out_num(o, "chosen_ms", a->chosen_ms);
	out_str(o, "bound", tc_bound_name(a->bound));
	out_close(o);
}
