#!/usr/bin/env python3
"""Who held a VIP when, from the logs vipwatch wrote on each director.

    holders.py --addr 10.0.0.100 --log d1=FILE --log d2=FILE
               [--kill d1=USEC ...] [--from USEC] [--to USEC] [--json]

A director holds the address while it is on any of its devices. A machine that
lost its power writes nothing more: give the time (CLOCK_REALTIME, in
microseconds) with --kill, and its addresses count as gone from then on. A new
"start" line without a kill before it means the same for the time of the last line
before it. As a module: holders(logs, kills, addr, t0, t1) returns a dict.
"""
import argparse
import ipaddress
import json
import sys

GRID_US = 5000


def read_log(source):
    """[(usec, word, addr, dev)] of a path or a list of lines; a line torn by a
    power cut is left out."""
    if isinstance(source, str):
        with open(source, encoding="ascii", errors="replace") as f:
            source = f.readlines()
    out = []
    for line in source:
        part = line.split()
        if len(part) < 2 or not part[0].isdigit() or not line.endswith("\n"):
            continue
        if part[1] in ("add", "del") and len(part) == 4:
            out.append((int(part[0]), part[1], part[2], part[3]))
        elif part[1] in ("start", "alive"):
            out.append((int(part[0]), part[1], "", ""))
    return out


def held_intervals(events, kills, addr):
    """[(from, to)] in which one director held addr; to None: still does."""
    want = ipaddress.ip_address(addr)
    merged = sorted(events + [(t, "kill", "", "") for t in kills],
                    key=lambda e: e[0])
    devs, since, out, before = set(), None, [], None
    for t, word, a, dev in merged:
        end = t
        if word in ("add", "del"):
            if ipaddress.ip_address(a) == want:
                (devs.add if word == "add" else devs.discard)(dev)
        elif word == "kill":
            devs.clear()
        elif word == "start":
            devs.clear()
            end = before if before is not None else t
        if devs and since is None:
            since = t
        elif not devs and since is not None:
            out.append((since, end))
            since = None
        before = t
    if since is not None:
        out.append((since, None))
    return out


def segments(spans, t0, t1):
    """The time from t0 to t1 cut where the set of holders changes."""
    cuts = {t0, t1}
    for intervals in spans.values():
        for a, b in intervals:
            cuts.update(c for c in (a, b) if c is not None and t0 < c < t1)
    cuts = sorted(cuts)
    out = []
    for a, b in zip(cuts, cuts[1:]):
        who = sorted(n for n, iv in spans.items()
                     if any(x <= a and (y is None or y > a) for x, y in iv))
        if out and out[-1]["holders"] == who:
            out[-1]["to"] = b
        else:
            out.append({"from": a, "to": b, "holders": who})
    return out


def longest(segs, wanted):
    """Longest and total time (ms) of neighbouring segments that are wanted."""
    best = run = total = 0
    for s in segs:
        length = s["to"] - s["from"]
        run = run + length if wanted(len(s["holders"])) else 0
        total += length if run else 0
        best = max(best, run)
    return best / 1000, total / 1000


def on_grid(segs, t0, t1):
    """The same as seen by one who looks every 5 ms."""
    worst = {"overlap": 0, "gap": 0}
    count = {"overlap": 0, "gap": 0}
    run = dict(worst)
    i = points = 0
    for t in range(t0, t1, GRID_US):
        while t >= segs[i]["to"]:
            i += 1
        n = len(segs[i]["holders"])
        points += 1
        for kind, hit in (("overlap", n > 1), ("gap", n == 0)):
            run[kind] = run[kind] + 1 if hit else 0
            count[kind] += hit
            worst[kind] = max(worst[kind], run[kind])
    step = GRID_US / 1000
    return {"step_ms": step, "points": points,
            "longest_overlap_ms": worst["overlap"] * step,
            "longest_gap_ms": worst["gap"] * step,
            "overlap_points": count["overlap"], "gap_points": count["gap"]}


def holders(logs, kills, addr, t0=None, t1=None):
    """logs: {name: path or lines}; kills: {name: [usec]} or [(name, usec)];
    t0, t1: usec, default from the first to the last line of all logs."""
    if not isinstance(kills, dict):
        pairs, kills = kills or [], {}
        for name, t in pairs:
            kills.setdefault(name, []).append(t)
    events = {n: read_log(src) for n, src in logs.items()}
    times = [e[0] for ev in events.values() for e in ev]
    if not times and (t0 is None or t1 is None):
        raise ValueError("the logs are empty: give t0 and t1")
    t0 = min(times) if t0 is None else t0
    t1 = max(times) if t1 is None else t1
    if t1 <= t0:
        raise ValueError("t1 must be after t0")
    spans = {n: held_intervals(ev, kills.get(n, []), addr)
             for n, ev in events.items()}
    segs = segments(spans, t0, t1)
    overlap, overlap_all = longest(segs, lambda n: n > 1)
    gap, gap_all = longest(segs, lambda n: n == 0)
    return {"addr": addr, "t0": t0, "t1": t1, "segments": segs,
            "longest_overlap_ms": overlap, "overlap_ms": overlap_all,
            "longest_gap_ms": gap, "gap_ms": gap_all,
            "at_end": segs[-1]["holders"], "grid": on_grid(segs, t0, t1)}


def named(text):
    name, eq, value = text.partition("=")
    if not (name and eq and value):
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name, value


def main():
    p = argparse.ArgumentParser(description="who held a VIP when")
    p.add_argument("--addr", required=True)
    p.add_argument("--log", type=named, action="append", required=True)
    p.add_argument("--kill", type=named, action="append", default=[])
    p.add_argument("--from", dest="t0", type=int)
    p.add_argument("--to", dest="t1", type=int)
    p.add_argument("--json", action="store_true", help="no table")
    o = p.parse_args()
    try:
        r = holders(dict(o.log), [(n, int(t)) for n, t in o.kill], o.addr,
                    o.t0, o.t1)
    except (OSError, ValueError) as e:
        p.exit(2, f"holders.py: {e}\n")
    if not o.json:
        print(f"{'from ms':>12} {'for ms':>12}  holders of {o.addr}")
        for s in r["segments"]:
            print(f"{(s['from'] - r['t0']) / 1000:12.3f} "
                  f"{(s['to'] - s['from']) / 1000:12.3f}  "
                  f"{' '.join(s['holders']) or '-'}")
    print(json.dumps(r))


if __name__ == "__main__":
    sys.exit(main())
