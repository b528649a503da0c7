#!/usr/bin/python3
"""Copies of first packets: they leave before the packet itself, the standby needs
nothing else to know the connection, and nothing of them stays behind."""
import os
import socket
import struct
import sys
import time
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic                                 # noqa: E402

t = T()
CALM = {"interval": "50ms", "misses": 6}
SYNS = 12
SYN = 0x02
IP, IP6, UDP, TCP = 0x0800, 0x86dd, 17, 6
MIRROR_PORTS = (8850, 8851)
NOBODY, NOBODY6 = "10.77.0.99", "fd77::99"


def mac(node):
    return bytes.fromhex("02770000000" + node[1])


def checksum(data):
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def syn(rack, node, port, v6):
    """A first packet as a frame, of a client that does not exist: no more comes
    of this connection."""
    family = socket.AF_INET6 if v6 else socket.AF_INET
    src = socket.inet_pton(family, NOBODY6 if v6 else NOBODY)
    dst = socket.inet_pton(family, rack.VIP6 if v6 else rack.VIP)
    tcp = struct.pack("!HHIIBBHHH", port, 80, 7, 0, 0x50, SYN, 8192, 0, 0)
    pseudo = src + dst + struct.pack("!HH", TCP, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    if v6:
        head = struct.pack("!IHBB", 0x60000000, len(tcp), TCP, 64) + src + dst
    else:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 1, 0, 64, TCP,
                           0) + src + dst
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return (mac(node) + mac("d9") + struct.pack("!H", IP6 if v6 else IP) +
            head + tcp)


def send_syns(rack, node, ports, v6):
    with rack.inside("client"):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind(("eth0", 0))
    with s:
        for port in ports:
            s.send(syn(rack, node, port, v6))


def servers(rack, node, v6):
    """{client's port: server} of the connections of nobody, in the kernel."""
    out = {}
    who = NOBODY6 if v6 else NOBODY
    for line in rack.run(node, "ipvsadm -lcn").splitlines():
        f = line.split()
        if len(f) >= 6 and f[0] == "TCP" and who in f[3]:
            out[int(f[3].rpartition(":")[2])] = f[5]
    return out


class Wire:
    """What a director's card sends, in its order."""

    def __init__(self, rack, dev):
        with rack.inside("lan"):
            self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                   socket.htons(3))
            self.s.bind((dev, 0))
        self.s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)
        self.s.settimeout(0.1)
        self.frames, self.on = [], True
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while self.on:
            try:
                data, address = self.s.recvfrom(2048)
            except TimeoutError:
                continue
            if address[2] != socket.PACKET_OUTGOING:
                self.frames.append(data)

    def end(self):
        self.on = False
        self.thread.join()
        self.s.close()
        return self.frames


def port_of_syn(frame, vip):
    """The client's port, if that is a first packet for the VIP."""
    if len(frame) < 54 or struct.unpack("!H", frame[12:14])[0] != IP or \
            frame[23] != TCP or frame[30:34] != vip:
        return None
    at = 14 + 4 * (frame[14] & 15)
    if frame[at + 13] & 0x12 != SYN:
        return None
    return struct.unpack("!H", frame[at:at + 2])[0]


def in_copy(frame):
    """The frame that a copy carries."""
    if len(frame) < 50 or frame[12:14] != b"\x08\x00" or frame[23] != UDP:
        return None
    at = 14 + 4 * (frame[14] & 15)
    if struct.unpack("!H", frame[at + 2:at + 4])[0] not in MIRROR_PORTS:
        return None
    return frame[at + 16:]


def order(frames, vip):
    """(first packets that left after their copy, before it or without one)"""
    copied, after, before = set(), 0, 0
    for frame in frames:
        inner = in_copy(frame)
        if inner is not None:
            copied.add(port_of_syn(inner, vip))
            continue
        port = port_of_syn(frame, vip)
        if port is None:
            continue
        if port in copied:
            after += 1
        else:
            before += 1
    return after, before


def leave_first(rack, pair, active):
    wire = Wire(rack, f"{active}e0")
    with Traffic(rack, rate=150, established=5, young_rate=50) as load:
        load.wait_ready()
        wait_for(lambda: len(wire.frames) > 3000, 20, "frames")
        load.mark()
    after, before = order(wire.end(), socket.inet_aton(rack.VIP))
    t.ok(after > 100 and before == 0, "each first packet leaves after its copy",
         f"{after} after, {before} before")


