#!/usr/bin/python3
"""A pair with two networks and a serial line: what is done to the line moves
nothing; with both networks gone it keeps the standby from taking over; when
the active loses its power it hangs up, and one missing beat is enough."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import LIGHT, Traffic, Watch                   # noqa: E402

t = T()
BEAT_MS, MISSES = 100, 6
WRONG_SPEED = "wrong speed"


def line(pair, node):
    s = pair.status(node)
    return next(p for p in s["paths"] if p["name"] == "line")


def both(pair, fn):
    """Does fn(its row of the line) hold on both directors?"""
    return all(fn(line(pair, n)) for n in pair.rack.NODES)


def wait_line(pair, up, what):
    wait_for(lambda: both(pair, lambda p: p["up"] == up), 8, what)
    t.ok(True, what)


def alarms(pair, node):
    return [a["text"] for a in pair.status(node)["alarms"]]


def roles(pair):
    """What must not change: (role, number of transitions) of both."""
    s = [pair.status(n) for n in pair.rack.NODES]
    return [(x["role"], x["epoch"], len(x["transitions"])) for x in s]


def wait_well(pair):
    wait_for(lambda: not any(alarms(pair, n) for n in pair.rack.NODES), 15,
             "no alarm")


def cable(rack, pair, was):
    rack.serial(False)
    wait_line(pair, False, "unplugged: the path is down on both")
    t.is_(roles(pair), was, "unplugged: no role changed")
    rack.serial(True)
    wait_line(pair, True, "plugged in again: it is up on both")


def garbage(rack, pair, was, node):
    before = line(pair, node)
    end = "ab"[rack.NODES.index(node)]
    for i in range(5):
        rack.serial_order("write", end, os.urandom(150).hex())
    wait_for(lambda: line(pair, node)["garbage_bytes"] +
             line(pair, node)["crc_errors"] > before["garbage_bytes"] +
             before["crc_errors"], 5, "garbage is counted")
    t.ok(True, "garbage is counted")
    wait_line(pair, True, "garbage: the path is up")
    t.is_(roles(pair), was, "garbage: no role changed")


def wrong_speed(rack, pair, was):
    rack.serial_order("garble", 1)
    wait_line(pair, False, "wrong speed: the path is down on both")
    wait_for(lambda: all(any(WRONG_SPEED in a for a in alarms(pair, n))
                         for n in rack.NODES), 8, "alarm")
    t.ok(True, "wrong speed: both say what it may be")
    t.is_(roles(pair), was, "wrong speed: no role changed")
    rack.serial_order("garble", 0)
    wait_line(pair, True, "the right speed again: it is up")


def hang_up(rack, pair, was, node):
    before = line(pair, node)["hangups"]
    rack.serial_hang_up(node)
    wait_line(pair, False, "hang-up: the path is down on both")
    t.is_(line(pair, node)["hangups"], before + 1, "hang-up: it is counted")
    t.is_(roles(pair), was, "hang-up: no role changed")
    rack.serial_hang_up(node, up=True)
    wait_line(pair, True, "it is back: the path is up")


def networks_lost(rack, pair, was, active, standby):
    for nic in ("eth0", "eth1"):
        rack.nic(standby, nic, False)
    wait_for(lambda: pair.status(standby)["why"] == "only-serial", 5,
             "only the line is left")
    t.ok(any("serial" in a for a in alarms(pair, standby)),
         "both networks cut: the standby has an alarm that says so",
         alarms(pair, standby))
    wait_for(lambda: not pair.status(active)["link"]["peer"], 8,
             "corosync gives the standby up")
    t.is_(roles(pair), was, "it stays standby, whatever corosync says")
    for nic in ("eth0", "eth1"):
        rack.nic(standby, nic, True)
    wait_well(pair)
    t.is_(roles(pair), was, "networks back: well, and nobody changed")


def power_cut(rack, pair, active, standby):
    watch = Watch(rack)
    for node in rack.NODES:
        watch.start(node)
    with Traffic(rack, **LIGHT) as load:
        load.wait_ready()
        load.mark()
        watch.killed(active, rack.power_cut(active))
        pair.wait_role(standby, "active")
        wait_for(lambda: rack.fetch() in rack.RS, 10, "service")
    s = pair.status(standby)
    took = [x for x in s["transitions"] if x["to"] == "taking-over"][0]
    ms = took["silence_us"] / 1000
    t.ok(took["why"] == "silence" and ms < (MISSES - 1) * BEAT_MS,
         f"power cut: found after {ms:.0f} ms of silence, beats of "
         f"{BEAT_MS} ms, {MISSES} misses", took)
    e = load.report["established"]
    t.is_((e["reset"], e["hung"]), (0, 0),
          "power cut: no established connection reset or hung")
    t.is_(watch.holders()["at_end"], [standby], "it alone has the addresses")
    rack.boot(active)
    rack.start_corosync(active)
    pair.start_node(active)
    t.is_(pair.wait_settled(), (standby, active), "the dead one is back")
    wait_line(pair, True, "and so is the line")


def main():
    with Rack(baud=115200) as rack:
        pair = Pair(rack, interval=f"{BEAT_MS}ms", misses=MISSES,
                    serial=115200)
        t.dump = pair.dump
        with t.part("settled"):
            pair.start()
            active, standby = pair.wait_settled()
            wait_line(pair, True, "the line is up")
            wait_well(pair)
            t.is_(line(pair, active)["interval_us"], BEAT_MS * 1000,
                  "it carries a sign of life each beat interval")
            was = roles(pair)
        with t.part("unplugged"):
            cable(rack, pair, was)
        with t.part("garbage"):
            garbage(rack, pair, was, standby)
        with t.part("wrong speed"):
            wrong_speed(rack, pair, was)
        with t.part("hang-up"):
            hang_up(rack, pair, was, standby)
        with t.part("networks lost"):
            networks_lost(rack, pair, was, active, standby)
        with t.part("power cut"):
            power_cut(rack, pair, active, standby)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
