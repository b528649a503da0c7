#!/usr/bin/python3
"""Checks with through = vip: real IPVS carries each probe to its server, by dr
(IPv4, IPv6, UDP) and by tun (a machine whose kernel unpacks it). A server that
does not answer for the VIP is down, and well by its own address; so it is for
either director; the kernel has nothing of it left when it is not wanted."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import CONF, Pair                                 # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
TUN = "rs4"                     # a machine: namespaces have no ipip here
TUN_ADDR = "10.77.0.3"
ACCEPT = "net.ipv4.conf.eth0.accept_local"
ALIVE = ("interval = 200ms  timeout = 400ms  rise = 2  fall = 2"
         "  through = vip")

SERVE = f"""\
set -e
modprobe -d /run ipip
sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2 \\
	net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0
ip link set tunl0 up
sysctl -qw net.ipv4.conf.tunl0.rp_filter=0
ip addr add {{vip}}/32 dev lo
mkdir -p /run/www && cd /run/www && echo ok >health
"""


def services(rack):
    dr, dr6 = ("".join(f"\tserver {n} {{ address = {a} }}\n" for n, a in
                       sorted(where.items())[:2])
               for where in (rack.RS, rack.RS6))
    http = "check vip { type = http  path = /health  " + ALIVE + " }"
    return f"""\
