"""bench_report: what bench_failover.py prints."""
import os
import re
import subprocess

import bench_goals
from bench_configs import CONFIGS
from bench_faults import FAULTS, POWER
from uml import REPO

WIDTH = 79


def _git(*args):
    try:
        return subprocess.run(["git", "-C", REPO, *args], text=True,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL).stdout.strip()
    except OSError:
        return ""


def where():
    """What was measured, and on what."""
    with open("/proc/cpuinfo") as f:
        model = re.search(r"^model name\s*: (.*)$", f.read(), re.M)
    dirty = _git("status", "--porcelain", "-uno", "--", "common", "daemons",
                 "ha", "schema", "test/prober")
    return {"commit": _git("rev-parse", "--short=12", "HEAD"),
            "modified": [line[3:] for line in dirty.splitlines()],
            "machine": {"cpu": model[1] if model else os.uname().machine,
                        "cores": os.cpu_count(),
                        "kernel": os.uname().release}}


def heading(doc):
    m = doc["machine"]
    return (f"{doc['date']}, commit {doc['commit'] or '?'}"
            + (f" + {len(doc['modified'])} modified files"
               if doc["modified"] else "")
            + f"\n{m['cpu']}, {m['cores']} cores, Linux {m['kernel']}")


def run_line(r):
    e = r["established"]
    line = (f"outage {r['outage_ms']:5.0f} ms  reset {e['reset']}"
            f"  hung {e['hung']}  young {e['young_reset']}"
            f"/{e['young_total']}  stall {e['max_stall_ms']:.0f} ms")
    odd = []
    if r["failed"]["total"]:
        odd.append(f"failed {r['failed']['total']}")
    if r["overlap_ms"]:
        odd.append(f"two holders {r['overlap_ms']:.1f} ms")
    if r["other_holders"]:
        odd.append(f"held before the cut by {','.join(r['other_holders'])}")
    if len(r["spans"]) > 1:
        odd.append(f"{len(r['spans'])} outages")
    if e["bad"] or e["unfinished"]:
        odd.append(f"bad {e['bad']} unfinished {e['unfinished']}")
    return line + "".join(f"; {o}" for o in odd)


def finish(doc):
    """Adds summaries and goals to the document."""
    configs = {c.name: c for c in CONFIGS}
    doc["goals"] = []
    for rows in doc["faults"].values():
        for row in rows.values():
            row["summary"] = bench_goals.summary(row["runs"])
    doc["goals"] += bench_goals.of_power(doc["faults"].get(POWER.name, {}),
                                         configs)
    for f in FAULTS:
        doc["goals"] += bench_goals.of_fault(f, doc["faults"].get(f.name, {}),
                                             configs)
    if doc["idle"]:
        doc["goals"] += bench_goals.of_idle(doc["idle"])


# -- for people ---------------------------------------------------------

def _power_cut_table(rows, rate):
    out = [f"Power cut of the active director. Load: {rate} new connections/s; "
           "50 old ones,", "50 young ones/s, busy. Of those that were "
           "established:", "",
           f"{'':25}{'-- outage, ms --':>18}{'reset hung':>12}"
           f"{'young reset':>14}{'stall':>8}",
           f"{'configuration':25}{'median':>6}{'min..max':>12}"
           f"{'of total':>12}{'of total':>14}{'max ms':>8}"]
    for c in rows.values():
        s = c["summary"]
        if not s:
            out.append(f"{c['title']:25} no run that counts")
            continue
        o = s["outage_ms"]
        lost = f"{s['reset']} {s['hung']}/{s['total']}"
        young = f"{s['young_reset']}/{s['young_total']}"
        spread = f"{o['min']:.0f}..{o['max']:.0f}"
        out.append(f"{c['title']:25}{o['median']:6.0f}{spread:>12}"
                   f"{lost:>12}{young:>14}{s['max_stall_ms']:8.0f}")
    return out


def _r(s, key):
    """What is the same in all runs, or from .. to."""
    a, b = s[key]["min"], s[key]["max"]
    return f"{a:.0f}" if a == b else f"{a:.0f}..{b:.0f}"


