"""bench_memory: P3's two experiments on the rack: requests that take memory for
as long as they run, four real servers in control groups with a limit each, a
growing number of clients; the kernel's schedulers beside yoke's policies.

Scale: a client of the paper is four connections from an address of its own; 5,
12.5 and 15 MB are 1, 2.5 and 3 MB here (1:5), held for 2 s a MB (20 Mbit/s at the
paper's sizes); a server may use 44 MB (220 MB), in the mixed experiment 33 and
66. A server that runs out of memory is killed by the kernel, with all requests in
it, and away for 8 s.
"""
import contextlib
import os
import statistics
import subprocess
import threading
import time

import bench_noise
from cgroups import MemoryGroup
from pair import BIN, Pair
from rack import Rack, wait_for

CONNECTIONS = 4         # of a client
PORT_AGENT = 5490
MB = 1 << 20

SERVICE = """\
service web {{
	address = {vip}
	port = 80
	scheduler = {scheduler}
	method = dr
	check alive {{ type = http  path = /health  interval = 500ms
		timeout = 2s  rise = 1  fall = 2 }}
{policy}{servers}}}
"""
AGENT = """\
	check load {{ type = agent  port = {port}  interval = 100ms
		timeout = 1s }}
	policy {{ type = load  cpu = 0  memory = 1  interval = 100ms
		in_service = 0  {more}  record = {record} }}
"""
AGENT_CONF = """\
listen = {addr}:{port}
interval = 100ms
cgroup = {group}
overload_memory = {out}
recover = {back}
hold = 1
"""
# what: scheduler, keys of the policy (None: no policy), memory used (percent) at
# which a server says that it is overloaded
RUNS = {
    "RR": ("rr", None, 0),
    "LC": ("lc", None, 0),
    "WLC": ("wlc", None, 0),
    # as in the paper: by available memory, none for an overloaded server
    "ALBM(memory)": ("wrr", "smoothing = 500ms", 70),
    # and none for anybody before all are full; the kernel counts connections
    "yoke": ("wlc", "smoothing = 500ms  at_full = 20  gain = 100  step = 1000"
             "  hysteresis = 0  full = 88", 92),
}
# percent:KB:ms of requests; limits and weights of the servers
EXPERIMENTS = {
    "a": {"title": "four equal servers; 1 B 50 %, 5 MB 40 %, 15 MB 10 %",
          "mix": "50:0:5,40:1024:2000,10:3072:6000",
          "limit": (44, 44, 44, 44), "weight": (100,) * 4,
          "runs": ("RR", "LC", "ALBM(memory)", "yoke")},
    "b": {"title": "weights 2:2:1:1; 1 B 50 %, 5 MB 30 %, 12.5 MB 20 %",
          "mix": "50:0:5,30:1024:2000,20:2560:5000",
          "limit": (66, 66, 33, 33), "weight": (200, 200, 100, 100),
          "runs": ("RR", "LC", "WLC", "ALBM(memory)", "yoke")},
}


class MemoryRack(Rack):
    RS = {f"rs{i}": f"10.77.0.1{i}" for i in range(1, 5)}
    FROM = "10.77.0.101"        # the first client's

    def client_addresses(self, n):
        net, first = self.FROM.rsplit(".", 1)
        for i in range(n):
            self.ns("client", ["ip", "address", "replace", "dev", "eth0",
                               f"{net}.{int(first) + i}/24"])


class MemoryPair(Pair):
    """One director works: this is about the servers, not about the pair."""
    run = EXPERIMENTS["a"], RUNS["RR"]

    def services(self):
        experiment, (scheduler, keys, _) = self.run
        rows = "".join(
            f"\tserver {rs} {{ address = {a}  weight = {w} }}\n" for (rs, a), w
            in zip(self.rack.RS.items(), experiment["weight"]))
        policy = AGENT.format(port=PORT_AGENT, more=keys,
                              record=f"{self.rack.dir}/memory.record")
        return SERVICE.format(vip=self.rack.VIP, scheduler=scheduler,
                              policy=policy if keys is not None else "",
                              servers=rows)


def above(rack, argv, more=0):
    """At the servers' priority: below the directors, above the rest."""
    return (["chrt", "-r", str(max(1, rack.rt - 1 + more)), *argv]
            if rack.rt else argv)


class Servers:
    """memserver and yoke-agentd of each real server, in its group."""

    def __init__(self, rack, stack):
        self.rack, self.stack = rack, stack
        self.groups = {}

    def start(self, limits, out, back=5):
        for (rs, addr), mb in zip(self.rack.RS.items(), limits):
            group = self.stack.enter_context(MemoryGroup(rs, mb * MB))
            self.groups[rs] = group
            self.rack.rs_stop(rs)
            self.rack.ns_popen(rs, group.argv(above(self.rack, [
                f"{BIN}/memserver", "80", rs, f"{self.rack.dir}/{rs}/ill"])))
            conf = f"{self.rack.dir}/{rs}/agentd.conf"
            with open(conf, "w") as f:
                f.write(AGENT_CONF.format(addr=addr, port=PORT_AGENT, out=out,
                                          back=back, group=group.path))
            self.rack.ns_popen(rs, above(self.rack, [
                f"{BIN}/yoke-agentd", "-c", conf], 1))
        for addr in self.rack.RS.values():
            wait_for(lambda: self.rack.fetch(addr), 5, f"{addr} to answer")

    def kills(self):
        return sum(g.kills() for g in self.groups.values())


