#!/usr/bin/python3
"""Policies over a takeover: weights by what agents say, the power cut of the
active director, and the other one's policy that goes on from there: the table
and the kernel as before, nothing moves while the servers stay as they are, and
weights follow when they do not."""
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bench_ill import HONEST, PORT_AGENT, start_agent       # noqa: E402
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
SERVICE = """\
service web {{
	address = {vip}
	port = 80
	scheduler = wrr
	method = dr
	check alive {{ type = http  path = /health  interval = 1s }}
	check load {{ type = agent  port = {port}  interval = 500ms }}
	policy {{ type = load  cpu = 1  memory = 0  smoothing = 1s }}
{servers}}}
"""
LOADS = {"rs1": 100, "rs2": 500, "rs3": 800}
WATCHED_S = 8           # after a takeover: eight decisions
SLACK = 0.15            # of a weight: no agent's word is exactly the same


class PolicyPair(Pair):
    def services(self):
        rows = "".join(f"\tserver {rs} {{ address = {a}  weight = 1000 }}\n"
                       for rs, a in self.rack.RS.items())
        return SERVICE.format(vip=self.rack.VIP, port=PORT_AGENT, servers=rows)


def say(agents, loads):
    for rs, load in loads.items():
        agents[rs].says = HONEST.replace("300", str(load))


def near(weights, loads):
    """Each as its server's free part of what all have."""
    free = {rs: 1000 - v for rs, v in loads.items()}
    want = {rs: 3000 * v / sum(free.values()) for rs, v in free.items()}
    return all(abs(weights[rs] - want[rs]) < 0.1 * want[rs] for rs in want)


def kernel_weights(pair, node):
    return {line.split()[3]: line.split()[-1] for line in pair.kernel(node)
            if line.startswith("-a")}


def takeover(rack, pair, agents, active, standby):
    before, kernel = pair.table(active)["web"], kernel_weights(pair, standby)
    t.is_(pair.table(standby)["web"], before, "the standby has the weights")
    rack.power_cut(active)
    pair.wait_role(standby, "active", 10)
    first = pair.table(standby)["web"]
    t.is_(first, before, "the table after the takeover is the one before")
    t.is_(kernel_weights(pair, standby), kernel, "and so is the kernel's")
    seen, end = [first], time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        seen.append(pair.table(standby)["web"])
        time.sleep(0.2)
    off = max(abs(w[rs] - before[rs]) / before[rs] for w in seen for rs in w)
    t.ok(off <= SLACK, "it goes on from there: no weight starts over",
         f"{100 * off:.0f} % at most: {before} {seen[-1]}")
    say(agents, dict(zip(LOADS, reversed(LOADS.values()))))
    turned = dict(zip(LOADS, reversed(LOADS.values())))
    wait_for(lambda: near(pair.table(standby)["web"], turned), 30,
             "weights of the new active one to follow")
    t.ok("load" in pair.yoke(standby, "why web rs1"),
         "the new active's policy follows its servers, and says why",
         pair.yoke(standby, "why web rs1"))


def main():
    with Rack() as rack:
        pair = PolicyPair(rack, interval="50ms", misses=6)
        agents = {rs: start_agent(rack, rs) for rs in rack.RS}
        say(agents, LOADS)
        pair.start()
        t.dump = pair.dump
        active, standby = pair.wait_settled()
        wait_for(lambda: near(pair.table(active)["web"], LOADS), 30,
                 "weights by what agents say")
        wait_for(lambda: pair.table(standby) == pair.table(active), 5,
                 "the standby to have them")
        t.ok(True, "weights follow what agents say")
        takeover(rack, pair, agents, active, standby)
    sys.exit(t.done())


if __name__ == "__main__":
    main()
