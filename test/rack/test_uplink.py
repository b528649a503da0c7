#!/usr/bin/python3
"""The uplink (carrier, witnesses) and the addresses among others: what is lost,
touched by hand or claimed by somebody else is seen, put right and reported.

usage: test_uplink.py [PART...]
  touched fight standby duplicate flood reload carrier uplink"""
import json
import os
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import CONF, Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Watch                                   # noqa: E402

t = T()
BACK_MS = 300       # an address that was touched is back after this
CALM = {"interval": "50ms", "misses": 6}    # where speed is not the question
UPLINK = ("uplink { witness = { gateway, fd77::100, 192.0.2.1 }  need = 2\n"
          "misses = 5 }")


def alarms(status):
    """{name: texts of the alarms of that name}"""
    out = {}
    for a in status["alarms"]:
        out[a["name"]] = out.get(a["name"], "") + a["text"] + "; "
    return out


def vip(pair, node, n):
    return pair.status(node)["vips"][n]


def addrs(rack, node):
    """{(address, prefix): seconds of life} of eth0, by the node's kernel."""
    out = json.loads(rack.run(node, "ip -j addr show dev eth0"))
    return {(a["local"], a["prefixlen"]): a["valid_life_time"]
            for a in out[0]["addr_info"]}


def touched(pair, node, n, count, what):
    wait_for(lambda: vip(pair, node, n)["touched"] >= count, 5, what)


def gap(watch, since):
    return watch.holders(t0=since)["longest_gap_ms"]


class Raised:
    def __init__(self, rack, **options):
        self.rack = rack
        rack.ns("client", ["ip", "addr", "add", "192.0.2.1/32", "dev", "lo"])
        rack.each(lambda n: rack.run(n, "ip route add default via "
                                     f"{rack.CLIENT}"))
        self.pair = Pair(rack, **{**CALM, **options})
        t.dump = self.pair.dump
        self.pair.start()
        self.active, self.standby = self.pair.wait_settled()
        self.watch = Watch(rack)
        self.watch6 = Watch(rack, rack.VIP6)
        for node in rack.NODES:
            self.watch.start(node)
            self.watch6.start(node)

    def by_hand(self, what, cmd, n, watch, counted=True):
        """A command on the active one, and how long nobody had the VIP.
        counted: as touched by others; a renewal that is due just then puts it
        back as well, and what goes with its interface may go unseen."""
        count = vip(self.pair, self.active, n)["touched"]
        since = time.time()
        self.rack.run(self.active, cmd)
        if counted:
            touched(self.pair, self.active, n, count + 1, what)
        wait_for(lambda: watch.holders(t0=since)["at_end"] == [self.active],
                 5, "the VIP back")
        lost = gap(watch, since)
        t.ok(lost < BACK_MS + watch.seen_ms(), f"{what}: back within {BACK_MS} ms", lost)
        t.note(f"{what}: gone for {lost:.1f} ms")


def part_touched(r):
    rack, pair, a = r.rack, r.pair, r.active
    r.by_hand("deleted by hand", f"ip addr del {rack.VIP}/32 dev eth0", 0,
              r.watch)
    r.by_hand("IPv6 deleted by hand",
              f"ip addr del {rack.VIP6}/128 dev eth0", 1, r.watch6)
    r.by_hand("all of IPv6 flushed", "ip -6 addr flush dev eth0 scope global;"
              f"ip addr add {rack.ADDR6[a]}/64 dev eth0 nodad", 1, r.watch6)
    r.by_hand("interface off and on", "ip link set eth0 down; "
              "ip link set eth0 up; ip route add default via "
              f"{rack.CLIENT}; ip addr replace {rack.ADDR6[a]}/64 dev eth0 "
              "nodad", 1, r.watch6, counted=False)
    t.ok("vip" in alarms(pair.status(a)), "it is an alarm",
         pair.status(a)["alarms"])

    def changed(what, cmd, n, good):
        count = vip(pair, a, n)["touched"]
        rack.run(a, cmd)
        touched(pair, a, n, count + 1, what)
        wait_for(lambda: good(addrs(rack, a)), 2, f"{what}: repair")
        t.ok(True, f"{what}: put right")
    changed("lifetime for ever", f"ip addr change {rack.VIP}/32 dev eth0 "
            "valid_lft forever preferred_lft forever", 0,
            lambda have: have[rack.VIP, 32] <= 1)
    changed("another prefix", f"ip addr add {rack.VIP}/24 dev eth0", 0,
            lambda have: (rack.VIP, 24) not in have and
            (rack.VIP, 32) in have)
    # before yoked gets to it
    pid = pair.status(a)["pid"]
    changed("another prefix of IPv6", f"kill -STOP {pid}; ip addr del "
            f"{rack.VIP6}/128 dev eth0; ip addr add {rack.VIP6}/64 dev eth0 "
            f"nodad; kill -CONT {pid}", 1,
            lambda have: (rack.VIP6, 64) not in have and
            (rack.VIP6, 128) in have)
    t.is_(pair.role(a), "active", "none of it moved the service")


