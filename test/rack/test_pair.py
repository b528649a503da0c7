#!/usr/bin/python3
"""What an operator asks of a pair beyond the takeover: maintenance, fencing with
a fake agent, and two directors that hear each other over corosync only.

usage: test_pair.py [PART...]     maintenance filtered key fence"""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import CONF, Pair                            # noqa: E402
from rack import wait_for                                   # noqa: E402
from stage import Stage                                     # noqa: E402
from tap import T                                           # noqa: E402
from traffic import LIGHT, Traffic, Watch                   # noqa: E402

t = T()

# As fence-agents do: options on standard input. It kills nobody: the test
# cuts the power when it has been asked to.
AGENT = """#!/bin/sh
cat >/tmp/asked
echo "connecting"
[ -e /tmp/agent-hangs ] && sleep 60
[ -e /tmp/agent-fails ] && { echo "login refused"; exit 1; }
while [ -e /tmp/agent-waits ]; do sleep 0.02; done
echo "Success: Powered OFF"
"""


def maintenance(stage):
    rack, pair, watch, active, standby = stage.raised()
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        out = pair.yoke(active, "maintenance on")
        t.ok("hands over" in out, "an active one hands over first", out)
        pair.wait_role(active, "maintenance")
        pair.wait_role(standby, "active")
        out = pair.yoke(standby, "maintenance on", check=False)
        t.is_(out.returncode, 1, "the other one is needed: refused")
        t.ok("needed" in out, "and it says so", out)
        t.is_(pair.yoke(active, "status", check=False).returncode, 1,
              "maintenance is degraded")
        pair.kill(active, "yoked", "TERM")
        wait_for(lambda: pair.role(active) is None, 5, "its end")
        pair.start_daemon(active, "yoked")
        pair.wait_role(active, "maintenance")
        t.ok(True, "it is still in maintenance after a restart")
        pair.yoke(active, "maintenance off")
        t.is_(pair.wait_settled(), (standby, active), "and back: standby")
    f = load.report["failed"]
    e = load.report["established"]
    t.is_((f["total"] - f["late"], e["reset"], e["hung"]), (0, 0, 0),
          "no request failed, no connection reset or hung")
    h = watch.holders()
    t.ok(h["longest_gap_ms"] <= watch.seen_ms() and
         h["longest_overlap_ms"] <= 100 + watch.seen_ms(),
         "always a holder, two for 100 ms at most", h)


def fence(stage):
    rack = stage.empty()
    keys = ("fence_command = /etc/yoke/fence  "
            "fence_file = /etc/yoke/fence.opt  fence_timeout = 1s")
    pair = Pair(rack, **Stage.CALM, node_extra=keys)
    for node in rack.NODES:
        rack.put(node, "/etc/yoke/fence", AGENT, mode=0o755)
        rack.put(node, "/etc/yoke/fence.opt",
                 "# of the other one\nip=192.0.2.1\npassword=geheim\n",
                 mode=0o600)
    # Nobody is heard at a start, so the first one fences.
    pair.start_node("d1")
    pair.wait_role("d1", "active")
    t.is_(pair.status("d1")["fence"]["state"], "done",
          "who starts alone fences first")
    pair.start_node("d2")
    t.is_(pair.wait_settled(), ("d1", "d2"), "then a pair")
    rack.run("d2", "touch /tmp/agent-fails")
    rack.power_cut("d1")
    s = wait_for(lambda: (lambda s: s and s["fence"]["state"] == "failed"
                          and s)(pair.status("d2")), 5, "a failed fence")
    t.is_((s["role"], s["why"]), ("standby", "fencing"),
          "the agent fails: no takeover")
    t.ok("login refused" in s["fence"]["text"], "and status says why",
         s["fence"])
    t.ok(any("login refused" in a["text"] for a in s["alarms"]),
         "as an alarm", s["alarms"])
    t.is_(rack.run("d2", "cat /tmp/asked"), "action=off\n# of the other "
          "one\nip=192.0.2.1\npassword=geheim\n",
          "its options came on standard input")
    t.ok("geheim" not in pair.log("d2") and
         "geheim" not in pair.yoke("d2", "status --json", check=False),
         "the secret is neither in the log nor in status")
    rack.run("d2", "rm /tmp/agent-fails; touch /tmp/agent-hangs")
    s = wait_for(lambda: (lambda s: s and s["fence"]["failures"] == 2
                          and s)(pair.status("d2")), 12, "a timeout")
    t.ok("no end within 1000 ms" in s["fence"]["text"],
         "an agent that hangs is killed", s["fence"])
    t.is_(rack.run("d2", "pgrep -f '/etc/yoke/[f]ence$|sleep [6]0'",
                   check=False), "", "with its children")
    rack.run("d2", "rm /tmp/agent-hangs; touch /tmp/agent-waits")
    wait_for(lambda: pair.status("d2")["fence"]["state"] == "running", 12,
             "another try")
    t.is_(pair.role("d2"), "standby", "while it runs: no takeover")
    rack.run("d2", "rm /tmp/agent-waits")
    pair.wait_role("d2", "active")
    t.ok("Powered OFF" in pair.status("d2")["fence"]["text"],
         "it succeeds: takeover", pair.status("d2")["fence"])
    wait_for(lambda: rack.fetch() in rack.RS, 10, "service")
    rack.run("d2", "chmod 644 /etc/yoke/fence.opt")
    out = pair.yoke("d2", f"check {CONF}", check=False)
    t.ok(out.returncode == 2 and "fence.opt" in out,
         "options that others can read are refused", out)


