#!/usr/bin/python3
"""Forged, cut, replayed and random beats change nothing and are counted; a
recording does not keep a dead director alive; another key is an alarm."""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import BIN, Pair                                  # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic, Watch                          # noqa: E402

PORT = 5480
QUIET = dict(interval="200ms", misses=10)    # other work may share our CPUs
KINDS = ("malformed", "version", "signature", "foreign", "replayed",
         "unproven")

t = T()


def alarms(pair, node):
    s = pair.status(node)
    return {a["name"] + " " + a["text"] for a in s["alarms"]} if s else set()


def refused(status):
    return {k: status["beats"]["refused"][k] for k in KINDS}


class Moment(float):
    """A time in ms; two are the same when they were read 100 ms apart at most:
    what goes down and comes back needs far longer."""

    def __eq__(self, other):
        return isinstance(other, Moment) and abs(self - other) <= 100

    __hash__ = None


def facts(pair):
    """What must not change. Paths: when they came up, in ms of life."""
    out = {}
    for n in pair.rack.NODES:
        s = pair.status(n)
        out[n] = {k: s[k] for k in ("role", "epoch", "seq", "pid", "alarms")}
        out[n]["transitions"] = len(s["transitions"])
        out[n]["paths"] = {
            p["name"]: p["up"] and Moment(s["uptime_ms"] - p["for_ms"])
            for p in s["paths"]}
        out[n]["peer"] = (s["peer"]["role"], s["peer"]["epoch"])
    return out


class Gun:
    """beatblast in a namespace that reaches the directors' networks."""

    def __init__(self, rack):
        self.rack = rack
        rack.ns("lan", ["ip", "addr", "add", "10.77.0.254/24", "dev", "br0"])
        rack.ns("lan", ["ip", "addr", "add", "10.77.1.254/24", "dev", "br1"])

    def argv(self, mode, to, frm, count, rate, capture, seed):
        argv = [f"{BIN}/beatblast", "--to", f"{to}:{PORT}", "--from",
                f"{frm}:{PORT}", "--mode", mode, "--count", str(count),
                "--rate", str(rate), "--seed", str(seed)]
        return argv + (["--capture", capture] if capture else [])

    def fire(self, mode, to, frm, count, rate=4000, capture=None, seed=1):
        out = self.rack.ns("lan", self.argv(mode, to, frm, count, rate,
                                            capture, seed), timeout=30)
        got = json.loads(out)
        assert got["errors"] == 0, out
        return got["sent"]

    def keep_firing(self, mode, to, frm, rate, capture):
        return self.rack.ns_popen(
            "lan", self.argv(mode, to, frm, 10**9, rate, capture, 1),
            stdout=subprocess.DEVNULL)

    def record(self, node, file, seconds=2):
        """Beats that go to and come from a node on the service network."""
        out = self.rack.ns("lan", [
            f"{BIN}/beatblast", "--record", file, "--iface", f"{node}e0",
            "--port", str(PORT), "--seconds", str(seconds)], timeout=20)
        return json.loads(out)["recorded"]


def grown(pair, node, was):
    now = refused(pair.status(node))
    return {k: now[k] - was[k] for k in KINDS}


def shoot(pair, gun, node, what, mode, to, frm, count, kinds, file):
    """Until so many were counted: a busy host's queues may lose some."""
    was = refused(pair.status(node))
    sent, end = 0, time.monotonic() + 15
    g = dict.fromkeys(KINDS, 0)
    while sum(g.values()) < count and time.monotonic() < end:
        sent += gun.fire(mode, to, frm, min(count, 2000), seed=sent + 1,
                         capture=None if mode == "random" else file)
        g = grown(pair, node, was)
    total = sum(g.values())
    t.ok(count <= total <= sent + 4 and total == sum(g[k] for k in kinds),
         f"{what}: counted as {' or '.join(kinds)}",
         f"sent {sent}, counted {g}")
    t.note(f"{what}: sent {sent}, counted " +
           ", ".join(f"{k} {v}" for k, v in g.items() if v))


def blasts(rack, pair, gun, a, b, file):
    A, B = rack.ADDR[a], rack.ADDR[b]
    CA, CB = rack.CROSS[a], rack.CROSS[b]
    before = facts(pair)
    rows = (
        ("10000 random datagrams at the active", "random", a, A, B, 10000,
         ("malformed",)),
        ("10000 random datagrams at the standby", "random", b, B, A, 10000,
         ("malformed",)),
        ("cut beats", "truncate", a, A, B, 2000, ("malformed", "signature")),
        ("beats with flipped bits", "flip", a, A, B, 2000,
         ("malformed", "version", "signature")),
        ("beats with flipped bits at the standby", "flip", b, B, A, 2000,
         ("malformed", "version", "signature")),
        ("recorded beats again", "replay", a, A, B, 2000,
         ("replayed", "foreign")),
        ("recorded beats again, at the standby", "replay", b, B, A, 2000,
         ("replayed", "foreign")),
        ("recorded beats on another path", "replay", a, CA, CB, 2000,
         ("foreign",)),
    )
    for what, mode, node, to, frm, count, kinds in rows:
        shoot(pair, gun, node, what, mode, to, frm, count, kinds, file)
    was = refused(pair.status(a))
    gun.fire("random", A, rack.CLIENT, 2000)
    t.is_(refused(pair.status(a)), was,
          "from another address they do not reach yoked")
    t.is_(facts(pair), before,
          "no role, term, change of the table, alarm or path is different")


