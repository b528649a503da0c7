#!/usr/bin/python3
"""PPP over the serial line as another network: a udp path of yoke's and a link
of corosync's. With both cards of the standby cut the pair goes on over it.

Needs Debian's ppp; not part of make check: it shows what yoke.conf(5) says about
PPP, in about half a minute."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import corosync                                             # noqa: E402
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
ADDR = {"d1": "10.77.2.1", "d2": "10.77.2.2"}
SPEED = 921600
PPPD = ("mknod /dev/ppp c 108 0 2>/dev/null; modprobe -d /run -a ppp_generic "
        "ppp_async; exec pppd {line} {speed} local nocrtscts noauth nodetach "
        "persist maxfail 0 holdoff 1 noipv6 nodefaultroute "
        "lcp-echo-interval 1 lcp-echo-failure 5 {own}:{peer}")


class PppPair(Pair):
    def conf(self, **more):
        text = super().conf(**more)
        for node, cross in self.rack.CROSS.items():
            row = f"path net2 {{ device = eth1  address = {cross} }}"
            text = text.replace(row, f"{row}\n\tpath ppp {{ device = ppp0  "
                                f"address = {ADDR[node]} }}")
        return text


def start_ppp(rack, node, other):
    rack.spawn(node, PPPD.format(line=rack.SERIAL, speed=SPEED,
                                 own=ADDR[node], peer=ADDR[other]),
               log=f"{rack.dir}/{node}/pppd.log")


def start_corosync(rack, node):
    """A third link, used when the other two are down."""
    text = corosync.conf(f"{rack.dir}/{node}/corosync.log",
                         link_mode="passive")
    for n in rack.NODES:
        row = f"ring1_addr: {rack.CROSS[n]}\n"
        text = text.replace(row, row + f"\t\tring2_addr: {ADDR[n]}\n")
    links = "".join(f"\tinterface {{\n\t\tlinknumber: {i}\n"
                    f"\t\tknet_link_priority: {p}\n\t}}\n"
                    for i, p in ((0, 10), (1, 9), (2, 1)))
    text = text.replace("}\nnodelist", links + "}\nnodelist", 1)
    rack.put(node, "/etc/corosync/corosync.conf", text)
    rack.spawn(node, "exec corosync -f",
               log=f"{rack.dir}/{node}/corosync.out")


def paths_up(pair, node):
    return {p["name"] for p in pair.status(node)["paths"] if p["up"]}


def cut_cards(rack, pair, active, standby):
    before = {n: len(pair.status(n)["transitions"]) for n in rack.NODES}
    for nic in ("eth0", "eth1"):
        rack.nic(standby, nic, False)
    wait_for(lambda: all(paths_up(pair, n) == {"ppp"} for n in rack.NODES),
             8, "only ppp is left")
    t.ok(True, "both cards cut: PPP is left")
    pair.yoke(active, "server weight web rs1 37")
    wait_for(lambda: pair.table(standby)["web"]["rs1"] == 37, 8,
             "a change by corosync over PPP")
    t.ok(True, "changes still reach the standby, by corosync over PPP")
    t.is_({n: len(pair.status(n)["transitions"]) for n in rack.NODES},
          before, "no role changed")
    for nic in ("eth0", "eth1"):
        rack.nic(standby, nic, True)
    wait_for(lambda: all(len(paths_up(pair, n)) == 3 for n in rack.NODES),
             8, "all paths")
    t.is_(pair.wait_settled(), (active, standby), "cards back: settled")


def main():
    with Rack(baud=SPEED) as rack:
        pair = PppPair(rack, interval="50ms", misses=6, corosync=False)
        t.dump = pair.dump
        with t.part("ppp"):
            for node, other in (("d1", "d2"), ("d2", "d1")):
                start_ppp(rack, node, other)
            wait_for(lambda: "ttl=" in rack.run(
                "d1", f"ping -c1 -W1 {ADDR['d2']}", check=False), 15, "ppp")
            t.ok(True, "PPP runs over the serial line")
            t.note(rack.run("d1", f"ping -q -c20 -i.05 {ADDR['d2']}",
                            timeout=9, check=False).splitlines()[-1])
            rack.each(lambda n: start_corosync(rack, n))
            pair.start()
            active, standby = pair.wait_settled(30)
            wait_for(lambda: all(len(paths_up(pair, n)) == 3
                                 for n in rack.NODES), 8, "all paths")
            t.ok(True, "it is a path beside the two cards")
            cut_cards(rack, pair, active, standby)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
