#!/usr/bin/python3
"""Checkpoints on a cluster file system: OCFS2 with o2cb, then GFS2 with the DLM
over corosync, in both directors' kernels, on one disk that both have. What a
stale active writes damages nothing; what a dead director's locks hold up holds
up checkpoints, not the pair.

usage: test_cluster_fs.py [ocfs2] [gfs2]

Needs Debian's ocfs2-tools, or gfs2-utils and dlm-controld; what is not installed
is skipped. Not part of make check: a dead director's locks take their time."""
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
CLUSTER = "/sys/kernel/config/cluster/yoke"

NODE = """\
node:
	ip_port = 7777
	ip_address = {address}
	number = {number}
	name = {name}
	cluster = yoke

"""

CONFIGFS = """\
set -e
modprobe -d /run configfs
mount -t configfs none /sys/kernel/config
mkdir -p {store}
"""

OCFS2 = CONFIGFS + """\
modprobe -d /run -a ocfs2_nodemanager ocfs2_stack_o2cb ocfs2
echo o2cb >/sys/fs/ocfs2/cluster_stack
o2cb register-cluster yoke
echo {threshold} >{cluster}/heartbeat/dead_threshold
mount -t ocfs2 /dev/ubda {store}
"""

# No udev here, which makes these names; nobody fences on a rack.
GFS2 = CONFIGFS + """\
modprobe -d /run -a dlm gfs2
mkdir -p /dev/misc
for f in dlm-control dlm-monitor dlm_plock; do ln -sf /dev/$f /dev/misc/$f; done
dlm_controld --enable_fencing 0 --enable_quorum_lockspace 0 \
	--enable_startup_fencing 0
tries=0     # it has to find corosync, and that its peer
until mount -t gfs2 -o noatime /dev/ubda {store} 2>/run/why; do
	tries=$((tries + 1))
	[ $tries -lt 60 ] || {{ cat /run/why; dlm_tool status; dmesg | tail; exit 1; }}
	sleep 0.5
done
"""


def make(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL)


class Ocfs2:
    name, tools = "ocfs2", ("mkfs.ocfs2", "o2cb")
    dead_s = (THRESHOLD - 1) * 2
    script = OCFS2
    quorum = ()

    @staticmethod
    def make(rack):
        make("mkfs.ocfs2", "-q", "-F", "-N", "2", "-b", "4096", "-C", "4096",
             "-J", "size=4M", "--cluster-stack=o2cb", "--cluster-name=yoke",
             rack.disk)

    @staticmethod
    def prepare(rack, node):
        nodes = "".join(NODE.format(address=a, number=i, name=n)
                        for i, (n, a) in enumerate(rack.CROSS.items()))
        rack.run(node, "mkdir -p /etc/ocfs2")
        rack.put(node, "/etc/ocfs2/cluster.conf",
                 f"{nodes}cluster:\n\tnode_count = 2\n\tname = yoke\n")


class Gfs2:
    name, tools = "gfs2", ("mkfs.gfs2", "dlm_controld")
    dead_s = 2              # corosync's token, and some
    script = GFS2
    # where dlm_controld gets the members from
    quorum = ("provider: corosync_votequorum", "two_node: 1",
              "wait_for_all: 0")

    @staticmethod
    def make(rack):
        make("mkfs.gfs2", "-O", "-q", "-p", "lock_dlm", "-t", "rack:yoke",
             "-j", "2", "-J", "8", rack.disk)

    @staticmethod
    def prepare(rack, node):
        pass


def mount(rack, kind):
    def one(node):
        kind.prepare(rack, node)
        rack.run(node, kind.script.format(
            threshold=THRESHOLD, cluster=CLUSTER, store=STORE), timeout=40)
    rack.each(one)


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


def power(rack, pair, kind, a, b):
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
        pair.status(b)), kind.dead_s + 40, "storage after the dead one's locks")
    t.note(f"storage was back {time.monotonic() - cut:.0f} s after the cut "
           f"(dead for {kind.name} after {kind.dead_s} s)")
    t.is_((len(s["transitions"]), verify(pair, b).returncode), (roles, 0),
          "storage came back when the dead one's locks were free; no role "
          "changed for it")


def test(kind):
    with Rack(disk=96) as rack:
        kind.make(rack)
        pair = Pair(rack, directory=STORE, interval="100ms", misses=5)
        t.dump = pair.dump
        rack.each(lambda n: rack.start_corosync(n, quorum=kind.quorum))
        mount(rack, kind)
        for node in rack.NODES:
            pair.start_node(node)
        a, b = pair.wait_settled(30)
        with t.part(f"{kind.name}: one file system, both directors"):
            both_see(rack, pair, a, b)
        with t.part(f"{kind.name}: a stale active"):
            a, b = stale(rack, pair, a, b)
        with t.part(f"{kind.name}: a dead one's locks"):
            power(rack, pair, kind, a, b)


def main():
    asked = sys.argv[1:] or [k.name for k in (Ocfs2, Gfs2)]
    kinds = [k for k in (Ocfs2, Gfs2) if k.name in asked]
    there = [k for k in kinds if all(map(shutil.which, k.tools))]
    if not there:
        print("1..0 # SKIP apt install ocfs2-tools gfs2-utils dlm-controld")
        return 0
    for k in kinds:
        if k in there:
            test(k)
        else:
            t.note(f"skipped: {k.name}, not installed: {' '.join(k.tools)}")
    return t.done()


sys.exit(main())
