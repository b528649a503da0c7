#!/usr/bin/python3
"""Checkpoints on a cluster file system: OCFS2 in both directors' kernels, on one
disk that both have. What a stale active writes damages nothing; what a dead
director's locks hold up holds up checkpoints, not the pair.

Needs Debian's ocfs2-tools; not part of make check: a dead director's locks are
free after DEAD_S seconds only."""
import os
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import BIN, CONF, Pair                            # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
STORE = "/run/store"
THRESHOLD = 7           # o2cb's heartbeat: dead after (n - 1) * 2 s
DEAD_S = (THRESHOLD - 1) * 2
CLUSTER = "/sys/kernel/config/cluster/yoke"

NODE = """\
node:
	ip_port = 7777
	ip_address = {address}
	number = {number}
	name = {name}
	cluster = yoke

"""

MOUNT = """\
set -e
modprobe -d /run configfs
mount -t configfs none /sys/kernel/config
modprobe -d /run -a ocfs2_nodemanager ocfs2_stack_o2cb ocfs2
echo o2cb >/sys/fs/ocfs2/cluster_stack
o2cb register-cluster yoke
echo {threshold} >{cluster}/heartbeat/dead_threshold
mkdir -p {store}
mount -t ocfs2 /dev/ubda {store}
"""


def cluster_conf(rack):
    nodes = "".join(NODE.format(address=a, number=i, name=n)
                    for i, (n, a) in enumerate(rack.CROSS.items()))
    return f"{nodes}cluster:\n\tnode_count = 2\n\tname = yoke\n"


def mount(rack, nodes):
    def one(node):
        rack.run(node, "mkdir -p /etc/ocfs2")
        rack.put(node, "/etc/ocfs2/cluster.conf", cluster_conf(rack))
        rack.run(node, MOUNT.format(threshold=THRESHOLD, cluster=CLUSTER,
                                    store=STORE), timeout=40)
    rack.each(one, nodes)


def make_fs(rack):
    subprocess.run(["mkfs.ocfs2", "-q", "-F", "-N", "2", "-b", "4096", "-C",
                    "4096", "-J", "size=4M", "--cluster-stack=o2cb",
                    "--cluster-name=yoke", rack.disk], check=True,
                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def verify(pair, node):
    return pair.rack.run(node, f"{BIN}/yoke -c {CONF} -n {node} checkpoint "
                         f"verify --dir={STORE}", check=False, timeout=20)


def stored(pair, node):
    """Everything that was changed is in the file."""
    def look():
        s = pair.status(node)
        c = s["checkpoint"]
        return c if c["ok"] and c["lag_changes"] == 0 and \
            c["epoch"] == s["epoch"] else None
    return wait_for(look, 10, "storage in step")


def weight(pair, node, n):
    pair.yoke(node, f"server weight web rs1 {n}")


def sum_of(rack, node, path):
    return rack.run(node, f"cat {path} {path}-wal | md5sum").split()[0]


def both_see(rack, pair, a, b):
    c = stored(pair, a)
    t.is_(c["storage"], "cluster", "yoke sees what kind of storage it is")
    weight(pair, a, 41)
    c = stored(pair, a)
    wait_for(lambda: sum_of(rack, b, c["file"]) == sum_of(rack, a, c["file"]),
             10, "the standby to read what the active one has written")
    v = verify(pair, b)
    t.is_(v.returncode, 0, "and finds it whole, while it is written")


def stale(rack, pair, a, b):
    """The active one stops, another takes over; it wakes up and writes."""
    old = pair.status(a)["checkpoint"]["file"]
    pair.kill(a, "yoke-checkpointd", "STOP")
    weight(pair, a, 42)                 # waits in the ring of the stopped one
    pair.kill(a, "yoked", "STOP")
    pair.wait_role(b, "active")
    c = stored(pair, b)
    t.ok(c["file"] != old, "the successor writes a file of its own", c["file"])
    weight(pair, b, 43)
    c = stored(pair, b)
    before, was = sum_of(rack, b, c["file"]), sum_of(rack, b, old)
    pair.kill(a, "yoke-checkpointd", "CONT")
    wait_for(lambda: sum_of(rack, b, old) != was, 10,
             "the stale one writes what it still had, into its own file")
    t.is_(sum_of(rack, b, c["file"]), before,
          "nothing of the successor's has changed")
    pair.kill(a, "yoked", "CONT")
    pair.wait_settled(20)
    t.is_((pair.role(b), pair.table(b)["web"]["rs1"]), ("active", 43),
          "who woke up is the standby, with the successor's table")
    t.is_(verify(pair, b).returncode, 0, "all files are whole")
    return b, a


def power(rack, pair, a, b):
    weight(pair, a, 44)
    stored(pair, a)
    rack.power_cut(a)
    cut = time.monotonic()
    pair.wait_role(b, "active", 10)
    weight(pair, b, 45)
    t.is_(pair.table(b)["web"]["rs1"], 45,
          "power cut: taken over from the replica, changes go on")
    roles = len(pair.status(b)["transitions"])
    s = wait_for(lambda: (lambda c, s: s if c["ok"] and not c["lag_changes"]
                          and c["epoch"] == s["epoch"] else None)(
        (pair.status(b) or {"checkpoint": {"ok": 0}})["checkpoint"],
        pair.status(b)), DEAD_S + 40, "storage after the dead one's locks")
    t.note(f"storage was back {time.monotonic() - cut:.0f} s after the cut "
           f"(o2cb: dead after {DEAD_S} s)")
    t.is_((len(s["transitions"]), verify(pair, b).returncode), (roles, 0),
          "storage came back when the dead one's locks were free; no role "
          "changed for it")


def main():
    if not shutil.which("mkfs.ocfs2"):
        print("1..0 # SKIP apt install ocfs2-tools")
        return 0
    with Rack(disk=96) as rack:
        make_fs(rack)
        mount(rack, rack.NODES)
        pair = Pair(rack, directory=STORE, interval="100ms", misses=5)
        t.dump = pair.dump
        pair.start()
        a, b = pair.wait_settled(30)
        with t.part("one file system, both directors"):
            both_see(rack, pair, a, b)
        with t.part("a stale active"):
            a, b = stale(rack, pair, a, b)
        with t.part("a dead one's locks"):
            power(rack, pair, a, b)
    return t.done()


sys.exit(main())