def enough(rack, pair, active, standby):
    """Neither the kernel nor yoke-syncd says anything of these: the one waits for
    the client's ACK, the other is stopped."""
    wait_for(lambda: pair.status(standby)["sync"]["copies"] > 0, 5, "copies")
    pair.kill(active, "yoke-syncd", "STOP")
    for v6, first in ((False, 31000), (True, 32000)):
        name = "IPv6" if v6 else "IPv4"
        ports = range(first, first + SYNS)
        send_syns(rack, active, ports, v6)
        mine = wait_for(lambda: len(servers(rack, active, v6)) == SYNS and
                        servers(rack, active, v6), 5, "the active's")
        wait_for(lambda: servers(rack, standby, v6) == mine, 5, "the same")
        t.is_(servers(rack, standby, v6), mine,
              f"{name}: copies alone, and each with its server")
        t.ok(len(set(mine.values())) > 1, "which are several", mine)
    pair.kill(active, "yoke-syncd", "CONT")


def device(rack, node):
    return rack.run(node, "ip -o link show type vxlan").strip()


def filters(rack, node, nic="eth0"):
    return rack.run(node, f"tc filter show dev {nic} egress").count("mirred")


def on(rack, node):
    return device(rack, node) != "" and filters(rack, node) == 1


def off(rack, node):
    """No copies; the queue for them may be there."""
    return device(rack, node) == "" and \
        "mirred" not in rack.run(node, "for i in $(ls /sys/class/net); do "
                                 "tc filter show dev $i egress; done")


def clean(rack, node):
    return off(rack, node) and "clsact" not in rack.run(node, "tc qdisc show")


class Queue:
    """The queue of a busy card: to make it or take it away stops the card for a
    moment, and what leaves then is lost (net/sched/sch_api.c, qdisc_graft). A new
    one counts from nothing."""

    def __init__(self, rack, node):
        self.rack, self.node = rack, node
        self.seen = wait_for(self.passed, 10, f"packets by {node}'s queue")

    def passed(self):
        out = self.rack.run(self.node, "tc -s qdisc show dev eth0")
        at = out.find("clsact")
        return int(out[at:].split(" pkt")[0].rsplit(None, 1)[1]) \
            if at >= 0 else 0

    def same(self, when):
        now = self.passed()
        t.ok(now >= self.seen, f"{when}: the queue is the same",
             f"{self.seen} packets before, {now} after")
        self.seen = now


def leaves_nothing(rack, pair, active, standby):
    t.ok(off(rack, standby), "a standby has neither device nor copies",
         rack.run(standby, "ip -o link; tc qdisc"))
    rack.run(active, "ip link add new0 type dummy && ip link set new0 up; "
             "modprobe -d /run cls_matchall;"
             "tc qdisc add dev new0 clsact;"
             "tc filter add dev new0 egress pref 9 matchall action pass")
    wait_for(lambda: filters(rack, active, "new0") == 1, 10, "a filter")
    t.ok(True, "a card that comes has one too")
    pair.kill(active, "yoke-syncd")
    pair.start_daemon(active, "yoke-syncd")
    wait_for(lambda: pair.status(active)["sync"]["mirror"], 10, "again")
    t.ok(on(rack, active), "killed and started: one device, one filter",
         rack.run(active, "ip -o link; tc filter show dev eth0 egress"))
    pair.kill(standby, "yoke-syncd", "TERM")
    wait_for(lambda: clean(rack, standby), 5, "its end")
    t.ok(True, "a standby's that ends leaves nothing")
    pair.start_daemon(standby, "yoke-syncd")
    wait_for(lambda: pair.status(standby)["sync"]["mirror"], 10, "again")
    pair.kill(active, "yoke-syncd", "TERM")
    wait_for(lambda: off(rack, active), 5, "its end")
    t.ok(True, "an active's that ends leaves its queues only")
    pair.start_daemon(active, "yoke-syncd")
    wait_for(lambda: pair.status(active)["sync"]["mirror"], 10, "again")


def stays(rack, pair, active, standby):
    queue, other = Queue(rack, active), Queue(rack, standby)
    rack.run(active, "ip link add new1 type dummy && ip link set new1 up")
    wait_for(lambda: filters(rack, active, "new1") == 1, 10, "a filter")
    queue.same("a card comes")
    rack.run(active, "ip link del new1")
    pair.kill(active, "yoke-syncd")
    pair.start_daemon(active, "yoke-syncd")
    wait_for(lambda: pair.status(active)["sync"]["mirror"], 10, "again")
    queue.same("killed and started")
    pair.kill(active, "yoke-syncd", "TERM")
    wait_for(lambda: off(rack, active), 5, "its end")
    pair.start_daemon(active, "yoke-syncd")
    wait_for(lambda: pair.status(active)["sync"]["mirror"], 10, "again")
    queue.same("ended and started")
    pair.yoke(active, "reload")
    queue.same("reloaded")
    return queue, other


