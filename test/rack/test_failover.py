#!/usr/bin/python3
"""The pair's main job on real parts: power cut, dead and hung managers, switch,
cold start, drift. State is read, never logs; conditions are waited for.

usage: test_failover.py [PART...]     power killed stopped switch faults cold
COLD_RUNS: how many cold starts (default 4; `make check` stays short)."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import Pair                                       # noqa: E402
from rack import wait_for                                   # noqa: E402
from stage import Stage, stop_all                           # noqa: E402
from tap import T                                           # noqa: E402
from traffic import LIGHT, Traffic, Watch                   # noqa: E402

t = T()
COLD_RUNS = int(os.environ.get("COLD_RUNS", "4"))
LEASE_MS = 1300     # a lease and one renewal, and the kernel's own check
OTHER = {"d1": "d2", "d2": "d1"}


def clean(report):
    """Failures of new connections that are not this machine's noise: a SYN
    that was answered late by our own host does not count."""
    f = report["failed"]
    return f["total"] - f["late"]


def load_ok(report, what):
    e = report["established"]
    t.ok(report["ok"] > 100, f"{what}: traffic ran", report["attempts"])
    t.is_((e["reset"], e["hung"]), (0, 0),
          f"{what}: no established connection reset or hung")
    t.note(f"{what}: outage {report['outage_ms']} ms, stall "
           f"{e['max_stall_ms']} ms, {e['total']} connections, prober late "
           f"{report['late_ticks']['max_ms']} ms")


def one_holder(watch, rack, node, what, overlap_ms=0):
    h = watch.holders()
    t.is_(h["at_end"], [node], f"{what}: {node} alone holds the VIP at the end")
    t.ok(h["longest_overlap_ms"] <= overlap_ms + watch.seen_ms(),
         f"{what}: never two holders for more than {overlap_ms} ms",
         json.dumps({"holders": h, "kills": watch.kills,
                     "logs": watch.logs}))


def power_cut(stage):
    rack, pair, watch, active, standby = stage.raised()
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        pair.yoke(active, "server drain web6 rs2")
        orders = "".join(f"server weight web rs{i % 3 + 1} {i}\n"
                         for i in range(1, 101))
        start = time.monotonic()
        rack.run(active, f"{pair.bin}/yoke batch", input=orders)
        t.note(f"100 changes took {time.monotonic() - start:.2f} s")
        before, kernel = pair.status(active), pair.kernel(active)
        load.mark()
        watch.killed(active, rack.power_cut(active))
        pair.wait_role(standby, "active")
        wait_for(lambda: rack.fetch() in rack.RS, 10, "service")
        time.sleep(1.5)             # traffic afterwards, for the report
    after = pair.status(standby)
    load_ok(load.report, "power cut")
    rows = [[(v["name"], v["weight"], v["source"], v["health"], v["cause"])
             for v in s["servers"]] for s in before["services"]]
    t.is_([[(v["name"], v["weight"], v["source"], v["health"], v["cause"])
            for v in s["servers"]] for s in after["services"]], rows,
          "power cut: yoke's table is exactly the one before")
    t.is_(pair.kernel(standby), kernel,
          "power cut: so is the kernel's, on the other director")
    t.is_(after["epoch"], before["epoch"] + 1, "power cut: a new term")
    t.is_(after["restored"]["from"], "replica",
          "power cut: the standby had it all")
    t.ok(rack.fetch(rack.VIP6) in rack.RS, "power cut: IPv6 VIP serves")
    one_holder(watch, rack, standby, "power cut")
    rack.boot(active)
    watch.start(active)
    rack.start_corosync(active)
    pair.start_node(active)
    t.is_(pair.wait_settled(), (standby, active),
          "power cut: the dead one comes back as the standby, in step")
    t.is_(pair.kernel(active), pair.kernel(standby),
          "power cut: its IPVS is equal")
    one_holder(watch, rack, standby, "return")


def manager(stage, sig):
    """The manager dies or hangs; the machine lives."""
    what = f"SIG{sig} of yoked"
    rack, pair, watch, active, standby = stage.raised()
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        load.mark()
        pair.kill(active, "yoked", sig)
        pair.wait_role(standby, "active")
        wait_for(lambda: not rack.has_vip(active), 5, "end of the lease")
        time.sleep(1)
        if sig == "STOP":
            pair.kill(active, "yoked", "CONT")
            pair.wait_role(active, "standby", 10)
            wait_for(pair.settled, 20, "a settled pair")
    load_ok(load.report, what)
    t.is_(clean(load.report), 0, f"{what}: no request failed")
    h = watch.holders()
    t.is_(h["at_end"], [standby], f"{what}: {standby} holds the VIP")
    t.ok(h["longest_gap_ms"] <= watch.seen_ms(),
         f"{what}: never without a holder", h)
    t.ok(h["overlap_ms"] <= LEASE_MS + 700,
         f"{what}: the dead one's lease ended", h["overlap_ms"])
    t.note(f"{what}: both had the VIP for {h['overlap_ms']} ms "
           f"(goal 100, the lease alone would take {LEASE_MS})")
    t.ok(h["overlap_ms"] <= 500 + watch.seen_ms(),
         f"{what}: its guard let go before the lease ended")
    if sig == "KILL":
        pair.start_daemon(active, "yoked")
        t.is_(pair.wait_settled(), (standby, active),
              f"{what}: started again, it is the standby")


def elsewhere(rack, node):
    """Where a director believes the addresses to be, if not here."""
    return rack.run(node, f"ip neigh show {rack.VIP}; "
                          f"ip neigh show {rack.VIP6}").strip()


def believe(rack, node, mac):
    """As one that has forwarded what came late for the other."""
    rack.run(node, f"for a in {rack.VIP} {rack.VIP6}; do "
             f"ip neigh replace $a lladdr {mac} dev eth0 nud stale; done")


def planned(stage):
    rack, pair, watch, active, standby = stage.raised()
    believe(rack, standby, "02:77:00:00:00:99")
    t.is_(elsewhere(rack, standby).count("STALE"), 2, "a belief")
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        for _ in range(3):
            pair.yoke(active, "switch")
            pair.wait_role(standby, "active")
            active, standby = pair.wait_settled()
        t.is_(elsewhere(rack, active), "",
              "who holds the addresses forgets where they were")
        pair.kill(active, "yoked", "TERM")
        pair.wait_role(standby, "active")
        wait_for(lambda: pair.role(active) is None, 5, "its end")
        time.sleep(0.5)
    load_ok(load.report, "switch")
    t.is_(clean(load.report), 0, "switch: no request failed")
    h = watch.holders()
    t.ok(h["at_end"] == [standby] and
         h["longest_gap_ms"] <= watch.seen_ms(),
         "switch and orderly stop: never without a holder", h)
    pair.start_daemon(active, "yoked")
    t.is_(pair.wait_settled(), (standby, active),
          "orderly stop: started again, it is the standby")
    pair.kill(active, "yoked", "TERM")
    wait_for(lambda: pair.role(active) is None, 5, "its end")
    out = pair.yoke(standby, "switch", check=False)
    t.is_(out.returncode, 1, "switch without a standby is refused")
    t.is_(pair.role(standby), "active", "and nothing moves")
    pair.start_daemon(active, "yoked")


def little_faults(stage):
    rack, pair, watch, active, standby = stage.raised()
    epoch = pair.status(active)["epoch"]
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        rack.nic(standby, "eth1", False)
        wait_for(lambda: not all(p["up"] for p in
                                 pair.status(active)["paths"]), 5,
                 "a path down")
        rack.nic(standby, "eth1", True)
        wait_for(lambda: all(p["up"] for p in
                             pair.status(active)["paths"]), 5, "both up")
        rack.stop_corosync(active, kill=True)
        wait_for(lambda: not pair.status(active)["link"]["connected"], 5,
                 "corosync's end to be seen")
        pair.yoke(active, "server weight web rs1 41")
        rack.start_corosync(active)
        wait_for(pair.settled, 20, "a settled pair")
        t.is_(pair.table(standby)["web"]["rs1"], 41,
              "corosync killed and restarted: the standby caught up")
        pair.kill(standby, "yoke-linkd")
        pair.kill(active, "yoke-linkd")
        wait_for(lambda: not pair.status(active)["link"]["helper"], 5,
                 "linkd's end to be seen")
        for node in rack.NODES:
            pair.start_daemon(node, "yoke-linkd")
        wait_for(pair.settled, 20, "a settled pair")
    load_ok(load.report, "little faults")
    t.is_(clean(load.report), 0, "little faults: no request failed")
    t.is_((pair.role(active), pair.status(active)["epoch"]),
          ("active", epoch), "NIC, corosync, linkd lost: nothing moved")
    one_holder(watch, rack, active, "little faults")
    drift(rack, pair, active, standby)


def drift(rack, pair, active, standby):
    rack.each(lambda n: rack.run(
        n, "ipvsadm -A -t 10.77.0.99:99 -s rr;"
        "ipvsadm -a -t 10.77.0.99:99 -r 10.77.0.11:99 -g"))
    for node in (active, standby):
        want = pair.kernel(node)
        rack.run(node, f"ipvsadm -d -t {rack.VIP}:80 -r {rack.RS['rs1']}:80;"
                 f"ipvsadm -e -t {rack.VIP}:80 -r {rack.RS['rs2']}:80 -g -w 3;"
                 f"ipvsadm -D -t [{rack.VIP6}]:80")
        start = time.monotonic()
        wait_for(lambda: pair.kernel(node) == want, 10, "repair")
        took = time.monotonic() - start
        t.ok(took < 5, f"drift on {node} is put right", took)
        t.note(f"in {took:.2f} s (goal 2 s)")
        t.ok("10.77.0.99:99" in str(pair.kernel(node)),
             f"a foreign service on {node} is left alone")
    rack.each(lambda n: rack.run(n, "ipvsadm -D -t 10.77.0.99:99"))


def cold_start(rack, first, gap):
    """Both managers at once or one after the other, nothing known before."""
    pair = Pair(rack, directory=f"{rack.shared}/cold", **Stage.CALM)
    watch = Watch(rack)
    rack.run("d1", f"rm -rf {pair.directory}; mkdir -p {pair.directory}")
    for node in rack.NODES:
        watch.start(node)
    pair.start_node(first)
    time.sleep(gap)                     # the offset under test
    pair.start_node(OTHER[first])
    active, standby = pair.wait_settled()
    h = watch.holders()
    t.ok(h["at_end"] == [active] and
         h["longest_overlap_ms"] <= watch.seen_ms(),
         f"cold start, {first} first by {gap * 1000:.0f} ms: one active, "
         f"never two holders", h)
    for node in rack.NODES:
        stop_all(rack, node)


def cold_starts(stage):
    rack = stage.empty()
    for i in range(COLD_RUNS):
        cold_start(rack, rack.NODES[i % 2], (0, 0, 0.02, 0.3)[i % 4])


PARTS = {
    "power": power_cut,
    "killed": lambda stage: manager(stage, "KILL"),
    "stopped": lambda stage: manager(stage, "STOP"),
    "switch": planned,
    "faults": little_faults,
    "cold": cold_starts,
}

Stage.play(PARTS, sys.argv[1:], t)
sys.exit(t.done())
