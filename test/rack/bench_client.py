"""bench_client: one run in numbers: what the prober and the watches saw.

prober_late_ms: the longest time around the cut in which the prober started no
connection, beyond the 2 ms between two. An outage is measured no finer.
"""
import csv

AROUND_MS = (-50, 50)   # before the cut, after the end of the outage
NO_OUTAGE_MS = 200      # looked at when nothing failed
INTERVAL_MS = 2
CLOCKS_US = 20000       # a machine's clock beside the host's, at most

KEPT = ("total", "kept", "reset", "hung", "bad", "unfinished", "max_stall_ms",
        "stall_before_ms", "old_stall_ms", "young_stall_ms",
        "young_total", "young_reset", "young_hung", "reset_ages_ms")


def starts(path):
    """[(ms, outcome)] of every attempt, in order."""
    with open(path) as f:
        return [(float(row["t_ms"]), row["outcome"])
                for row in csv.DictReader(f)]


def late(report, attempts):
    mark = report["mark_ms"]
    a = mark + AROUND_MS[0]
    b = mark + (report["outage_from_mark_ms"] or NO_OUTAGE_MS) + AROUND_MS[1]
    times = [t for t, _ in attempts if a <= t <= b]
    if len(times) < 2:
        return b - a
    gaps = [y - x for x, y in zip(times, times[1:])]
    return max(0, max(gaps) - INTERVAL_MS)


def client_view(report, csv_path):
    attempts = starts(csv_path)
    e = report["established"]
    return {
        "outage_ms": report["outage_ms"],
        "outage_from_mark_ms": report["outage_from_mark_ms"],
        "outage_min_ms": report["outage_min_ms"],
        "outage_max_ms": report["outage_max_ms"],
        "spans": [{**s, "at_ms": s["at_ms"] - report["mark_ms"]}
                  for s in report["spans"]],
        "attempts": report["attempts"], "failed": report["failed"],
        "local_errors": report["local_errors"],
        "established": {k: e[k] for k in KEPT},
        "servers": report["servers"], "late_ticks": report["late_ticks"],
        "prober_late_ms": late(report, attempts),
    }


def moves(segments, at):
    """How often, from then on, somebody began to hold the VIP."""
    later = [set(s["holders"]) for s in segments if s["to"] > at - CLOCKS_US]
    return sum(len(b - a) for a, b in zip(later, later[1:]))


def vip_view(held, active, standby, cut):
    """overlap: both held the VIP; vip_ms: from the cut until the standby
    alone did, by the standby's clock, which may be some ms off; other_holders:
    before the cut, who held it but the active; moves: see there."""
    at = cut.realtime * 1e6
    taken = [s["from"] for s in held["segments"]
             if s["holders"] == [standby] and s["from"] >= at]
    odd = {n for s in held["segments"] if s["from"] < at - CLOCKS_US
           for n in s["holders"] if n != active}
    return {"overlap_ms": held["overlap_ms"],
            "vip_ms": (taken[0] - at) / 1000 if taken else None,
            "moves": moves(held["segments"], at),
            "answered_after": ",".join(held["at_end"]),
            "other_holders": sorted(odd)}