def _fault_row(name, s):
    if not s:
        return f"  {name:14} no run that counts"
    old = f"{s['reset'] - s['young_reset']}/{s['hung'] - s['young_hung']}"
    young = f"{s['young_reset']}/{s['young_hung']}"
    before, stall, young_stall = (s[k]["median"] for k in bench_goals.STALLS)
    return (f"  {name:14}{_r(s, 'role_changes'):>5}"
            f"{s['outage_ms']['median']:6.0f}{_r(s, 'outage_ms'):>10}"
            f"{s['failed']:7}{old:>6}{young:>6}"
            f"{before:7.0f}{stall:5.0f}{young_stall:6.0f}"
            f"{s['overlap_ms']:5.0f}")


FAULT_HEAD = f"""
Every fault, under the same load. Failed requests and connections reset/hung are
those of all runs. A stall is the median of the runs' longest: before the fault,
and from it on by the connection's age (young: < 0.5 s). Two: the longest that
both held the VIP.

{'':16}{'role':>5}{'- outage, ms -':>16}{'failed':>7}{'reset/hung':>12}\
{'--- stall, ms ---':>18}{'two':>5}
{'':16}{'chg':>5}{'median':>7}{'min..max':>9}{'':7}{'old':>6}{'young':>6}\
{'before':>7}{'old':>5}{'young':>6}{'ms':>5}"""


def _fault_table(faults):
    out = FAULT_HEAD.split("\n")
    for f in FAULTS:
        rows = faults.get(f.name)
        if rows:
            out.append(f.title)
            out += [_fault_row(n, row["summary"]) for n, row in rows.items()]
    return out


def _detection_table(configs):
    rows = [(c["title"], c["summary"]) for c in configs.values()
            if c["summary"] and "silence_ms" in c["summary"]]
    if not rows:
        return []
    out = ["", "Where the time goes, ms (yoked's own account; an outage is "
           "shorter than the", "silence by the age of the last beat, longer by "
           "up to 2 ms of the prober's):", "",
           f"{'':25}{'--- silence ---':>18}{'- table, VIPs, ARP -':>24}",
           f"{'configuration':25}{'median':>8}{'worst':>10}{'median':>13}"
           f"{'worst':>11}"]
    for title, s in rows:
        out.append(f"{title:25}{s['silence_ms']['median']:8.1f}"
                   f"{s['silence_ms']['max']:10.1f}"
                   f"{s['own_ms']['median']:13.1f}{s['own_ms']['max']:11.1f}")
    return out


def _idle_table(idle):
    out = ["", "Idle, 6 servers checked every second. CPU in % of a core:",
           "",
           f"{'':25}{'RSS, MB':>9}{'yoked':>9}{'all beats':>12}"
           f"{'whole machine':>16}"]
    for interval, by_role in idle["yoke"].items():
        for role, c in by_role.items():
            beats = (f"{c['beats_percent']:.2f}"
                     if c["beats_percent"] is not None else "-")
            name = f"{interval} beats, {role}"
            out.append(f"{name:25}{c['rss_kb']['yoked'] / 1024:9.1f}"
                       f"{c['yoked_percent']:9.2f}{beats:>12}"
                       f"{c['machine_percent']:16.2f}")
    for name, percent in idle["others_percent"].items():
        out.append(f"{name:25}{'':9}{'':9}{'':12}{percent:16.2f}")
    rss = idle["yoke"]["20ms"]["active"]["rss_kb"]
    out += ["", "Other daemons, RSS in MB: " + ", ".join(
        f"{d} {kb / 1024:.1f}" for d, kb in rss.items() if d != "yoked")]
    return out


def _repeated(faults):
    out = []
    for name, rows in faults.items():
        for config, row in rows.items():
            like = {}
            for why in row["spoilt"]:
                first = why.splitlines()[0]
                like.setdefault(re.sub(r"\d+", "N", first), []).append(first)
            out += [f"  {len(w)} x {name}, {config}: {max(w, key=len)}"[:WIDTH]
                    for w in like.values()]
    return ["", "Repeated, not counted"] + out if out else []


def _goal_line(g):
    return (f"  {'met' if g['held'] else 'MISSED':7}{g['goal']}: {g['got']} "
            f"(goal {g['want']})")


def text(doc):
    faults = doc["faults"]
    out = ["", heading(doc), ""]
    if POWER.name in faults:
        out += _power_cut_table(faults[POWER.name], doc["rate"])
        out += _detection_table(faults[POWER.name])
    if faults.keys() - {POWER.name}:
        out += _fault_table(faults)
    if doc["idle"]:
        out += _idle_table(doc["idle"])
    if doc["goals"]:
        out += ["", "Goals"] + [_goal_line(g) for g in doc["goals"]]
    out += _repeated(faults)
    out.append("")
    return "\n".join(out)
