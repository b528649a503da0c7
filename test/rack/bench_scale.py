#!/usr/bin/python3
"""bench_scale: 1 000 services with 10 real servers each: what the pair takes for
it, and whether a beat is ever late because of it.

usage: bench_scale.py [--services N] [--runs N] [--json FILE]"""
import argparse
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402

VIPS = 10
SERVERS = 10
TB_MS = 20


class BigPair(Pair):
    """services x SERVERS behind VIPS addresses; nobody answers there, and no
    check asks: it is the table that counts."""

    def __init__(self, rack, services, **options):
        self.n = services
        super().__init__(rack, interval=f"{TB_MS}ms", **options)

    def services(self, changed=0):
        out = []
        for i in range(VIPS):
            out.append(f"vip 10.80.0.{i + 1}/32 {{ device = eth0 }}")
        for s in range(self.n):
            rows = "".join(
                f"\tserver s{k} {{ address = 10.90.{s // 25}.{s % 25 * 10 + k + 1}"
                f"  weight = {20 if s * SERVERS + k < changed else 10} }}\n"
                for k in range(SERVERS))
            out.append(f"service svc{s} {{ address = 10.80.0.{s % VIPS + 1}\n"
                       f"\tport = {1000 + s // VIPS}  scheduler = wlc\n{rows}}}")
        return "\n".join(out)


def rss_mb(rack, node, pid):
    text = rack.run(node, f"grep VmRSS /proc/{pid}/status")
    return int(text.split()[1]) / 1024


def beats(pair, node):
    b = pair.status(node)["beats"]
    return b


def timed(fn):
    start = time.monotonic()
    fn()
    return (time.monotonic() - start) * 1000


def reload_ms(rack, pair, node, changed):
    rack.put(node, "/etc/yoke/yoke.conf",
             pair.conf(services=pair.services(changed)))
    ms = timed(lambda: pair.yoke(node, "reload", timeout=30))
    return ms


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--services", type=int, default=1000)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--json", default="build/bench-scale.json")
    a = p.parse_args()
    out = {"servers": a.services * SERVERS}
    with Rack(mem="512M") as rack:
        pair = BigPair(rack, a.services)
        start = time.monotonic()
        pair.start()
        active, standby = pair.wait_settled(120)
        out["settled_s"] = round(time.monotonic() - start, 1)
        print("settled", out["settled_s"], flush=True)
        for n in (active, standby):
            b = beats(pair, n)
            print(n, {k: b[k] for k in b if "late" in k or "sleep" in k
                      or "gap" in k}, flush=True)
        print("ipvs", {k: v for k, v in pair.status(active)["ipvs"].items()
                       if not isinstance(v, list)}, flush=True)
        out["rss_yoked_mb"] = rss_mb(rack, active, pair.pids[active, "yoked"])
        out["rss_checkpointd_mb"] = rss_mb(
            rack, active, pair.pids[active, "yoke-checkpointd"])
        out["reload_same_ms"] = statistics.median(
            reload_ms(rack, pair, active, 0) for _ in range(a.runs))
        out["reload_1000_ms"] = statistics.median(
            reload_ms(rack, pair, active, 1000 * (i % 2 == 0))
            for i in range(a.runs))
        out["status_ms"] = timed(lambda: pair.yoke(
            active, "status --json >/dev/null", timeout=30))
        wait_for(pair.settled, 60, "settled")
        for n in (active, standby):
            b = beats(pair, n)
            print(n, {k: b[k] for k in b if "late" in k or "sleep" in k
                      or "gap" in k}, flush=True)
        rack.power_cut(active)
        pair.wait_role(standby, "active", 10)
        t = pair.status(standby)["transitions"]
        print([(x["to"], x["silence_us"], x["total_us"], x["steps"])
               for x in t[:2]])
    print(json.dumps(out, indent=1))
    os.makedirs("build", exist_ok=True)
    with open(a.json, "w") as f:
        json.dump(out, f)


main()
