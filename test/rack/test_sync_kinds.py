#!/usr/bin/python3
"""Connections of services by nat and tun, by mark and of UDP: what the standby
is told of each, as the wire has it, and what its kernel then has. Told by the
kernel itself, at the SYN, to a standby that joins, and by a syncd that knows
them from /proc only."""
import collections
import contextlib
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_resync import gently                             # noqa: E402
from pair import BIN, Pair                                  # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
TCP, UDP = 6, 17
NAT, TUN, DR = 0, 2, 3          # IP_VS_CONN_F_MASQ, _TUNNEL, _DROUTE
NOOUTPUT, METHOD = 0x80, 0x07
SO_RCVBUFFORCE = 33
MARK, MARKED = 7, 83
EACH = 5                        # connections of a kind
SYNC = socket.inet_aton("224.0.0.81"), 8848

Kind = collections.namedtuple("Kind", "name protocol port server method mark")
KINDS = (
    Kind("by-nat", TCP, 81, 80, NAT, 0),
    Kind("by-tun", TCP, 82, 82, TUN, 0),
    Kind("by-mark", TCP, MARKED, MARKED, DR, MARK),
    Kind("udp", UDP, 53, 53, DR, 0),
    Kind("udp-nat", UDP, 54, 5354, NAT, 0),
)
WORDS = {NAT: "nat", TUN: "tun", DR: "dr"}


def services(rack):
    out = ""
    for k in KINDS:
        what = (f"fwmark = {k.mark}" if k.mark else
                f"address = {rack.VIP}  port = {k.port}  protocol = "
                f"{'udp' if k.protocol == UDP else 'tcp'}")
        port = "" if k.mark else f"  port = {k.server}"
        rows = "".join(f"\tserver {rs} {{ address = {a}{port}  weight = 10 }}\n"
                       for rs, a in rack.RS.items())
        out += (f"service {k.name} {{ {what}\n\tscheduler = rr  method = "
                f"{WORDS[k.method]}\n{rows}}}\n")
    return out


def told(data):
    """The connections in a sync datagram: (protocol, client port, virtual
    port), (flags, mark, server, server's port); IPv4 only."""
    at = 8
    for _ in range(data[4]):
        kind, proto, size = struct.unpack_from("!BBH", data, at)
        flags, _, cport, vport, dport, mark, _ = struct.unpack_from(
            "!IHHHHII", data, at + 4)
        if kind == 0:
            dest = socket.inet_ntoa(data[at + 36 - 4:at + 36])
            yield (proto, cport, vport), (flags, mark, dest, dport)
        at += (size + 3) & ~3


class Wire:
    """What is said between the directors, from the bridges' side."""

    def __init__(self, rack):
        with rack.inside("lan"):
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                      socket.htons(0x0800))
        self.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.seen = collections.defaultdict(list)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            self.frame(self.sock.recv(4096))

    def frame(self, f):
        if f[12:14] != b"\x08\0" or f[23] != UDP or f[30:34] != SYNC[0]:
            return
        at = 14 + 4 * (f[14] & 15)
        if struct.unpack_from("!H", f, at + 2)[0] == SYNC[1]:
            for who, what in told(f[at + 8:]):
                self.seen[who].append(what)

    def forget(self):
        self.seen = collections.defaultdict(list)


def clients(rack):
    """{kind: [ports of a client's sockets]}; they stay open."""
    ports, socks = {}, []
    with rack.inside("client"):
        for k in KINDS:
            ports[k.name] = []
            for _ in range(EACH):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM
                                  if k.protocol == UDP else socket.SOCK_STREAM)
                s.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    s.connect((rack.VIP, k.port))
                socks.append((k, s))
                ports[k.name].append(s.getsockname()[1])
    for k, s in socks:
        for _ in range(4 if k.protocol == UDP else 0):
            with contextlib.suppress(OSError):      # nobody listens there
                s.send(b"x")
            time.sleep(0.02)
    return ports, socks


