"""bench_goals: the rows of bench_failover.py in a few numbers, held against what
was wanted. A goal that is missed is a finding, not an error."""
import statistics

# -- summaries ----------------------------------------------------------

COUNTS = ("total", "kept", "reset", "hung", "bad", "unfinished",
          "young_total", "young_reset", "young_hung")
STALLS = ("stall_before_ms", "old_stall_ms", "young_stall_ms")


def _spread(values):
    return {"median": statistics.median(values), "min": min(values),
            "max": max(values)}


def role_changes(r):
    """By the managers' own terms, or by who held the VIP."""
    return max(r["moves"], r.get("terms") or 0)


def summary(runs):
    """Over the runs of one row; None without runs."""
    if not runs:
        return None
    established = [r["established"] for r in runs]
    out = {"runs": len(runs),
           "outage_ms": _spread([r["outage_ms"] for r in runs]),
           "from_mark_ms": _spread([r["outage_from_mark_ms"] or 0
                                    for r in runs]),
           "max_stall_ms": max(e["max_stall_ms"] for e in established),
           "overlap_ms": max(r["overlap_ms"] for r in runs),
           "role_changes": _spread([role_changes(r) for r in runs]),
           "failed": sum(r["failed"]["total"] for r in runs),
           "attempts": sum(r["attempts"] for r in runs),
           "prober_late_ms": max(r["prober_late_ms"] for r in runs),
           "load_average": max(r["load_average"] for r in runs),
           "extra_outages": sum(len(r["spans"]) > 1 for r in runs)}
    out |= {k: sum(e[k] for e in established) for k in COUNTS}
    out |= {k: _spread([e[k] for e in established]) for k in STALLS}
    for key in ("silence_ms", "own_ms"):
        values = [r[key] for r in runs if r.get(key) is not None]
        if values:
            out[key] = _spread(values)
    return out


# -- goals --------------------------------------------------------------

RSS_MB = 20
CPU_PERCENT = {"20ms": 1.0, "10ms": 2.0}
STALL_MS = 10
OVERLAP_MS = 100        # no kernel hangs, so nobody waits for a lease


def _goal(what, want, got, held):
    return {"goal": what, "want": want, "got": got, "held": bool(held)}


def _lost(what, s):
    lost = s["reset"] + s["hung"]
    young = s["young_reset"] + s["young_hung"]
    return _goal(f"{what}: reset/hung", "0", f"{lost} of {s['total']}"
                 + (f", {young} young" if lost else ""), lost == 0)


def _power_goals(config, row, peer):
    """peer: the keepalived beside it: its summary, or None."""
    s, title = row["summary"], config.name
    median = s["outage_ms"]["median"]
    out = [_goal(f"{title}: median outage", f"<= {config.outage_ms} ms",
                 f"{median:.0f} ms", median <= config.outage_ms)]
    if peer:
        best = peer["outage_ms"]["median"]
        out.append(_goal(f"{title}: beside keepalived",
                         f"<= its {best:.0f} ms", f"{median:.0f} ms",
                         median <= best))
    return out + [_lost(title, s),
                  _goal(f"{title}: two holders", "0 ms",
                        f"{s['overlap_ms']:.1f} ms", s["overlap_ms"] == 0)]


def _moves(what, s):
    n = s["role_changes"]["max"]
    return _goal(f"{what}: changes of role", "0", f"{n} in a run", n == 0)


def _failed(what, s):
    return _goal(f"{what}: failed requests", "0",
                 f"{s['failed']} of {s['attempts']}", s["failed"] == 0)


def _stall(what, s):
    """The longest wait of a run, as against a quiet second before."""
    worst = [max(s[k]["median"], 0) for k in STALLS]
    got = max(worst[1:])
    return _goal(f"{what}: stall", f"<= {STALL_MS} ms",
                 f"{got:.0f} ms, before {worst[0]:.0f}", got <= STALL_MS)


def _overlap(what, s):
    return _goal(f"{what}: two holders", f"<= {OVERLAP_MS} ms",
                 f"{s['overlap_ms']:.0f} ms", s["overlap_ms"] <= OVERLAP_MS)


# The names that rows of bench_faults.FAULTS use.
FAULT_GOALS = {"moves": _moves, "failed": _failed, "lost": _lost,
               "stall": _stall, "overlap": _overlap}


def of_power(rows, configs):
    """rows: {config's name: row}; configs: {name: Config}."""
    out = []
    for name, row in rows.items():
        config = configs[name]
        if row["summary"] and config.outage_ms:
            peer = rows.get(config.peer, {}).get("summary")
            out += _power_goals(config, row, peer)
    return out


def of_fault(fault, rows, configs):
    out = []
    for name, row in rows.items():
        if row["summary"] and configs[name].outage_ms:
            out += [FAULT_GOALS[g](f"{fault.name}, {name}", row["summary"])
                    for g in fault.goals]
    return out


def of_idle(idle):
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
