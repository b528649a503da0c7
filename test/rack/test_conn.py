#!/usr/bin/python3
"""Connections on the standby: those from before it came, those of this moment,
and what an orderly stop leaves behind."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_resync import gently, inject, listed, look, missing             # noqa: E402
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic                                 # noqa: E402

t = T()
CONNS = 2000
CALM = {"interval": "50ms", "misses": 6}
SYSCTLS = ("sync_threshold", "sync_refresh_period", "sync_sock_size",
           "sloppy_tcp", "sync_retries")


def sysctls(rack, node):
    return rack.run(node, "cd /proc/sys/net/ipv4/vs; tail -n 9 " +
                    " ".join(SYSCTLS))


def sync_daemons(rack, node):
    return rack.run(node, "ipvsadm -l --daemon").strip()


def orderly(rack, pair, node, was):
    """A manager that was killed does not take our values for the originals."""
    ours = sysctls(rack, node)
    t.ok(ours != was, "the profile is set", ours)
    pair.kill(node, "yoked")
    pair.start_daemon(node, "yoked")
    gently(lambda: pair.role(node) == "standby", 10, "standby")
    t.is_(sysctls(rack, node), ours, "killed and started: it is set still")
    pair.kill(node, "yoked", "TERM")
    gently(lambda: pair.role(node) is None, 5, "its end")
    wait_for(lambda: not rack.alive(node, pair.pids[node, "yoked"]), 5, "end")
    t.is_(sysctls(rack, node), was, "an orderly stop puts them back")
    t.is_(sync_daemons(rack, node), "", "and stops the sync daemons")
    t.ok("sysctls" not in rack.run(node, "ls /run/yoke"),
         "and forgets what they were")


def joins(rack, pair, active, standby):
    rack.boot(standby)
    rack.start_corosync(standby)
    pair.start_node(standby)
    gently(lambda: pair.status(active)["sync"]["full"], 20, "a full standby")
    mine, its = pair.status(active)["sync"], pair.status(standby)["sync"]
    t.ok(its["full"] and its["phase"] == "full", "the standby says so too", its)
    t.ok(mine["resync_connections"] >= CONNS, "all were sent", mine)
    t.note(f"asked to full: {its['resync_ms']} ms, sent {its['resync_again']} "
           f"times again")
    want = look(rack, active, "before")
    t.is_(len(want), CONNS, "the active has them all")
    t.is_(missing(rack, standby, "joined", want)["lost"], 0,
          "so has the standby, IPv4 and IPv6, each with its server")
    t.ok(listed(rack, standby, "joined") <= set(want), "and no others")
    return want


def syncd_dies(pair, active):
    pair.kill(active, "yoke-syncd", "STOP")
    gently(lambda: any(a["name"] == "syncd" for a in
                       pair.status(active)["alarms"]), 10, "an alarm")
    t.is_(pair.role(active), "active", "a syncd that hangs: only an alarm")
    pair.kill(active, "yoke-syncd", "CONT")
    gently(lambda: pair.status(active)["sync"]["full"] and
           not pair.status(active)["alarms"], 10, "none")


with Rack() as rack, t.part("connections"):
    pair = Pair(rack, scheduler="rr", **CALM)
    t.dump = pair.dump
    was = sysctls(rack, "d2")
    pair.start()
    active, standby = pair.wait_settled()
    orderly(rack, pair, standby, was)
    rack.power_cut(standby)
    inject(rack, active, CONNS, share6=4)
    with Traffic(rack, rate=100, established=50, young_rate=20) as load:
        load.wait_ready()
        want = joins(rack, pair, active, standby)
        syncd_dies(pair, active)
        early = pair.status(active)["sync"]
        t.ok(early["early_sent"] > 0, "new connections are told at their SYN",
             early)
        load.mark()
        rack.power_cut(active)
        pair.wait_role(standby, "active")
        wait_for(lambda: rack.fetch() in rack.RS, 10, "service")
        time.sleep(1)           # traffic afterwards, for the report
    e = load.report["established"]
    late = load.report["late_ticks"]["max_ms"]
    old = [ms for ms in e["reset_ages_ms"] if ms > late]
    t.is_((old, e["hung"]), ([], 0),
          "power cut: no connection reset or hung, with rr")
    if e["reset"]:
        t.note(f"{e['reset']} that were opened while this machine was "
               f"{late} ms late were reset")
    t.note(f"{e['total']} connections, of those young {e.get('young')}; stall "
           f"{e['max_stall_ms']} ms; early {early['early_sent']}, lost "
           f"{early['early_lost']}, unsure {early['early_unsure']}")
    t.is_(missing(rack, standby, "cut", want)["lost"], 0,
          "power cut: those that were there are there still")

sys.exit(t.done())
