#!/usr/bin/python3
"""upgrade: a running pair goes from an older package to this tree's, as yoke(8)
says, under load: the standby, switch, the other one.

The older package is built from an earlier commit (make walk does it, OLD=COMMIT);
so for a while two versions are a pair: their beats, messages and checkpoints
must understand each other, in both roles.

    upgrade.py [--slow] [--keep] [--base FILE.tar] OLD.deb NEW.deb
                                                            (root, network)
"""
import argparse
import glob
import os
import re
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import walk as w                                            # noqa: E402
from walk import T, Rack, Traffic, wait_for                 # noqa: E402

NODES = ("d1=10.77.0.1@eth0,10.77.1.1@eth1",
         "d2=10.77.0.2@eth0,10.77.1.2@eth1")
WEB = ("vip=10.77.0.10", "servers=10.77.0.11,10.77.0.12,10.77.0.13",
       "http=/health")
SERVICE = "service1"


def field(deb, name):
    return w.sh("dpkg-deb", "-f", deb, name).strip()


def libraries(deb):
    """Packages that it needs: there is no network in the directors."""
    return [re.split(r"[ (|]", d.strip())[0]
            for d in field(deb, "Depends").split(",")]


def make_roots(t, args):
    """Two systems with the old package, configured, enabled."""
    roots = {n: w.make_root(n, args.base) for n in ("d1", "d2")}
    pair = f"{w.ROOTS}/pair"
    w.sh(f"{w.REPO}/build/bin/yoke", "init", *NODES, *WEB, f"dir={pair}")
    for node, root in roots.items():
        if args.slow:
            with open(f"{pair}/{node}/etc/yoke/yoke.conf", "a") as f:
                f.write(w.SLOW)
        shutil.copy(args.old, f"{root}/root/")
        w.chroot(root, "apt-get -qq update; cd /root; apt-get -y -q install "
                       f"./{os.path.basename(args.old)} "
                       f"{' '.join(libraries(args.new))}")
        w.sh("cp", "-r", "--preserve=mode", f"{pair}/{node}/etc", root)
        for deb in [args.new] + agent_deb():
            shutil.copy(deb, f"{root}/root/")
        t.is_(w.chroot(root, "yoke version").split()[-1],
              field(args.old, "Version").rpartition("-")[0],
              f"{node}: the older version is installed")
    return roots


def weights(rack, node):
    """{server: (weight, its source)} as a director has them."""
    got = w.status(rack, node) or {}
    return {s["name"]: (s["weight"], s["source"])
            for v in got.get("services", []) for s in v["servers"]}


def set_weight(t, rack, node, server, weight):
    rack.run(node, f"yoke server weight {SERVICE} {server} {weight}",
             timeout=20)
    want = (weight, "by hand")
    wait_for(lambda: all(weights(rack, n).get(server) == want
                         for n in rack.NODES), 20,
             f"{server}: {weight} on both")
    t.ok(True, f"{node}: {server} has weight {weight}, on both directors")


def versions(rack):
    return [(w.status(rack, n) or {}).get("yoke") for n in rack.NODES]


def worst_gap(rack, node):
    """The longest time between two beats of the peer, ms."""
    return max(p.get("gap_max_ms") or 0
               for p in (w.status(rack, node) or {}).get("paths", []))


def install(t, rack, node, other, args):
    """The package, on a standby; it restarts itself and nobody else."""
    old = w.main_pid(rack, node), w.main_pid(rack, other)
    was = w.roles(rack)
    start = time.monotonic()
    out = rack.run(node, "DEBIAN_FRONTEND=noninteractive dpkg -i "
                   f"/root/{os.path.basename(args.new)} 2>&1", timeout=180)
    wait_for(lambda: w.green(rack), 60, "green again")
    t.is_(w.roles(rack), was, f"{node}: upgraded, roles as before, "
          f"{time.monotonic() - start:.0f} s")
    t.ok(w.main_pid(rack, node) != old[0] and
         w.main_pid(rack, other) == old[1],
         f"{node}: restarted, and only there", out)
    t.note(f"{node} since its restart: at most {worst_gap(rack, node)} ms "
           f"between two beats; {other}: {worst_gap(rack, other)} ms")


def failures(report):
    f, e = report["failed"], report["established"]
    return (f"{report['attempts']} new connections, {f['total']} failed "
            f"({f['late']} late, {f['timeout']} timed out); established: "
            f"{e['reset']} reset, longest stall {e['max_stall_ms']:.0f} ms")


