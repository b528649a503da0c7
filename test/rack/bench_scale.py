#!/usr/bin/python3
"""bench_scale: 1 000 services with 10 real servers each: what the pair takes for
it, whether a beat is ever late because of it, and keepalived with the same.

usage: bench_scale.py [--services N] [--runs N] [--json FILE]"""
import argparse
import json
import os
import re
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, f"{HERE}/../bench"]
from metronome import Metronome                             # noqa: E402
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


def show_beats(pair, what):
    """How late our own beats were so far; the machine's pauses are in it."""
    for n in pair.rack.NODES:
        s = pair.status(n)
        if s:
            print(f"{what}: {n} late_max_us={s['beats']['late_max_us']} "
                  f"sleeps={s['beats']['sleeps']} "
                  f"alarms={[x['text'] for x in s['alarms']]}", flush=True)


def timed(fn):
    start = time.monotonic()
    fn()
    return (time.monotonic() - start) * 1000


def wait_idle(rack, pair, node):
    """Until yoke's helpers there have read the file of the last reload, which
    takes each of them as long as yoked: an operator does not reload again
    within the second, and one CPU would do both."""
    stat = " ".join(f"/proc/{pair.pids[node, name]}/stat" for name in
                    ("yoke-monitord", "yoke-checkpointd", "yoke-syncd"))

    def ticks():
        return sum(sum(map(int, line.rpartition(")")[2].split()[11:13]))
                   for line in rack.run(node, f"cat {stat}").splitlines())
    was = [ticks()]

    def idle():
        time.sleep(0.3)                 # a look's own distance, not a wait
        was.append(ticks())
        return was[-1] - was[-2] <= 3   # of 30
    wait_for(idle, 30, f"the helpers on {node} are idle")


def reload_ms(rack, pair, node, changed):
    wait_idle(rack, pair, node)
    rack.put(node, "/etc/yoke/yoke.conf",
             pair.conf(services=pair.services(changed)))
    ms = timed(lambda: pair.yoke(node, "reload", timeout=30))
    return ms


# Looked at from within: a question to the machine takes longer than a change.
WAIT_KERNEL = """\
start=$(date +%s%N); {what}
while [ $(grep -c "Route   {weight} " /proc/net/ip_vs) != {count} ]; do :; done
echo $((($(date +%s%N) - start) / 1000))"""


def until_kernel(rack, node, what, weight, count):
    """ms until the kernel has so many servers of that weight."""
    return int(rack.run(node, WAIT_KERNEL.format(
        what=what, weight=weight, count=count), timeout=60).split()[-1]) / 1000


def program_ms(rack, pair, node):
    """ms for all services and servers into a kernel that never had any, in a
    machine that forgets it afterwards: deleted servers stay in the kernel's
    trash for two minutes, and each one that is added is looked for in there."""
    out = rack.run(node, f"modprobe -d /run ip_vs_wlc; "
                   f"{pair.bin}/bench_ipvs {pair.n} 1", timeout=30)
    print(out, end="", flush=True)
    rack.power_cut(node)
    rack.boot(node)
    return float(re.search(r"operations ([0-9.]+) ms;", out)[1])


KEEPALIVED = "/etc/keepalived/keepalived.conf"
BUSY = """\
ticks() { cat $(ls -d /proc/[0-9]*/stat | xargs grep -l keepalived) |
	awk '{ n += $14 + $15 } END { print n }'; }
was=$(ticks); pkill -HUP -o -x keepalived; sleep 3; echo $(($(ticks) - was))"""


class Keepalived:
    """keepalived with the same services, servers and weights, no checks; VRRP
    on one address."""

    def __init__(self, rack, node, n):
        self.rack, self.node, self.n = rack, node, n

    def conf(self, changed):
        out = ["global_defs { router_id x }\nvrrp_instance V { state MASTER\n"
               "interface eth0\nvirtual_router_id 51\npriority 200\n"
               "virtual_ipaddress { 10.80.0.1/32 dev eth0\n}\n}"]
        for s in range(self.n):
            rows = "".join(
                f"\treal_server 10.90.{s // 25}.{s % 25 * 10 + k + 1} "
                f"{1000 + s // VIPS} {{\n\t\tweight "
                f"{20 if s * SERVERS + k < changed else 10}\n\t}}\n"
                for k in range(SERVERS))
            out.append(f"virtual_server 10.80.0.{s % VIPS + 1} "
                       f"{1000 + s // VIPS} {{\n\tlvs_sched wlc\n\tlvs_method "
                       f"DR\n\tprotocol TCP\n{rows}}}")
        return "\n".join(out) + "\n"

    def put(self, changed):
        self.rack.run(self.node, "mkdir -p /etc/keepalived")
        self.rack.put(self.node, KEEPALIVED, self.conf(changed))

    def measure(self, out):
        run = self.rack.run
        run(self.node, "pkill -KILL yoke; sleep 0.2; ipvsadm -C", check=False)
        self.put(0)
        out["keepalived_start_ms"] = until_kernel(
            self.rack, self.node, "setsid keepalived --dont-fork "
            "--log-console >/dev/null 2>&1 </dev/null &", 10, self.n * SERVERS)
        self.put(1000)
        out["keepalived_reload_1000_ms"] = until_kernel(
            self.rack, self.node, "pkill -HUP -o -x keepalived", 20, 1000)
        out["keepalived_reload_same_cpu_ms"] = 10 * int(
            run(self.node, BUSY, timeout=20).split()[-1])