def part_fight(r):
    rack, pair, a = r.rack, r.pair, r.active
    count, start = vip(pair, a, 0)["touched"], time.monotonic()
    rack.run(a, f"i=0; while [ $i -lt 40 ]; do ip addr del {rack.VIP}/32 dev "
             "eth0 2>/dev/null; sleep 0.05; i=$((i+1)); done", timeout=20)
    took = time.monotonic() - start
    wait_for(lambda: rack.has_vip(a), 2, "the VIP back")
    done = vip(pair, a, 0)["touched"] - count
    t.ok(5 <= done <= took * 5 + 2,
         "deleted again and again: at most 5 repairs a second",
         f"{done} in {took:.1f} s")
    text = alarms(pair.status(a)).get("vip", "")
    t.ok("fight" in text, "and the alarm says so", text)


def part_standby(r):
    rack, pair, b = r.rack, r.pair, r.standby
    since = time.time()
    rack.run(b, f"ip addr add {rack.VIP}/32 dev eth0;"
             f"ip addr add {rack.VIP6}/128 dev eth0 nodad;"
             f"ip addr add {rack.VIP}/32 dev lo")
    wait_for(lambda: vip(pair, b, 0)["intruded"] == 1 and
             vip(pair, b, 1)["intruded"] == 1, 5, "both to be noticed")
    wait_for(lambda: (rack.VIP, 32) not in addrs(rack, b) and
             (rack.VIP6, 128) not in addrs(rack, b), 2, "their end")
    t.ok(rack.VIP in rack.run(b, "ip addr show dev lo"),
         "what is on another interface is left alone")
    rack.run(b, f"ip addr del {rack.VIP}/32 dev lo")
    both = r.watch6.holders(t0=since)["longest_overlap_ms"]
    t.ok(both < 100 + r.watch6.seen_ms(), "added by hand on the standby: taken away", both)
    t.note(f"two holders for {both:.1f} ms")
    t.ok("vip" in alarms(pair.status(b)), "it is an alarm there")
    time.sleep(0.6)     # two renewals of the active one
    t.is_(vip(pair, b, 0)["intruded"], 1, "once was enough")


def mac_of(rack, role):
    return json.loads(rack.ns(role, ["ip", "-j", "link", "show", "eth0"])
                      )[0]["address"]


