"""bench_idle: what yoke costs when nothing happens.

A director cannot measure this itself: its scheduler counts in ticks of 10 ms, and
yoked wakes up on ticks, so /proc/PID/schedstat there says 0 % or 40 % of
the same thing. The host counts nanoseconds:

yoked    the host process that is yoked's user mode, with the cost of entering
         system calls there (about what yoked needs in all on a real kernel)
beats    how much less the whole machine uses with beats every 1 s: the kernel's
         part on both ends too, at User Mode Linux's price
machine  all of it: yoke, corosync, the kernel, its timer ticks
"""
import os
import re
import time

import bench_noise
from bench_configs import CONFIGS, start_pair
from rack import Rack, wait_for
from uml import group_members

INTERVALS = ("20ms", "10ms")
BASE = "1s"
MEASURE_S, SETTLE_S = 10, 1.0


def _cpu_ns(rack, node):
    """{host pid: ns on CPU} of a machine's processes."""
    out = {}
    for pid in group_members(rack.machines[node].proc.pid):
        try:
            out[pid] = sum(
                int(open(f"/proc/{pid}/task/{tid}/schedstat").read()
                    .split()[0]) for tid in os.listdir(f"/proc/{pid}/task"))
        except OSError:
            pass                        # ended meanwhile
    return out


def _percent(rack, seconds=MEASURE_S):
    """{node: {host pid: % of a core}}, over some idle seconds."""
    time.sleep(SETTLE_S)                # what the last command left to do
    before = {n: _cpu_ns(rack, n) for n in rack.NODES}
    start = time.monotonic()
    time.sleep(seconds)
    after = {n: _cpu_ns(rack, n) for n in rack.NODES}
    ns = (time.monotonic() - start) * 1e9
    return {n: {pid: 100 * (t - before[n].get(pid, 0)) / ns
                for pid, t in after[n].items()} for n in rack.NODES}


def _whole(percent):
    return {n: sum(p.values()) for n, p in percent.items()}


def _rss(pair, node):
    """{daemon: kB}"""
    out = {}
    for (n, name), pid in pair.pids.items():
        if n == node:
            text = pair.rack.run(node, f"cat /proc/{pid}/status")
            out[name] = int(re.search(r"VmRSS:\s*(\d+) kB", text)[1])
    return out


def _set_interval(pair, interval):
    us = {"1s": 1000000, "20ms": 20000, "10ms": 10000}[interval]
    pair.set["interval"] = interval
    for node in pair.rack.NODES:
        pair.configure(node)
        pair.yoke(node, "reload")
    wait_for(lambda: all(
        pair.status(n)["beats"]["interval_us"] == us
        for n in pair.rack.NODES), 10, f"beats every {interval}")
    pair.wait_settled()


def _yoked_of(fast, slow):
    """The host process that is yoked: its use follows the beats most."""
    return {n: max((p for p in fast[n] if p in slow[n] and
                    p != min(fast[n])),
                   key=lambda p: fast[n][p] - slow[n][p]) for n in fast}


def _terms(pair):
    return {n: pair.status(n)["epoch"] for n in pair.rack.NODES}


def _undisturbed(pair):
    """_percent() of a time without a change of roles; the third is final."""
    for _ in range(3):
        before = _terms(pair)
        used = _percent(pair.rack)
        if _terms(pair) == before:
            break
        say("again: the roles changed meanwhile")
        pair.wait_settled()
    return used


def _measure_yoke():
    with Rack(rt=bench_noise.DIRECTORS) as rack:
        pair = start_pair(rack, interval=INTERVALS[0])
        pair.wait_settled()
        used, rss, roles = {}, {}, {}
        for interval in (*INTERVALS, BASE):
            if used:
                _set_interval(pair, interval)
            used[interval] = _undisturbed(pair)
            rss[interval] = {n: _rss(pair, n) for n in rack.NODES}
            roles[interval] = dict(zip(("active", "standby"),
                                       pair.wait_settled()))
            say(f"yoke, {interval} beats: whole machines "
                + _words(_whole(used[interval])))
    yoked = _yoked_of(used[INTERVALS[-1]], used[BASE])
    whole = {interval: _whole(u) for interval, u in used.items()}
    return {interval: {role: {
        "node": n,
        "rss_kb": rss[interval][n],
        "yoked_percent": used[interval][n][yoked[n]],
        "beats_percent": whole[interval][n] - whole[BASE][roles[BASE][role]]
        if interval != BASE else None,
        "machine_percent": whole[interval][n]}
        for role, n in roles[interval].items()} for interval in used}


def _measure_others():
    """Whole machines that run nothing, or keepalived at its fastest."""
    out = {}
    with Rack(rt=bench_noise.DIRECTORS) as rack:
        out["empty machine"] = _whole(_percent(rack, 5))["d1"]
        config = next(c for c in CONFIGS if c.name == "ka-10-mh")
        side = config.start(rack)
        nodes = side.settle()
        used = _whole(_percent(rack, 5))
        for role, node in zip(("active", "standby"), nodes):
            out[f"keepalived 10 ms, {role}"] = used[node]
    return out


def _words(by_node):
    return ", ".join(f"{n} {v:.1f} %" for n, v in by_node.items())


def say(text):
    print(f"  idle        {text}", flush=True)


def measure():
    return {"yoke": _measure_yoke(), "others_percent": _measure_others(),
            "seconds": MEASURE_S}
