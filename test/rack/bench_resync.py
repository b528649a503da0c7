#!/usr/bin/python3
"""bench_resync: a standby joins an active director with many connections.

    bench_resync.py [--runs N] [--conns N] [--json FILE] [--strict]

Each run: a pair, the standby's power is cut, connections are put into the
active's kernel (connload; a tenth of them IPv6) and a client's load runs
through it. The standby comes back: how long until it has all connections, what
the load and the beats noticed, whether the sets are equal, one by one. Then the
active's power is cut: what became of the load, and of the set.
"""
import argparse
import datetime
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench_noise                                          # noqa: E402
import bench_report                                         # noqa: E402
from pair import BIN, Pair                                  # noqa: E402
from rack import Rack, RunError, wait_for                   # noqa: E402
from traffic import Traffic                                 # noqa: E402

GOAL_S = 5
LOOKS = 4               # at a director's list, for connections not seen in it
SPARE_S = 5             # a timer with less than this left may be over


def inject(rack, node, n, first=0, share6=10):
    """Puts n connections into a director's own kernel by its backup thread;
    one in share6 of IPv6."""
    peer = {"d1": 12, "d2": 11}[node]
    six = n // share6
    for vip, servers, count in ((rack.VIP, rack.RS, n - six),
                                (rack.VIP6, rack.RS6, six)):
        rack.run(node, f"{BIN}/connload add eth0 {peer} {vip} 80 {count} "
                 f"{first} 3 {' '.join(servers.values())}", timeout=60)


def look(rack, node, name):
    """The injected connections that a director's kernel lists: {connection:
    (state, when it ends if nothing comes, on this machine's clock)}."""
    path = f"{rack.dir}/{node}/{name}"
    rack.run(node, f"{BIN}/connload list {path}", timeout=120)
    now, out = time.monotonic(), {}
    with open(path) as f:
        for line in f:
            who, _, rest = line.rstrip("\n").partition("\t")
            state, left = rest.split()
            if " 10.0." in who or " [fd77:9:" in who:
                out[who] = state, now + int(left)
    return out


def listed(rack, node, name):
    return set(look(rack, node, name))


def missing(rack, node, name, want):
    """Of want, what is not there. /proc is read in pieces, and each piece
    begins at so many connections from the start: one that ends meanwhile
    (a load's, of a minute ago) shifts the others, and one of them is not
    seen. So who is not seen is looked for again. Whose time was up is not
    missed, which is said, though."""
    left, first, looks = set(want), None, 0
    while left and looks < LOOKS:
        left -= look(rack, node, name).keys()
        looks += 1
        first = len(left) if first is None else first
    now = time.monotonic()
    over = {c for c in left if want[c][1] < now + SPARE_S}
    return {"lost": len(left - over), "expired": len(over), "looks": looks,
            "unseen_at_first": first or 0,
            "states": sorted({want[c][0] for c in left - over})}


def beats_of(status):
    return {"late_max_ms": status["beats"]["late_max_us"] / 1000,
            "gap_max_ms": max(p["gap_max_ms"] for p in status["paths"]),
            "sleeps": status["beats"]["sleeps"]}


def gently(fn, deadline_s, what):
    """Like wait_for, but a question costs a machine 15 ms: few of them."""
    def slow():
        time.sleep(0.2)
        return fn()
    return wait_for(slow, deadline_s, what)