def echo_by(rack, node):
    """A ping of the director itself, as a stranger would put it into the device:
    in a datagram to its port, with the number that copies have."""
    me, to = (socket.inet_aton(a) for a in (NOBODY, rack.ADDR[node]))
    icmp = struct.pack("!BBHHH", 8, 0, 0, 0x7777, 1)
    icmp = icmp[:2] + struct.pack("!H", checksum(icmp)) + icmp[4:]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(icmp), 1, 0, 64, 1, 0) + \
        me + to
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return (struct.pack("!II", 0x08000000, (10 + int(node[1])) << 8) +
            b"\xff" * 6 + mac("d9") + b"\x08\x00" + head + icmp)


def takes_nothing(rack, pair, active):
    """Port and number of the device are those of d1 (8851) or d2 (8850)."""
    def seen():
        return int(rack.run(active, "cat /sys/class/net/yoke-syn*/statistics/"
                                    "rx_packets"))
    def asked():
        return rack.run(active, "ip neigh show " + NOBODY).strip()
    before = seen()
    with rack.inside("client"), \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(5):
            s.sendto(echo_by(rack, active),
                     (rack.ADDR[active], 8851 if active == "d1" else 8850))
    wait_for(lambda: seen() == before + 5, 5, "they came")
    t.is_(asked(), "", "what a stranger sends to the device goes nowhere")


HOLD = """python3 -SE -c "
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('0.0.0.0', {port}))
time.sleep(60)" """


def tries_again(rack, pair, standby):
    """Somebody has the standby's port when yoke-syncd starts."""
    pair.kill(standby, "yoke-syncd")
    pid = rack.spawn(standby, "exec " + HOLD.format(
        port=8850 if standby == "d1" else 8851).strip())
    wait_for(lambda: rack.run(standby, "ss -Hnul 'sport >= 8850'").strip(), 5,
             "the port is taken")
    pair.start_daemon(standby, "yoke-syncd")
    wait_for(lambda: pair.status(standby)["sync"]["phase"] == "full", 10,
             "it follows")
    until = time.monotonic() + 2.5      # it looks every second
    held = []
    while time.monotonic() < until:
        held.append(pair.status(standby)["sync"]["mirror"])
    t.ok(held and not any(held), "the port is taken: status says so")
    rack.run(standby, f"kill {pid}")
    wait_for(lambda: pair.status(standby)["sync"]["mirror"], 10, "again")
    t.ok(True, "and it listens as soon as it can")


def goes_along(rack, pair, active, standby):
    queue, other = stays(rack, pair, active, standby)
    pair.yoke(active, "switch")
    pair.wait_role(standby, "active")
    wait_for(lambda: on(rack, standby) and off(rack, active), 10, "moved")
    t.ok(on(rack, standby) and off(rack, active),
         "after a switch the other director copies")
    queue.same("a standby now")
    other.same("active now")
    wait_for(lambda: pair.status(active)["sync"]["full"], 10, "full")
    before = pair.status(active)["sync"]["copies"]
    wait_for(lambda: rack.fetch() and
             pair.status(active)["sync"]["copies"] >= before + 5, 10,
             "copies there")
    t.ok(True, "and this one hears them")
    pair.kill(active, "yoke-syncd", "TERM")
    wait_for(lambda: off(rack, active), 5, "its end")
    q = rack.run(active, "tc qdisc show")
    t.ok(q.count("clsact") == 1 and
         "matchall" in rack.run(active, "tc filter show dev new0 egress"),
         "ended as a standby: the operator's own queue and filter stay", q)


with Rack() as rack, t.part("copies"):
    pair = Pair(rack, scheduler="rr", **CALM)
    t.dump = pair.dump
    pair.start()
    active, standby = pair.wait_settled()
    wait_for(lambda: pair.status(active)["sync"]["mirror"] and
             pair.status(standby)["sync"]["full"], 10, "copies")
    leave_first(rack, pair, active)
    takes_nothing(rack, pair, active)
    enough(rack, pair, active, standby)
    leaves_nothing(rack, pair, active, standby)
    tries_again(rack, pair, standby)
    goes_along(rack, pair, active, standby)

sys.exit(t.done())