# ms; of the median where there are several
GOALS = (("program_ms", 500, "all servers into an empty IPVS"),
         ("reload_same_ms", 300, "reload, nothing changed"),
         ("reload_1000_ms", 1000, "reload, 1000 servers changed"))


def show_goals(out):
    for key, goal, what in GOALS:
        got = out[key]
        got = statistics.median(got) if isinstance(got, list) else got
        print(f"{'held  ' if got < goal else 'MISSED'} {what}: {got:.0f} ms "
              f"(goal {goal})")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--services", type=int, default=1000)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--json", default="build/bench-scale.json")
    a = p.parse_args()
    out = {"servers": a.services * SERVERS}
    with Rack(mem="512M") as rack, Metronome() as machine:
        pair = BigPair(rack, a.services)
        out["program_ms"] = [program_ms(rack, pair, n) for n in rack.NODES]
        start = time.monotonic()
        pair.start()
        active, standby = pair.wait_settled(120)
        out["settled_s"] = round(time.monotonic() - start, 1)
        print("settled", out["settled_s"], flush=True)
        show_beats(pair, "settled")
        print("ipvs", {k: v for k, v in pair.status(active)["ipvs"].items()
                       if not isinstance(v, list)}, flush=True)
        out["rss_yoked_mb"] = rss_mb(rack, active, pair.pids[active, "yoked"])
        out["rss_checkpointd_mb"] = rss_mb(
            rack, active, pair.pids[active, "yoke-checkpointd"])
        # The first ones touch memory that is new to yoked, and a page that is
        # costs User Mode Linux 70 us: told, and not in the median.
        out["reload_first_ms"] = [round(reload_ms(rack, pair, active, 0))
                                  for _ in range(2)]
        print("reload, the first two:", *out["reload_first_ms"], "ms")
        out["reload_same_ms"] = statistics.median(
            reload_ms(rack, pair, active, 0) for _ in range(a.runs))
        out["reload_1000_ms"] = statistics.median(
            reload_ms(rack, pair, active, 1000 * (i % 2 == 0))
            for i in range(a.runs))
        # a machine that stands still for 60 ms looks dead: it may have moved
        was, (active, standby) = active, pair.wait_settled(60)
        out["moved"] = was != active
        rack.put(active, "/etc/yoke/yoke.conf",
                 pair.conf(services=pair.services(0)))
        pair.yoke(active, "reload", timeout=30)
        wait_for(pair.settled, 60, "settled")
        show_beats(pair, f"active {active}")
        rack.put(active, "/etc/yoke/yoke.conf",
                 pair.conf(services=pair.services(1000)))
        out["kernel_1000_ms"] = until_kernel(
            rack, active, f"{pair.bin}/yoke -c /etc/yoke/yoke.conf -n {active} "
            "reload >&2", 20, 1000)
        out["status_ms"] = statistics.median(
            timed(lambda: pair.yoke(active, "status --json >/dev/null",
                                    timeout=30, check=False))
            for _ in range(a.runs))
        wait_for(pair.settled, 60, "settled")
        show_beats(pair, "afterwards")
        rack.power_cut(active)
        pair.wait_role(standby, "active", 10)
        t = pair.status(standby)["transitions"]
        print([(x["to"], x["silence_us"], x["total_us"], x["steps"])
               for x in t[:2]])
        Keepalived(rack, standby, a.services).measure(out)
    out["machine_stood_still_ms"] = round(machine.worst() * 1000, 1)
    show_goals(out)
    print(json.dumps(out, indent=1))
    os.makedirs("build", exist_ok=True)
    with open(a.json, "w") as f:
        json.dump(out, f)


if __name__ == "__main__":
    main()