def right(rack, wire, ports, how):
    """All of them were told, each as it is."""
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: all((k.protocol, p, k.port) in wire.seen
                             for k in KINDS for p in ports[k.name]), 5, how)
    for k in KINDS:
        flags = k.method | (0 if k.method == NAT else NOOUTPUT)
        bad, missing = [], []
        for p in ports[k.name]:
            said = wire.seen.get((k.protocol, p, k.port))
            if not said:
                missing.append(p)
            for f, mark, dest, dport in said or ():
                if (f & (METHOD | NOOUTPUT) != flags or mark != k.mark or
                        dest not in rack.RS.values() or dport != k.server):
                    bad.append((hex(f), mark, dest, dport))
        t.ok(not bad and not missing, f"{how}: {k.name} is told as it is",
             f"wrong {bad}, not told {missing}")


def not_in_kernel(rack, node, ports):
    """{kind: ports}; a list of /proc can miss some: looked at again."""
    for _ in range(3):
        left = not_listed(rack, node, ports)
        if not any(left.values()):
            break
    return left


def not_listed(rack, node, ports):
    path = f"{rack.dir}/{node}/kinds"
    rack.run(node, f"{BIN}/connload list {path}")
    with open(path) as f:
        have = {(int(w[0]), int(w[1].rpartition(":")[2]),
                 int(w[2].rpartition(":")[2])): w[3].split("\t")[0]
                for w in (line.split(" ", 3) for line in f)}
    return {k.name: [p for p in ports[k.name]
                     if (k.protocol, p, k.port) not in have] for k in KINDS}


def joins(rack, pair, active, standby):
    rack.power_cut(standby)
    rack.boot(standby)
    rack.start_corosync(standby)
    pair.start_node(standby)
    gently(lambda: pair.status(active)["sync"]["full"], 30, "a full standby")


def path_back(rack, active):
    """Answers of servers that are reached by nat come back by the director."""
    for node in rack.NODES:
        rack.run(node, "sysctl -qw net.ipv4.ip_forward=1 "
                 "net.ipv4.conf.all.send_redirects=0 "
                 "net.ipv4.conf.eth0.send_redirects=0; "
                 f"iptables-legacy -t mangle -A PREROUTING -d {rack.VIP} -p tcp "
                 f"--dport {MARKED} -j MARK --set-mark {MARK}")
    for rs in rack.RS:
        rack.ns(rs, ["ip", "route", "add", f"{rack.CLIENT}/32", "via",
                     rack.ADDR[active]])


with Rack() as rack, t.part("kinds of connections"):
    pair = Pair(rack, scheduler="rr", interval="50ms", misses=6,
                extra=services(rack))
    t.dump = pair.dump
    pair.start()
    active, standby = pair.wait_settled()
    gently(lambda: pair.status(active)["sync"]["full"], 20, "a full standby")
    path_back(rack, active)
    wire = Wire(rack)
    wire.forget()
    ports, socks = clients(rack)
    right(rack, wire, ports, "as they begin")
    none = {k.name: [] for k in KINDS}
    t.is_(not_in_kernel(rack, active, ports), none, "the active has them")
    t.is_(not_in_kernel(rack, standby, ports), none, "so has the standby")
    wire.forget()
    joins(rack, pair, active, standby)
    right(rack, wire, ports, "to one that joins")
    t.is_(not_in_kernel(rack, standby, ports), none, "it has them")
    pair.kill(active, "yoke-syncd")
    pair.start_daemon(active, "yoke-syncd")
    gently(lambda: pair.status(active)["sync"]["full"], 20, "a full standby")
    wire.forget()
    joins(rack, pair, active, standby)
    right(rack, wire, ports, "by a syncd that was started late")
    t.is_(not_in_kernel(rack, standby, ports), none, "it has them")

sys.exit(t.done())
