#!/usr/bin/python3
"""demo: cut the active director's power under load; report what clients saw.

    demo.py [--json build/demo.json]

Raises a rack (two directors, three web servers, a client), starts yoke on both
directors, changes weights by hand, runs traffic through the VIP, kills the
active machine, and prints what happened. Everything is torn down at the end.
"""
import argparse
import json
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from traffic import Traffic, Watch                          # noqa: E402

WEIGHTS = (("rs1", 37), ("rs2", 5))
BEFORE_S, AFTER_S = 2.0, 3.0


class Progress:
    """One line per step, with how long it took."""

    def __init__(self):
        self.start = time.monotonic()

    def __call__(self, text):
        now = time.monotonic() - self.start
        print(f"  {now:5.1f} s  {text}", flush=True)


def weights(status):
    return {s["name"]: {v["name"]: v["weight"] for v in s["servers"]}
            for s in status["services"]}


def causes(status):
    return {s["name"]: {v["name"]: v["source"] for v in s["servers"]}
            for s in status["services"]}


def takeover(status):
    """The transition in which the survivor took over."""
    for t in status["transitions"]:
        if t["to"] == "taking-over":
            return t
    raise RuntimeError("no takeover in the survivor's history")


def run(say):
    with Rack() as rack:
        say("rack is up: 2 directors, 3 web servers, 1 client")
        watch = Watch(rack)
        pair = Pair(rack, interval="20ms", scheduler="mh")
        pair.start()
        active, standby = pair.wait_settled()
        say(f"yoke is up: {active} active, {standby} standby and in step")
        for node in rack.NODES:
            watch.start(node)
        for rs, weight in WEIGHTS:
            pair.yoke(active, f"server weight web {rs} {weight}")
        pair.yoke(active, "server drain web6 rs3")
        say("weights changed by hand, one server drained")
        with Traffic(rack, established=50) as t:
            t.wait_ready()
            time.sleep(BEFORE_S)        # traffic to look at, not a wait
            before = pair.status(active)
            kernel_before = pair.kernel(active)
            say(f"traffic runs; cutting the power of {active} NOW")
            t.mark()
            cut = rack.power_cut(active)
            watch.killed(active, cut)
            wait_for(lambda: rack.fetch() in rack.RS, 10, "service")
            say("service is back; traffic goes on")
            time.sleep(AFTER_S)
            after = pair.status(standby)
            kernel_after = pair.kernel(standby)
        held = watch.holders()
        report = t.report
        say("done; taking the rack down")
    took = takeover(after)
    return {
        "outage_ms": report["outage_ms"],
        "established": {k: report["established"][k]
                        for k in ("total", "kept", "reset", "hung",
                                  "max_stall_ms")},
        "new_connections": {"attempts": report["attempts"],
                            "failed": report["failed"]["total"]},
        "active_before": active, "active_after": standby,
        "epoch_before": before["epoch"], "epoch_after": after["epoch"],
        "weights_before": weights(before), "weights_after": weights(after),
        "sources_before": causes(before), "sources_after": causes(after),
        "kernel_tables_equal": kernel_before == kernel_after,
        "restored_from": after["restored"],
        "checkpoint_before": {k: before["checkpoint"][k] for k in
                              ("file", "seq", "lag_changes", "snapshot_seq")},
        "timeline_ms": {
            "silence": took["silence_us"] / 1000,
            **{s["name"]: s["us"] / 1000 for s in took["steps"]}},
        "why": took["text"],
        "two_holders_ms": held["overlap_ms"],
    }


def table(r):
    out = [f"  {'service':9} {'server':7} {'before':>8} {'after':>8}   why"]
    for svc, rows in r["weights_before"].items():
        for rs, w in rows.items():
            after = r["weights_after"].get(svc, {}).get(rs, "-")
            out.append(f"  {svc:9} {rs:7} {w:>8} {after:>8}   "
                       f"{r['sources_after'].get(svc, {}).get(rs, '')}")
    return out


def restored(r):
    f = r["restored_from"]
    if f["from"] == "checkpoint":
        return (f"{os.path.basename(f['file'])}: snapshot at change "
                f"{f['snapshot_seq']} + {f['changes']} changes replayed, "
                f"{f['took_us'] / 1000:.1f} ms")
    return (f"the standby's own {f['from']}: term {f['epoch']}, change "
            f"{f['seq']},\n    {f['changes']} changes since its snapshot")


def stored(r):
    c = r["checkpoint_before"]
    return (f"{os.path.basename(c['file'])}, change {c['seq']}, "
            f"{c['lag_changes']} behind")


def text(r):
    e, line = r["established"], r["timeline_ms"]
    steps = "  ".join(f"{k} {v:.1f}" for k, v in line.items())
    return "\n".join([
        "", "What happened",
        f"  {r['active_before']} was active (term {r['epoch_before']}) and "
        f"lost its power under load;",
        f"  {r['active_after']} took over (term {r['epoch_after']}): "
        f"{r['why']}.",
        "", "What clients saw",
        f"  new connections        {r['new_connections']['attempts']} tried, "
        f"{r['new_connections']['failed']} failed; "
        f"outage {r['outage_ms']:.0f} ms",
        f"  established            {e['kept']} kept, {e['reset']} reset, "
        f"{e['hung']} hung; longest stall {e['max_stall_ms']:.0f} ms",
        f"  two holders of the VIP {r['two_holders_ms']:.1f} ms",
        "", "The scheduling table", *table(r),
        f"  kernel's tables before and after: "
        f"{'equal' if r['kernel_tables_equal'] else 'DIFFERENT'}",
        f"  restored from {restored(r)}",
        f"  on storage: {stored(r)}",
        "", "The takeover's own timeline, ms", f"  {steps}", ""])


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--json", default="build/demo.json")
    args = p.parse_args()
    r = run(Progress())
    print(text(r))
    os.makedirs(os.path.dirname(args.json) or ".", exist_ok=True)
    with open(args.json, "w") as f:
        json.dump(r, f, indent=1)
    print(f"written to {args.json}")
    ok = (r["weights_before"] == r["weights_after"] and
          r["kernel_tables_equal"] and r["established"]["hung"] == 0)
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
