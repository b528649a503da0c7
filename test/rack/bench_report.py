"""bench_report: summaries, goals and the table of bench_failover.py."""
import os
import re
import statistics
import subprocess

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
    if r["overlap_ms"]:
        odd.append(f"two holders {r['overlap_ms']:.1f} ms")
    if r["other_holders"]:
        odd.append(f"held before the cut by {','.join(r['other_holders'])}")
    if len(r["spans"]) > 1:
        odd.append(f"{len(r['spans'])} outages")
    if e["bad"] or e["unfinished"]:
        odd.append(f"bad {e['bad']} unfinished {e['unfinished']}")
    return line + "".join(f"; {o}" for o in odd)


# -- summaries ----------------------------------------------------------

def _spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def summary(runs):
    """Over the runs of one configuration; None without runs."""
    if not runs:
        return None

    def total(key):
        return sum(r["established"][key] for r in runs)

    out = {"runs": len(runs),
           "outage_ms": _spread([r["outage_ms"] for r in runs]),
           "from_mark_ms": _spread([r["outage_from_mark_ms"] for r in runs]),
           "max_stall_ms": max(r["established"]["max_stall_ms"]
                               for r in runs),
           "overlap_ms": max(r["overlap_ms"] for r in runs),
           "prober_late_ms": max(r["prober_late_ms"] for r in runs),
           "load_average": max(r["load_average"] for r in runs),
           "extra_outages": sum(len(r["spans"]) > 1 for r in runs)}
    out |= {k: total(k) for k in ("total", "kept", "reset", "hung", "bad",
                                  "unfinished", "young_total", "young_reset",
                                  "young_hung")}
    for key in ("silence_ms", "own_ms"):
        values = [r[key] for r in runs if r.get(key) is not None]
        if values:
            out[key] = _spread(values)
    return out


# -- goals --------------------------------------------------------------

MEDIAN_MS = {"yoke-10-mh": 60, "yoke-10-rr": 60, "yoke-mh": 110,
             "yoke-rr": 110}
AIM_MS = {"yoke-10-mh": 39, "yoke-10-rr": 39, "yoke-mh": 100, "yoke-rr": 100}
YOUNG_PERCENT = 5
RSS_MB = 20
CPU_PERCENT = {"20ms": 1.0, "10ms": 2.0}


def _goal(what, want, got, held):
    return {"goal": what, "want": want, "got": got, "held": bool(held)}


def _config_goals(config, s):
    median = s["outage_ms"]["median"]
    out = [_goal(f"{config['title']}: median outage",
                 f"<= {MEDIAN_MS[config['name']]} ms "
                 f"(aim {AIM_MS[config['name']]})", f"{median:.0f} ms",
                 median <= MEDIAN_MS[config["name"]])]
    lost = s["reset"] + s["hung"]
    if config["settings"]["scheduler"] == "mh":
        out.append(_goal(f"{config['title']}: reset or hung", "0",
                         f"{lost} of {s['total']}", lost == 0))
    else:
        young = s["young_reset"] + s["young_hung"]
        share = 100 * young / max(1, s["young_total"])
        out.append(_goal(f"{config['title']}: young ones lost",
                         f"<= {YOUNG_PERCENT} %",
                         f"{share:.1f} % ({young} of {s['young_total']})",
                         share <= YOUNG_PERCENT))
        old = lost - young
        out.append(_goal(f"{config['title']}: others lost", "0",
                         f"{old} of {s['total'] - s['young_total']}",
                         old == 0))
    out.append(_goal(f"{config['title']}: two holders", "0 ms",
                     f"{s['overlap_ms']:.1f} ms", s["overlap_ms"] == 0))
    return out


def _idle_goals(idle):
    out = []
    for interval, limit in CPU_PERCENT.items():
        for role in ("active", "standby"):
            cost = idle["yoke"][interval][role]
            cpu = cost["yoked_percent"]
            out.append(_goal(f"yoked idle, {interval} beats, {role}: CPU",
                             f"< {limit:.0f} %", f"{cpu:.2f} %",
                             cpu < limit))
    rss = max(cost["rss_kb"]["yoked"] for by_role in idle["yoke"].values()
              for cost in by_role.values()) / 1024
    out.append(_goal("yoked idle: RSS", f"< {RSS_MB} MB", f"{rss:.1f} MB",
                     rss < RSS_MB))
    return out


def finish(doc):
    """Adds summaries and goals to the document."""
    doc["goals"] = []
    for name, c in doc["configs"].items():
        c["summary"] = summary(c["runs"])
        if c["summary"] and name in MEDIAN_MS:
            doc["goals"] += _config_goals({"name": name, **c}, c["summary"])
    if doc["idle"]:
        doc["goals"] += _idle_goals(doc["idle"])


# -- for people ---------------------------------------------------------

def _power_cut_table(configs):
    out = ["Power cut of the active director. Load: 500 new connections/s; 50 "
           "old ones,", "50 young ones/s, busy. Of those that were "
           "established:", "",
           f"{'':25}{'-- outage, ms --':>18}{'reset hung':>12}"
           f"{'young reset':>14}{'stall':>8}",
           f"{'configuration':25}{'median':>6}{'min..max':>12}"
           f"{'of total':>12}{'of total':>14}{'max ms':>8}"]
    for c in configs.values():
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


def _repeated(configs):
    out = []
    for c in configs.values():
        like = {}
        for why in c["spoilt"]:
            first = why.splitlines()[0]
            like.setdefault(re.sub(r"\d+", "N", first), []).append(first)
        out += [f"  {len(w)} x {c['title']}: {max(w, key=len)}"[:WIDTH]
                for w in like.values()]
    return ["", "Repeated, not counted"] + out if out else []


def text(doc):
    out = ["", heading(doc), ""]
    if doc["configs"]:
        out += _power_cut_table(doc["configs"])
        out += _detection_table(doc["configs"])
    if doc["idle"]:
        out += _idle_table(doc["idle"])
    if doc["goals"]:
        out += ["", "Goals"]
    for g in doc["goals"]:
        out.append(f"  {'held' if g['held'] else 'NOT held':9}"
                   f"{g['goal']}: {g['got']} (goal {g['want']})")
    out += _repeated(doc["configs"])
    out.append("")
    return "\n".join(out)