service through {{
	address = {rack.VIP}  port = 8080  scheduler = rr
	{http}
	check port {{ type = tcp  {ALIVE} }}
{dr}	server tun {{ address = {TUN_ADDR}  method = tun }}
}}
service through6 {{
	address = {rack.VIP6}  port = 8080  scheduler = rr
	{http}
{dr6}}}
service echo {{
	address = {rack.VIP}  port = 53  protocol = udp  scheduler = rr
	check vip {{ type = udp  send = x  body = x  {ALIVE} }}
	server rs1 {{ address = {rack.RS["rs1"]} }}
	server rs2 {{ address = {rack.RS["rs2"]} }}
}}
"""


def echo(rack, role):
    """Answers for the VIP alone, from it."""
    with rack.inside(role):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((rack.VIP, 53))

    def run():
        while True:
            data, who = s.recvfrom(100)
            s.sendto(data, who)
    threading.Thread(target=run, daemon=True).start()


def serve(rack):
    rack.run(TUN, SERVE.format(vip=rack.VIP), timeout=20)
    rack.spawn(TUN, "cd /run/www; exec python3 -m http.server 8080",
               log=f"{rack.dir}/{TUN}/http.log")
    for role in ("rs1", "rs2"):
        echo(rack, role)


def health(pair, node):
    return {f"{s['name']}/{v['name']}": v["health"]
            for s in pair.status(node)["services"] for v in s["servers"]}


def down(pair, node):
    return sorted(n for n, h in health(pair, node).items() if h == "down")


def not_up(pair, node):
    return sorted(n for n, h in health(pair, node).items() if h != "up")


def alarms(pair, node):
    return [a["name"] for a in pair.status(node)["alarms"]]


def soon(probe, want, what, deadline=15):
    got = None
    try:
        wait_for(lambda: probe() == want, deadline, what)
        got = want
    except TimeoutError:
        got = probe()
    t.is_(got, want, what)


def marks(rack, node):
    return [x for x in rack.run(node, "ipvsadm -Sn").splitlines() if " -f " in x]


def conns(rack, node):
    """Entries of IPVS that come from a director."""
    own = {"".join(f"{int(x):02X}" for x in a.split("."))
           for a in (rack.ADDR["d1"], rack.ADDR["d2"])}
    lines = rack.run(node, "cat /proc/net/ip_vs_conn").splitlines()[1:]
    return sum(x.split()[1] in own for x in lines)


def vip_of(rack, role, on):
    rack.ns(role, ["ip", "addr", "add" if on else "del", f"{rack.VIP}/32",
                   "dev", "lo"])


def judged(rack, pair, node):
    """What this director finds when a server loses its VIP, and gets it back."""
    other = pair_of(node)
    vip_of(rack, "rs1", False)
    gone = ["echo/rs1", "through/rs1"]
    soon(lambda: down(pair, node), gone,
         f"{node} active: rs1 without the VIP is down there, and only there")
    t.is_(health(pair, node)["web/rs1"], "up", "its own address answers")
    soon(lambda: down(pair, other), gone, "the standby has it so too")
    vip_of(rack, "rs1", True)
    soon(lambda: down(pair, node), [], "with it again it is up")
    rack.run(TUN, "ip link set tunl0 down")
    soon(lambda: down(pair, node), ["through/tun"],
         f"{node} active: without tunl0 that server alone is down")
    rack.run(TUN, "ip link set tunl0 up")
    soon(lambda: down(pair, node), [], "with it again it is up")


def pair_of(node):
    return "d2" if node == "d1" else "d1"


def counted(pair, node):
    """Connections that the status counts for the services."""
    return [f"{s['name']}/{v['name']}" for s in pair.status(node)["services"]
            for v in s["servers"] if v["active"] or v["inactive"]]


def sysctl(rack, value):
    for node in rack.NODES:
        rack.run(node, f"sysctl -qw {ACCEPT}={value}")


with Rack(more=(TUN,)) as rack, t.part("through the VIP"):
    serve(rack)
    pair = Pair(rack, scheduler="rr", interval="50ms", misses=6,
                extra=services(rack))
    t.dump = pair.dump
    pair.start()
    active, standby = pair.wait_settled()

    for node in (active, standby):
        soon(lambda n=node: "through-vip" in alarms(pair, n), True,
             f"{node}: an alarm says that its kernel drops the answers")
    soon(lambda: health(pair, active)["through6/rs1"], "up",
         "IPv6 needs no sysctl")
    t.is_(not_up(pair, active), ["echo/rs1", "echo/rs2", "through/rs1",
                                 "through/rs2", "through/tun"],
          "nothing is known of the others ...")
    t.is_(down(pair, active), [], "... nor held against them")
    sysctl(rack, 1)
    soon(lambda: not_up(pair, active), [], "with accept_local all are up")
    t.is_([alarms(pair, n).count("through-vip") for n in (active, standby)],
          [0, 0], "and the alarms are gone")
    # rs1, rs2: one for dr, shared by services; IPv6: one each; one for tun
    t.is_([len([x for x in marks(rack, n) if x.startswith("-A")])
           for n in (active, standby)], [5, 5], "a service for each server")

    judged(rack, pair, active)
    t.is_([counted(pair, n) for n in (active, standby)], [[], []],
          "no probe counts as a client's connection, on either director")
    t.note(f"entries of probes in the kernels: {conns(rack, active)} and, "
           f"synchronised, {conns(rack, standby)}")
    one = marks(rack, active)[0].split()[2]
    rack.run(active, f"ipvsadm -D -f {one}")
    soon(lambda: any(f"-f {one} " in x for x in marks(rack, active)), True,
         "one removed by hand comes back")

    pair.yoke(active, "switch")
    active, standby = standby, active
    pair.wait_role(active, "active")
    pair.wait_settled()
    soon(lambda: not_up(pair, active), [], "after a switch all are up")
    pair.kill(active, "yoke-monitord")
    pair.start_daemon(active, "yoke-monitord")      # it is told the paths anew
    judged(rack, pair, active)

    rack.run(standby, f"sysctl -qw {ACCEPT}=0")
    soon(lambda: "through-vip" in alarms(pair, standby), True,
         "a standby that could not judge says so before it has to")
    rack.run(standby, f"sysctl -qw {ACCEPT}=1")

    pair.kill(standby, "yoked", "TERM")
    soon(lambda: marks(rack, standby), [], "an orderly stop takes them along")
    pair.start_daemon(standby, "yoked")
    pair.wait_settled()
    soon(lambda: len(marks(rack, standby)) > 0, True, "they are there again")
    pair.kill(standby, "yoked", "KILL")
    plain = pair.conf(extra=services(rack).replace("  through = vip", ""))
    rack.put(standby, CONF, plain)
    pair.start_daemon(standby, "yoked")
    pair.wait_settled()
    soon(lambda: marks(rack, standby), [],
         "what a killed yoked left is taken away by the next, if unwanted")

    rack.put(active, CONF, plain)
    pair.yoke(active, "reload")
    soon(lambda: marks(rack, active), [], "without the checks, none is left")
    soon(lambda: not_up(pair, active), ["echo/rs1", "echo/rs2"],
         "and the servers are asked by their own addresses, where echo does "
         "not listen")

sys.exit(t.done())
