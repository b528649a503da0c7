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

from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from store_fs import STORE, StoreDrill                      # noqa: E402
from tap import T                                           # noqa: E402

t = T()
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


def power(rack, pair, drill, kind, a, b):
    drill.weight(a, 44)
    drill.stored(a)
    rack.power_cut(a)
    cut = time.monotonic()
    pair.wait_role(b, "active", 10)
    drill.weight(b, 45)
    t.is_(pair.table(b)["web"]["rs1"], 45,
          "power cut: taken over from the replica, changes go on")
    roles = len(pair.status(b)["transitions"])
    drill.stored(b, kind.dead_s + 40)
    t.note(f"storage was back {time.monotonic() - cut:.0f} s after the cut "
           f"(dead for {kind.name} after {kind.dead_s} s)")
    t.is_((len(pair.status(b)["transitions"]), drill.verify(b).returncode),
          (roles, 0),
          "storage came back when the dead one's locks were free; no role "
          "changed for it")


def test(kind):
    with Rack(disk=96) as rack:
        kind.make(rack)
        pair = Pair(rack, directory=STORE, interval="100ms", misses=5)
        t.dump = pair.dump
        drill = StoreDrill(t, rack, pair)
        rack.each(lambda n: rack.start_corosync(n, quorum=kind.quorum))
        mount(rack, kind)
        for node in rack.NODES:
            pair.start_node(node)
        a, b = pair.wait_settled(30)
        with t.part(f"{kind.name}: one file system, both directors"):
            drill.both_see(a, b, "cluster")
        with t.part(f"{kind.name}: a stale active"):
            a, b = drill.stale(a, b)
        with t.part(f"{kind.name}: a dead one's locks"):
            power(rack, pair, drill, kind, a, b)


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