def gratuitous(rack, role, addr):
    """An ARP announcement of addr, from a namespace."""
    mac = bytes.fromhex(mac_of(rack, role).replace(":", ""))
    ip = socket.inet_aton(addr)
    with rack.inside(role), socket.socket(socket.AF_PACKET,
                                          socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        s.send(b"\xff" * 6 + mac + b"\x08\x06\0\x01\x08\0\x06\x04\0\x01" +
               mac + ip + b"\0" * 6 + ip)


def part_duplicate(r):
    rack, pair = r.rack, r.pair
    t.is_([vip(pair, n, i)["duplicate"]["mac"] for n in rack.NODES
           for i in (0, 1)], [None] * 4, "no duplicate yet")
    gratuitous(rack, "rs2", rack.VIP)
    wait_for(lambda: vip(pair, r.active, 0)["duplicate"]["mac"], 3,
             "the claim to be heard")
    dup = vip(pair, r.active, 0)["duplicate"]
    t.is_((dup["mac"], dup["peer"]), (mac_of(rack, "rs2"), False),
          "a claim of another host is heard, with its hardware address")
    t.ok("duplicate" in alarms(pair.status(r.active)), "it is an alarm")
    # silent ones: only a question finds them; asked after a takeover
    for a in (f"{rack.VIP}/32", f"{rack.VIP6}/128"):
        rack.ns("rs3", ["ip", "addr", "add", a, "dev", "eth0"] +
                (["nodad"] if ":" in a else []))
    pair.yoke(r.active, "switch")
    pair.wait_role(r.standby, "active")
    r.active, r.standby = pair.wait_settled()
    for i, kind in enumerate(("IPv4", "IPv6")):
        wait_for(lambda: vip(pair, r.active, i)["duplicate"]["mac"] ==
                 mac_of(rack, "rs3"), 8, f"silent duplicate, {kind}")
        t.ok(True, f"a silent duplicate is found ({kind})")
    t.ok("CLAIMED BY" in pair.yoke(r.active, "status", check=False),
         "the status says it")
    for a in (f"{rack.VIP}/32", f"{rack.VIP6}/128"):
        rack.ns("rs3", ["ip", "addr", "del", a, "dev", "eth0"])


def reload(r, node, uplink):
    r.pair.configure(node, extra=uplink)
    r.pair.yoke(node, "reload")


def witness(pair, node, n=0):
    return pair.status(node)["uplink"]["witnesses"][n]


def part_reload(r):
    """On the standby, whose uplink moves nothing."""
    rack, pair, b = r.rack, r.pair, r.standby
    rack.run(b, "ip route change default via 10.77.0.13")
    wait_for(lambda: (witness(pair, b)["address"], witness(pair, b)["up"]) ==
             ("10.77.0.13", True), 3, "the new gateway")
    t.ok(True, "a default route that changes is followed")
    rack.run(b, "ip route del default")
    wait_for(lambda: witness(pair, b)["problem"], 3, "no gateway")
    t.is_(witness(pair, b)["problem"], "there is no default route",
          "none is told")
    wait_for(lambda: not lost(pair, b), 5, "two of three to be enough")
    rack.run(b, f"ip route add default via {rack.CLIENT}")
    reload(r, b, "uplink { witness = { 10.77.0.99, 192.0.2.9 } }")
    wait_for(lambda: lost(pair, b), 5, "the loss")
    t.is_(pair.status(b)["uplink"]["why"],
          "0 of 2 witnesses answer, 1 must", "a reload names other witnesses")
    rack.run(b, "ip link add up0 type veth peer name up1;"
             "ip link set up0 up; ip link set up1 up")
    reload(r, b, "uplink { device = up0 }")
    wait_for(lambda: not lost(pair, b), 5, "the uplink on up0")
    rack.run(b, "ip link set up1 down")
    wait_for(lambda: lost(pair, b), 3, "the loss of carrier")
    t.is_(pair.status(b)["uplink"]["why"], "up0 has no carrier",
          "another device; its carrier goes")
    rack.run(b, "ip link del up0")
    wait_for(lambda: "does not exist" in pair.status(b)["uplink"]["why"], 3,
             "its end")
    rack.run(b, "ip link add up0 type veth peer name up1;"
             "ip link set up0 up; ip link set up1 up")
    wait_for(lambda: not lost(pair, b), 5, "the uplink on a new up0")
    t.ok(True, "a device that is replaced is found again")
    bad = pair.yoke(b, f"check {CONF}", check=False)
    t.is_(bad.returncode, 0, "yoke check likes it")
    pair.configure(b, extra=f"uplink {{ witness = {rack.VIP} }}")
    bad = pair.yoke(b, "reload", check=False)
    t.ok(bad.returncode != 0 and "is a vip" in bad,
         "a vip as a witness is refused", bad)
    reload(r, b, UPLINK)
    wait_for(lambda: len(pair.status(b)["uplink"]["witnesses"]) == 3 and
             all(w["up"] for w in pair.status(b)["uplink"]["witnesses"]), 3,
             "the first witnesses again")
    pair.wait_settled()


def flood(rack, a, pid):
    """Two seconds of claims; what they cost, in % of the director's core."""
    ip = socket.inet_aton(rack.VIP)

    def ticks():
        f = rack.run(a, f"cat /proc/{pid}/stat").rsplit(")", 1)[1].split()
        return int(f[11]) + int(f[12])
    before, sent, end = ticks(), 0, time.monotonic() + 2
    with rack.inside("rs2"), socket.socket(socket.AF_PACKET,
                                           socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        while time.monotonic() < end:
            mac = b"\x02" + os.urandom(5)
            s.send(b"\xff" * 6 + mac + b"\x08\x06\0\x01\x08\0\x06\x04\0"
                   b"\x02" + mac + ip + b"\xff" * 6 + ip)
            sent += 1
            if sent % 20 == 0:
                time.sleep(0.001)
    used = (ticks() - before) / 2
    t.note(f"{sent} claims in 2 s, yoked {used:.0f} % of its core")
    return used


def part_flood(r):
    """Claims of the VIP as fast as a host can, from ever other cards: yoked
    stays what it is, and cheap."""
    rack, pair, a = r.rack, r.pair, r.active
    epoch, seen = pair.status(a)["epoch"], []
    # by ticks of 10 ms: one window may see nothing but yoked
    while len(seen) < 3 and (not seen or seen[-1] > 20):
        seen.append(flood(rack, a, pair.pids[a, "yoked"]))
    t.ok(seen[-1] <= 20, "a flood of claims costs yoked little", seen)
    s = pair.status(a)
    t.is_((s["role"], s["epoch"], pair.role(r.standby)),
          ("active", epoch, "standby"), "and moves nothing")


def part_carrier(r):
    rack, pair, a, b = r.rack, r.pair, r.active, r.standby
    since = time.time()
    rack.run(a, "ip link set eth0 down")
    pair.wait_role(b, "active", 8)
    t.note(f"carrier lost to served elsewhere: {time.time() - since:.2f} s")
    t.is_([d["carrier"] for d in pair.status(a)["uplink"]["devices"]],
          [False], "no carrier: handed over")
    rack.run(a, f"ip link set eth0 up; ip addr add {rack.ADDR6[a]}/64 "
             f"dev eth0 nodad; ip route add default via {rack.CLIENT}")
    wait_for(lambda: not lost(pair, a), 5, "the uplink")
    r.active, r.standby = pair.wait_settled()
    t.is_(r.active, b, "back again: nothing fails back by itself")


def lost(pair, node):
    return not pair.status(node)["uplink"]["well"]


def part_uplink(r):
    rack, pair, a, b = r.rack, r.pair, r.active, r.standby
    u = pair.status(a)["uplink"]
    t.is_({w["name"]: (w["how"], w["up"]) for w in u["witnesses"]},
          {"gateway": ("arp", True), "fd77::100": ("nd", True),
           "192.0.2.1": ("icmp", True)}, "witnesses are asked, each its way")
    since = time.time()
    rack.nic(a, "eth0", False)
    wait_for(lambda: lost(pair, a), 3, "the loss to be seen")
    pair.wait_role(b, "active", 8)
    pair.wait_role(a, "standby", 5)
    t.note(f"unplugged to served elsewhere: {time.time() - since:.2f} s")
    s = pair.status(a)
    t.is_((s["uplink"]["well"], s["transitions"][1]["why"]),
          (False, "uplink-lost"), "the active lost its uplink: handed over")
    t.ok("uplink" in alarms(s), "it is an alarm", s["alarms"])
    h = r.watch.holders(t0=since)
    t.ok(h["longest_overlap_ms"] <= 100 + r.watch.seen_ms() and
         h["at_end"] == [b],
         "never two holders for long", h["longest_overlap_ms"])
    r.active, r.standby = a, b = b, a
    rack.nic(a, "eth0", False)
    wait_for(lambda: lost(pair, a), 3, "both losses to be seen")
    t.is_((pair.role(a), pair.role(b)), ("active", "standby"),
          "both lost it: nothing moves")
    rack.nic(a, "eth1", False)      # now it hears nobody either
    wait_for(lambda: not rack.has_vip(a), 5, "its release")
    t.is_(pair.status(a)["why"], "isolated",
          "the active that hears nobody and reaches nobody lets go")
    for node, nic in ((a, "eth0"), (a, "eth1"), (b, "eth0")):
        rack.nic(node, nic, True)
    wait_for(lambda: not lost(pair, a) and not lost(pair, b), 5, "uplinks")
    r.active, r.standby = pair.wait_settled()
    t.ok(True, "plugged in again: all is well")


PARTS = {"touched": part_touched, "fight": part_fight,
         "standby": part_standby, "duplicate": part_duplicate,
         "flood": part_flood, "reload": part_reload,
         "carrier": part_carrier, "uplink": part_uplink}

with Rack() as the_rack:
    raised = Raised(the_rack, extra=UPLINK)
    for name in sys.argv[1:] or PARTS:
        with t.part(name):
            PARTS[name](raised)
sys.exit(t.done())
