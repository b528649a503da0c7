#!/usr/bin/python3
"""The benches' arithmetic and tables, on runs made up here: no rack, no root."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench_client                                         # noqa: E402
import bench_goals                                          # noqa: E402
import bench_ill                                            # noqa: E402
import bench_memory                                         # noqa: E402
import bench_memory_report                                  # noqa: E402
import bench_noise                                          # noqa: E402
import bench_report                                         # noqa: E402
from bench_configs import CONFIGS                           # noqa: E402
from bench_failover import choose                           # noqa: E402
from bench_faults import FAULTS                             # noqa: E402
from tap import T                                           # noqa: E402
from uml import Cut                                         # noqa: E402

t = T()
SEC = 1000000


def segments(*rows):
    return [{"from": a * SEC, "to": b * SEC, "holders": list(who)}
            for a, b, who in rows]


def a_run(outage=0.0, lost=0, young=0, moves=0, overlap=0.0, stall=4.0,
          failed=0, **more):
    e = {k: 0 for k in bench_client.KEPT}
    e |= {"total": 240, "kept": 240 - lost, "reset": lost,
          "young_reset": young, "young_total": 25, "max_stall_ms": stall,
          "stall_before_ms": 3.0, "old_stall_ms": stall,
          "young_stall_ms": 2.0}
    return {"outage_ms": outage, "outage_from_mark_ms": outage or None,
            "overlap_ms": overlap, "moves": moves, "attempts": 2000,
            "failed": {"total": failed}, "prober_late_ms": 0.5,
            "load_average": 1.0, "spans": [], "established": e,
            "other_holders": [], "waited_ms": {"cut": {"d2": 1.0},
                                               "load": {"d1": 5.0}},
            "window_s": {"cut": 0.2, "load": 1.0}, **more}


def document(runs_of):
    """Every row there can be; runs_of(fault, config): its runs."""
    faults = {f.name: {c.name: {"title": c.title, "settings": c.settings,
                                "runs": runs_of(f, c), "spoilt": ["late 3"]}
                       for c in CONFIGS if f.on(c)} for f in FAULTS}
    return {"date": "D", "commit": "C", "modified": [], "rate": 100000,
            "machine": {"cpu": "X", "cores": 2, "kernel": "6"},
            "faults": faults, "idle": None}


def finished(runs_of):
    doc = document(runs_of)
    bench_report.finish(doc)
    return doc


def goals(doc, held):
    return [g["goal"] for g in doc["goals"] if g["held"] == held]


with t.part("who held the VIP"):
    at = Cut(5, 5)
    held = {"segments": segments((0, 5, ["d1"]), (5, 6, ["d1", "d2"]),
                                 (6, 9, ["d2"])),
            "overlap_ms": 1000.0, "at_end": ["d2"]}
    v = bench_client.vip_view(held, "d1", "d2", at)
    t.is_((v["moves"], v["other_holders"]), (1, []), "one takes over: one")
    t.is_(bench_client.moves(segments((0, 9, ["d1"])), 5 * SEC), 0,
          "nothing moves: none")
    back = segments((0, 5, ["d1"]), (5, 6, []), (6, 7, ["d2"]),
                    (7, 9, ["d1"]))
    t.is_(bench_client.moves(back, 5 * SEC), 2, "there and back: two")
    t.is_(bench_client.moves(back, 6.5 * SEC), 1, "only those after the fault")
    odd = {**held, "segments": segments((0, 1, ["d1"]), (1, 2, ["d2"]),
                                        (2, 9, ["d1"]))}
    t.is_(bench_client.vip_view(odd, "d1", "d2", at)["other_holders"], ["d2"],
          "the standby held it before the cut: seen")

with t.part("summaries and goals"):
    runs = [a_run(outage=o, moves=1, terms=1) for o in (20.0, 30.0, 90.0)]
    s = bench_goals.summary(runs)
    t.is_((s["outage_ms"]["median"], s["role_changes"]["max"]), (30.0, 1),
          "the median, and changes of role")
    t.is_(bench_goals.summary([a_run(moves=0, terms=2)])["role_changes"]["max"],
          2, "a term without a move of the VIP counts too")
    t.is_(bench_goals.summary([]), None, "no runs: no summary")
    well = finished(lambda f, c: [a_run(moves=f.moves)] * 3)
    t.is_(goals(well, False), [], "nothing lost: every goal is met")
    bad = finished(lambda f, c: [a_run(
        outage=5000.0 if c.outage_ms else 20.0, lost=2, young=1, moves=3,
        overlap=1200.0, stall=300.0, failed=7)] * 3)
    t.is_(goals(bad, True), [], "all lost: every goal is missed")
    n = sum(len(f.goals) for f in FAULTS for c in CONFIGS
            if f.on(c) and c.outage_ms)
    t.ok(len(goals(bad, False)) > n > 20, "a goal per row and wish", n)
    none = finished(lambda f, c: [])
    t.is_(none["goals"], [], "rows without a run have none")

with t.part("tables"):
    for what, doc in (("well", well), ("bad", bad), ("none", none)):
        wide = [x for x in bench_report.text(doc).splitlines()
                if len(x) > 80]
        t.is_(wide, [], f"{what}: 80 columns at most")
    text = bench_report.text(none)
    t.is_(text.count("no run that counts"),
          sum(f.on(c) for f in FAULTS for c in CONFIGS) +
          len(CONFIGS), "a row without a run says so")

with t.part("what counts, and what is run"):
    t.is_(bench_noise.spoilt(a_run()), None, "a quiet run counts")
    t.is_(bench_noise.spoilt(a_run(
        waited_ms={"cut": {"d2": 90.0}, "load": {}},
        window_s={"cut": 1.3, "load": 1.0})), None,
        "a longer time may have more of it")
    t.is_(bench_noise.waited_since({1: 5.0, 2: 100.0}, {1: 7.0, 3: 1.0}), 3.0,
          "a process that was killed does not hide what the rest waited")
    for why, r in (("prober", a_run(prober_late_ms=20.0)),
                   ("VIP", a_run(other_holders=["d2"])),
                   ("CPU", a_run(waited_ms={"cut": {"d2": 200.0},
                                            "load": {}}))):
        t.ok(why in (bench_noise.spoilt(r) or ""), f"noise is seen: {why}")
    table, idle = choose(None, None)
    full = [c.name for c, faults in table.items() if len(faults) > 1]
    t.is_((idle, len(table), full),
          (True, len(CONFIGS), ["yoke-10-rr", "yoke-10-line", "yoke-line",
                                "ka-10-rr"]),
          "the power cut on all, the rest on one of each side, the line's own")
    table, idle = choose("switch,nic", "ka,yoke-mh")
    t.is_({c.name: [f.name for f in faults] for c, faults in table.items()},
          {"yoke-mh": ["switch", "nic"], "ka": ["switch", "nic"]},
          "--only and --config choose")
    t.ok(not idle, "then nothing is measured idle")

ANSWERS = [(0.5, 10, "well", "rs1"), (1.5, 10, "well", "rs3"),
           (1.6, 30, "ill", "rs3"), (2.5, 10, "refused", "-")]
STEPS = [{"clients": n, "rate": 10.0 * n, "killed": n, "lost": 1,
          "turned_away": 2, "least_left": [0.5, 0.1 / n], "left": []}
         for n in (1, 2)]

with t.part("weights"):
    t.is_(bench_memory.rates(ANSWERS, 1, 3), 0.5, "answers a second: good ones")
    t.is_(bench_ill.asked(ANSWERS, 1, 3),
          {"requests_percent": 66.7, "failed_percent": 66.7, "mean_ms": 17},
          "the ill one's part, failures, mean time")
    t.is_(bench_memory_report.text({"a": {"yoke": STEPS}})[-1].split(),
          ["yoke", "10.0", "20.0", "3", "2", "4", "50", "5"],
          "P3: rates by clients, sums, the least memory left")

sys.exit(t.done())