def dead_stays_dead(rack, pair, gun, a, b, file, watch):
    """The active's beats go on, from a recording, when it has lost its power."""
    before = pair.status(b)
    guns = [gun.keep_firing("replay", rack.ADDR[b], rack.ADDR[a], 200, file),
            gun.keep_firing("replay", rack.CROSS[b], rack.CROSS[a], 200, file)]
    wait_for(lambda: refused(pair.status(b))["replayed"] >
             refused(before)["replayed"] + 50, 5, "replays arrive")
    watch.killed(a, rack.power_cut(a))
    pair.wait_role(b, "active")
    s = pair.status(b)
    took = [x for x in s["transitions"] if x["to"] == "taking-over"][0]
    t.ok(took["why"] == "silence" and took["silence_us"] < 2600000,
         "replays do not keep a dead active alive", took)
    t.is_(s["epoch"], before["epoch"] + 1, "one term later")
    # A new process has heard nobody yet: it knows no number of the peer's.
    pair.kill(b, "yoked")
    pair.start_daemon(b, "yoked")
    pair.wait_role(b, "active", 8)
    s = pair.status(b)
    t.ok(s["beats"]["refused"]["unproven"] > 50 and
         not any(p["up"] for p in s["paths"]),
         "nor do they look like a peer to a manager that just started",
         (s["beats"], s["paths"]))
    for g in guns:
        g.kill()
        g.wait()
    rack.boot(a)
    watch.start(a)
    rack.start_corosync(a)
    pair.start_node(a)
    t.is_(pair.wait_settled(), (b, a), "the real one is heard, as the standby")
    return b, a


def deaf(pair, a, b, before):
    """Nothing of the peer is heard that counts: no beat, and no corosync yet."""
    pair.configure(b)
    pair.start_daemon(b, "yoked")
    wait_for(lambda: pair.role(b), 8, "yoked without linkd")
    wait_for(lambda: pair.status(b)["uptime_ms"] > 4000, 15, "long start_wait")
    s = pair.status(b)
    t.ok(s["role"] == "starting" and
         any(x.startswith("peer-answers ") for x in alarms(pair, b)),
         "another key and no corosync: it does not take what the peer has",
         (s["role"], sorted(alarms(pair, b))))
    s = pair.status(a)
    t.is_((s["role"], s["epoch"], s["seq"]),
          ("active", before["epoch"], before["seq"]), "nor moves it the active")
    pair.kill(b, "yoked", "TERM")
    wait_for(lambda: pair.role(b) is None, 5, f"end of {b}")


def another_key(rack, pair, a, b):
    """b comes with another key: nobody can tell the peer from a forger."""
    for name in ("yoked", "yoke-linkd", "yoke-checkpointd", "yoke-monitord"):
        pair.kill(b, name, "TERM")
    wait_for(lambda: pair.role(b) is None, 5, f"end of {b}")
    key, pair.key = pair.key, os.urandom(32).hex()
    before = pair.status(a)
    deaf(pair, a, b, before)
    pair.start_node(b)
    wait_for(lambda: pair.role(b), 8, "yoked with another key")
    for n in (a, b):
        wait_for(lambda: refused(pair.status(n))["signature"] > 10, 5,
                 "refusals")
        wait_for(lambda: any("our key" in x for x in alarms(pair, n)), 5,
                 f"alarm of {n}")
        t.is_(pair.yoke(n, "status", check=False).returncode, 1,
              f"another key: {n} has an alarm that speaks of the key; exit 1")
    s = pair.status(a)
    t.is_((s["role"], s["epoch"], s["seq"]),
          ("active", before["epoch"], before["seq"]),
          "another key: the active goes on")
    t.note(f"another key: {b} is {pair.role(b)}; its alarms: "
           f"{sorted(alarms(pair, b))}")
    pair.kill(b, "yoked")
    pair.key = key
    pair.configure(b)
    pair.start_daemon(b, "yoked")
    t.is_(pair.wait_settled(), (a, b),
          "the right key again: it is the standby and in step")
    wait_for(lambda: rack.fetch() in rack.RS, 5, "service")
    t.is_(alarms(pair, a) | alarms(pair, b), set(), "no alarm")


def main():
    with Rack() as rack:
        pair, gun = Pair(rack, **QUIET), Gun(rack)
        file, t.dump = f"{rack.dir}/beats", pair.dump
        with t.part("blasts"):
            pair.start()
            a, b = pair.wait_settled()
            wait_for(lambda: not alarms(pair, a) | alarms(pair, b), 8, "well")
            watch = Watch(rack)
            for n in rack.NODES:
                watch.start(n)
            n = gun.record(a, file)
            t.ok(n > 0, "real beats were recorded", n)
            with Traffic(rack, rate=100, established=10,
                         young_rate=10) as load:
                load.wait_ready()
                blasts(rack, pair, gun, a, b, file)
            f = load.report["failed"]
            t.is_(f["total"] - f["late"], 0,
                  f"none of {load.report['attempts']} requests failed")
            h = watch.holders()
            t.is_([s["holders"] for s in h["segments"]], [[a]],
                  "the same one held the address all the time")
        with t.part("a recording of a dead director"):
            a, b = dead_stays_dead(rack, pair, gun, a, b, file, watch)
        with t.part("another key"):
            another_key(rack, pair, a, b)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