def one_of_two(rack, pair, watch, what):
    """Corosync alone lets them agree: one active, and it stays."""
    wait_for(lambda: sorted(str(pair.role(n)) for n in rack.NODES) ==
             ["active", "standby"], 10, "one active")
    active = pair.active()
    time.sleep(2)                       # it must not change
    t.is_(pair.active(), active, f"{what}: one active, and it stays")
    s = {n: pair.status(n) for n in rack.NODES}
    t.ok(all(v["why"] == "link-only" and v["peer"]["by_link"]
             for v in s.values()), f"{what}: both say what is wrong",
         {n: v["why"] for n, v in s.items()})
    h = watch.holders()
    t.is_(h["at_end"], [active], f"{what}: it alone holds the VIP")
    t.ok(h["longest_overlap_ms"] <= 1000, f"{what}: two never for a second", h)
    t.note(f"{what}: both held for {h['longest_overlap_ms']} ms")


def filtered(stage):
    rack, pair, watch, active, standby = stage.raised()
    rule = "iptables-legacy -%s INPUT -p udp --dport 5480 -j DROP"
    rack.each(lambda n: rack.run(n, rule % "A"))
    wait_for(lambda: not any(p["up"] for n in rack.NODES
                             for p in pair.status(n)["paths"]), 5,
             "silence")
    one_of_two(rack, pair, watch, "beats filtered")
    rack.each(lambda n: rack.run(n, rule % "D"))
    pair.wait_settled()
    t.ok(True, "beats filtered: they pass again, all is well")


def wrong_key(stage):
    rack, pair, watch, active, standby = stage.raised()
    epoch = pair.status(active)["epoch"]
    pair.kill(standby, "yoked", "TERM")
    wait_for(lambda: pair.role(standby) is None, 5, "its end")
    rack.put(standby, "/etc/yoke/key", "another key, long enough\n",
             mode=0o600)
    pair.start_daemon(standby, "yoked")
    one_of_two(rack, pair, watch, "wrong key")
    t.is_(pair.status(active)["epoch"], epoch,
          "wrong key: nothing moved")
    t.is_(watch.holders()["longest_overlap_ms"], 0,
          "wrong key: never two holders")


PARTS = {
    "maintenance": maintenance,
    "filtered": filtered,
    "key": wrong_key,
    "fence": fence,         # leaves one without power
}

Stage.play(PARTS, sys.argv[1:], t)
sys.exit(t.done())