def idle_load(t, rack, args, seconds=15):
    """What the machine itself does to clients, for comparison."""
    with Traffic(rack, rate=args.rate) as load:
        load.wait_ready()
        time.sleep(seconds)
        t.note(f"{seconds} s of nothing: {failures(load.stop())}")


def go(t, rack, args):
    active = next(n for n, r in w.roles(rack).items() if r == "active")
    standby = "d2" if active == "d1" else "d1"
    new = field(args.new, "Version").rpartition("-")[0]
    set_weight(t, rack, active, "rs1", 37)
    with Traffic(rack, rate=args.rate) as load:
        load.wait_ready()
        install(t, rack, standby, active, args)
        t.ok(sorted(versions(rack)) ==
             sorted([field(args.old, "Version").rpartition("-")[0], new]),
             "two versions are a pair, the old one active")
        set_weight(t, rack, active, "rs2", 5)
        rack.run(active, "yoke switch", timeout=20)
        wait_for(lambda: w.green(rack), 20, "the switch")
        t.is_(w.roles(rack), {active: "standby", standby: "active"},
              "switched: the new one is active")
        set_weight(t, rack, standby, "rs3", 11)
        install(t, rack, active, standby, args)
        report = load.stop()
    t.is_(versions(rack), [new, new], "both are the new version")
    want = {"rs1": (37, "by hand"), "rs2": (5, "by hand"),
            "rs3": (11, "by hand")}
    t.ok(all(weights(rack, n) == want for n in rack.NODES),
         "no weight is lost", [weights(rack, n) for n in rack.NODES])
    failed, reset = report["failed"]["total"], report["established"]["reset"]
    t.ok((failed == 0 and reset == 0) or args.slow,
         f"no request failed{' # SKIP' if args.slow else ''}: "
         f"{failures(report)}", report)


def agent_deb():
    return sorted(glob.glob(f"{w.REPO}/build/packages/yoke-agent_*.deb"))


def test_agent(t, rack):
    """yoke-agentd in its sandbox, under the real systemd: a director has all
    that it needs, and addresses to tell of."""
    node = rack.NODES[0]
    rack.run(node, "echo 'listen = 10.77.0.1:5490' >/etc/yoke/agentd.conf; "
             f"dpkg -i /root/{os.path.basename(agent_deb()[-1])} 2>&1",
             timeout=120)
    ask = ("exec 3<>/dev/tcp/10.77.0.1/5490; "
           "printf 'GET %s HTTP/1.0\\r\\n\\r\\n' /arp >&3; cat <&3")
    out = wait_for(lambda: rack.run(node, f"bash -c \"{ask}\"", check=False,
                                    timeout=10) or None, 30, "yoke-agentd")
    t.ok('"10.77.0.1"' in out and '"arp_ignore":' in out and
         '"whole":true' in out, f"{node}: yoke-agentd tells its addresses and "
         "what it does with ARP", out)
    pid = rack.run(node, "systemctl show -P MainPID yoke-agentd").strip()
    text = rack.run(node, f"cat /proc/{pid}/status")
    t.ok("Seccomp:\t2" in text and "CapBnd:\t0000000000000000" in text and
         "\nUid:\t0\t" not in text, "in its sandbox, and not as root", text)


def main():
    p = argparse.ArgumentParser()
    w.add_flags(p)
    p.add_argument("--keep", action="store_true", help="leave the roots")
    p.add_argument("--base", default=f"{w.CACHE}/base.tar")
    p.add_argument("--rate", type=int, default=200)
    p.add_argument("old")
    p.add_argument("new")
    args = p.parse_args()
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        print("upgrade: needs root and mmdebstrap", file=sys.stderr)
        return 2
    t = T()
    w.reap()
    w.make_base(args.base)
    with t.part("the older version"):
        make_roots(t, args)
    rack = Rack(mem="512M", machine=w.Director)
    try:
        with t.part(f"upgrade from {field(args.old, 'Version')} to "
                    f"{field(args.new, 'Version')}"):
            rack.up(boot=False)
            t.dump = lambda: w.dump(rack)
            w.boot(rack)
            wait_for(lambda: w.green(rack), 60, "green on both")
            idle_load(t, rack, args)
            go(t, rack, args)
        with t.part("units"):
            w.test_units(t, rack)
        if agent_deb():
            with t.part("the agent"):
                test_agent(t, rack)
    finally:
        rack.close()
        if not args.keep:
            shutil.rmtree(w.ROOTS, ignore_errors=True)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