class LeftWatch:
    """What each server has left, ten times a second."""

    def __init__(self, groups):
        self.groups, self.rows, self.stop = groups, [], threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.began = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        self.thread.join()

    def work(self):
        while not self.stop.wait(0.1):
            self.rows.append((round(time.monotonic() - self.began, 2),
                              [round(g.left(), 3)
                               for g in self.groups.values()]))


def load(rack, mix, connections, seconds, seed):
    """[(s, ms, how, server)] of every request."""
    argv = above(rack, [f"{BIN}/memload", rack.VIP, "80", str(connections),
                        str(seconds), str(seed), mix, rack.FROM], 1)
    out = rack.ns("client", argv, timeout=seconds + 60)
    rows = [line.split() for line in out.splitlines()]
    return [(int(r[0]) / 1000, int(r[1]), r[2], r[3]) for r in rows
            if len(r) == 4]


def rates(rows, t0, t1):
    """Answers a second, 1 s bins, median and mean."""
    bins = [0] * (t1 - t0)
    for t, _, how, _ in rows:
        if how == "well" and t0 <= t < t1:
            bins[int(t - t0)] += 1
    return statistics.mean(bins)


def once(rack, servers, experiment, clients, seconds, seed):
    """One number of clients, from its ramp's end to its end."""
    kills, waited = servers.kills(), stolen(rack)
    ramp = min(10, seconds // 3)
    with LeftWatch(servers.groups) as watch:
        rows = load(rack, experiment["mix"], clients * CONNECTIONS, seconds,
                    seed)
    hows = [r[2] for r in rows]
    return {"clients": clients, "rate": round(rates(rows, ramp, seconds), 1),
            "killed": servers.kills() - kills,
            "lost": sum(hows.count(h) for h in ("reset", "late", "ill")),
            "turned_away": hows.count("refused"), "well": hows.count("well"),
            "least_left": [min(c) for c in zip(*(r[1] for r in watch.rows))],
            "left": watch.rows, "no_cpu_ms": round(stolen(rack) - waited)}


def together(runs):
    """Several runs of a step: the median of their rates and the spread, the
    rest summed; what was left of memory is the first one's, over time."""
    rates_of = sorted(r["rate"] for r in runs)
    summed = {k: sum(r[k] for r in runs)
              for k in ("killed", "lost", "turned_away", "well", "no_cpu_ms")}
    return {**runs[0], **summed, "runs": len(runs), "rates": rates_of,
            "rate": statistics.median(rates_of),
            "least_left": [min(c) for c in
                           zip(*(r["least_left"] for r in runs))]}


def stolen(rack):
    """How long the director waited for a CPU of the host, ms."""
    return bench_noise.waited_ms(rack, "d1")


def settle(rack, pair, servers):
    """All servers up, with all of their memory, and no connection left."""
    wait_for(lambda: all(g.left() > 0.9 for g in servers.groups.values()), 60,
             "memory given back")
    rack.run("d1", "ipvsadm --set 900 2 300")
    pair.wait_role("d1", "active", 20)
    wait_for(lambda: all(v["health"] == "up" for v in
                         pair.status("d1")["services"][0]["servers"]), 60,
             "servers up")
    wait_for(lambda: rack.fetch() in rack.RS, 20, "service")


def step(rack, pair, servers, experiment, clients, seconds, runs):
    done = []
    for k in range(runs):
        settle(rack, pair, servers)
        done.append(once(rack, servers, experiment, clients, seconds,
                         clients + 1000 * k))
    return together(done)


def measure(name, clients, seconds, only=(), runs=1):
    """One experiment: {policy: [step, ...]}. runs: each step so often, every
    time with another sequence of requests, the same for all policies."""
    experiment, results = EXPERIMENTS[name], {}
    for run in experiment["runs"]:
        if only and run not in only:
            continue
        with contextlib.ExitStack() as stack:
            rack = stack.enter_context(MemoryRack())
            pair = MemoryPair(rack, interval="100ms", misses=10,
                              corosync=False)
            pair.run = experiment, RUNS[run]
            servers = Servers(rack, stack)
            servers.start(experiment["limit"], RUNS[run][2])
            rack.client_addresses(max(clients))
            pair.start(["d1"])
            try:
                results[run] = []
                for n in clients:
                    results[run].append(step(
                        rack, pair, servers, experiment, n, seconds, runs))
                    print(f"# {name} {run}", {k: v for k, v in
                          results[run][-1].items() if k != "left"}, flush=True)
            except Exception:
                print(pair.dump())
                raise
    return results