def busy_s(rack, node):
    """CPU time that the machine has used, from outside."""
    with open(f"/proc/{rack.machines[node].proc.pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def join(rack, pair, active, standby):
    """The standby comes back; what it took, as a dict."""
    rack.boot(standby)
    rack.start_corosync(standby)
    before = beats_of(pair.status(active))
    pair.start_node(standby)
    gently(lambda: pair.status(active)["peer"]["in_step"], 30,
           "the standby in step")
    start = time.monotonic()
    cpu = {n: busy_s(rack, n) for n in rack.NODES}
    idle = {n: bench_noise.waited_ms(rack, n) for n in rack.NODES}
    gently(lambda: pair.status(active)["sync"]["full"], 60, "full standby")
    took = time.monotonic() - start
    cpu = {n: round((busy_s(rack, n) - cpu[n]) / took, 2) for n in rack.NODES}
    mine, its = pair.status(active), pair.status(standby)
    return {"in_step_to_full_s": round(took, 2),
            "asked_to_full_s": its["sync"]["resync_ms"] / 1000,
            "sent_in_s": mine["sync"]["resync_ms"] / 1000,
            "sent": mine["sync"]["resync_connections"],
            "again": its["sync"]["resync_again"], "cpu": cpu,
            "waited_ms": {n: bench_noise.waited_ms(rack, n) - idle[n]
                          for n in rack.NODES},
            "other_racks": bench_noise.other_racks(rack),
            "role_changes": len(its["transitions"]) - 1,
            "active_beats": {"before": before, "after": beats_of(mine)},
            "standby_beats": beats_of(its)}


def run(conns):
    with Rack(mem="512M", rt=bench_noise.DIRECTORS) as rack:
        pair = Pair(rack, scheduler="rr")
        pair.start()
        active, standby = pair.wait_settled()
        rack.power_cut(standby)
        inject(rack, active, conns)
        time.sleep(1)
        with Traffic(rack, rate=200, established=50, young_rate=20) as t:
            t.wait_ready()
            r = join(rack, pair, active, standby)
        r["load"] = client(t.report)
        r["transitions"] = {n: [f"{x['from']} {x['to']} {x['why']}" for x in
                                pair.status(n)["transitions"]]
                            for n in rack.NODES}
        want = look(rack, active, "before")
        r["active_has"] = len(want)
        r["joined"] = missing(rack, standby, "joined", want)
        with Traffic(rack, rate=200, established=50, young_rate=20) as t:
            t.wait_ready()
            time.sleep(1)
            t.mark()
            rack.power_cut(active)
            wait_for(lambda: rack.fetch() in rack.RS, 15, "service")
            time.sleep(2)
        r["cut"] = client(t.report) | {"outage_ms": t.report["outage_ms"]}
        r["survived"] = missing(rack, standby, "cut", want)
        return r


def client(report):
    e = report["established"]
    return {"attempts": report["attempts"],
            "failed": report["failed"]["total"],
            "late": report["failed"]["late"],
            "reset": e["reset"], "hung": e["hung"], "kept": e["total"],
            "max_stall_ms": e["max_stall_ms"]}


def row(r):
    return (f"{r['sent']:8} {r['asked_to_full_s']:7.2f} s "
            f"{r['in_step_to_full_s']:7.2f} s {r['again']:6} "
            f"{r['joined']['lost']:8} {r['survived']['lost']:8}   "
            f"{r['load']['failed']}/{r['load']['attempts']:<6} "
            f"{r['load']['reset']}/{r['load']['hung']}/{r['load']['kept']:<5} "
            f"{r['active_beats']['after']['late_max_ms']:6.1f} "
            f"{r['active_beats']['after']['gap_max_ms']:6} "
            f"{r['cut']['reset']}/{r['cut']['hung']}/{r['cut']['kept']}")


HEAD = """\
                                         -- missing --   -- load while joining --  beats, ms     power cut
    sent  asked-full  in step-full  again   joined  cut later  failed   reset/hung   late    gap  reset/hung"""


def lost(r, what):
    m = r[what]
    text = f"{m['lost']} of {r['active_has']}"
    if m["expired"]:
        text += f", {m['expired']} had run out"
    if m["looks"] > 1:
        text += (f"; {m['unseen_at_first']} not seen in the first list, "
                 f"{m['looks']} looks")
    return m["lost"] == 0, text


def verdicts(r):
    """[(held, what, figure)]"""
    load, cut = r["load"], r["cut"]
    return [
        (r["asked_to_full_s"] < GOAL_S, f"asked to full in < {GOAL_S} s",
         f"{r['asked_to_full_s']:.2f} s; CPU "
         + ", ".join(f"{n} {100 * v:.0f} %" for n, v in r["cpu"].items())),
        (load["reset"] + load["hung"] == 0 and
         load["failed"] <= load["late"], "traffic undisturbed meanwhile",
         f"{load['failed']} of {load['attempts']} failed, {load['reset']} "
         f"reset, {load['hung']} hung of {load['kept']}"),
        (r["role_changes"] == 0, "no role changes meanwhile",
         f"beats late by {r['active_beats']['after']['late_max_ms']:.1f} ms "
         f"at most"),
        (*lost(r, "joined")[:1], "none missing when it has joined",
         lost(r, "joined")[1]),
        (*lost(r, "survived")[:1], "a power cut loses none of them",
         lost(r, "survived")[1]),
        (cut["reset"] + cut["hung"] == 0, "nor of the client's at that cut",
         f"{cut['reset']} reset, {cut['hung']} hung of {cut['kept']}"),
    ]


def held(r):
    return all(v[0] for v in verdicts(r))


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--conns", type=int, default=100000)
    p.add_argument("--json", default="build/bench-resync.json")
    p.add_argument("--strict", action="store_true",
                   help="exit 1 when a goal is not held")
    args = p.parse_args()
    doc = {"what": "a standby joins an active with many connections",
           "date": datetime.datetime.now().astimezone().isoformat(
               "T", "seconds"),
           "conns": args.conns, **bench_report.where(), "runs": [],
           "failed": []}
    print(HEAD, flush=True)
    for _ in range(args.runs):
        try:
            doc["runs"].append(run(args.conns))
            print(row(doc["runs"][-1]), flush=True)
            for ok, what, figure in verdicts(doc["runs"][-1]):
                print(f"  {'held    ' if ok else 'not held'} {what}: {figure}",
                      flush=True)
        except (RunError, OSError, RuntimeError, TimeoutError) as e:
            doc["failed"].append(f"{type(e).__name__}: {e}"[:2000])
            print(f"  failed: {doc['failed'][-1]}", flush=True)
    if doc["runs"]:
        doc["median_s"] = statistics.median(
            r["asked_to_full_s"] for r in doc["runs"])
        print(f"median {doc['median_s']:.2f} s, goal {GOAL_S} s; goals held "
              f"in {sum(map(held, doc['runs']))} of {args.runs} runs")
    os.makedirs(os.path.dirname(args.json) or ".", exist_ok=True)
    with open(args.json, "w") as f:
        json.dump(doc, f, indent=1)
        f.write("\n")
    print(f"written to {args.json}")
    if doc["failed"]:
        return 1
    return 0 if all(map(held, doc["runs"])) or not args.strict else 1


if __name__ == "__main__":
    sys.exit(main())
