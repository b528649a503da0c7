#!/usr/bin/python3
"""Checkpoints on NFS: the directors' kernels mount a directory (4.2, hard) of a
third machine, whose kernel serves it. What a stale active writes damages
nothing, not even what its kernel still had on the way; a server that is gone
holds nobody up, and checkpoints go on when it is back; who has no replica rolls
back to what it finds there.

Needs no package: the server's tables are filled as exportfs and rpc.mountd
would. Not part of make check: a server that comes back waits for its clients."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import BIN, CONF, Pair                            # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from store_fs import STORE, StoreDrill, alarms              # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic                                 # noqa: E402

t = T()
SERVER = "nfs"                  # 10.77.9.3, on the network of eth2
GRACE_S = 10                    # the shortest that the kernel takes
SETTINGS = dict(interval="100ms", misses=5, directory=STORE)

# Times far ahead: these rows do not end. Export flags: a numbered file system
# (0x2000), no check of subtrees (0x400), any port (2); root stays root.
SERVE = f"""\
set -e
modprobe -d /run -a ext4 nfsd
mkdir -p /run/export /var/lib/nfs/v4recovery
[ -n "$(blkid /dev/ubda)" ] || mkfs.ext4 -q /dev/ubda
mount -t ext4 /dev/ubda /run/export
mkdir -p /run/export/clients /run/export/yoke
mount --bind /run/export/clients /var/lib/nfs/v4recovery
mount -t nfsd nfsd /proc/fs/nfsd
cd /proc/fs/nfsd
echo "-2 -3 +4 +4.1 +4.2" >versions
echo {GRACE_S} >nfsv4leasetime
echo {GRACE_S} >nfsv4gracetime
cd /proc/net/rpc
for a in 1 2; do
	echo "nfsd 10.77.9.$a 2000000000 directors" >auth.unix.ip/channel
done
echo "directors /run/export/yoke 2000000000 $((0x2402)) 65534 65534 0" \\
	>nfsd.export/channel
printf 'directors 1 \\\\x00000000 2000000000 /run/export/yoke\\n' \\
	>nfsd.fh/channel
echo 4 >/proc/fs/nfsd/threads
"""

MOUNT = """\
set -e
modprobe -d /run -a nfs nfsv4
mkdir -p {store}
mount -i -t nfs4 -o vers=4.2,hard,addr=10.77.9.3,clientaddr=10.77.9.{n} \
	10.77.9.3:/ {store}
"""


def mount(rack, node):
    n = rack.NODES.index(node) + 1
    rack.run(node, MOUNT.format(store=STORE, n=n), timeout=40)


def frozen(rack, pair, drill, a, b):
    """The active one writes; its request does not reach the server; the whole
    machine freezes; another takes over. When it wakes up, what its kernel still
    had goes out."""
    old = pair.status(a)["checkpoint"]["file"]
    rack.spawn(a, f"sleep 0.5; exec {BIN}/yoke -c {CONF} -n {a} "
               "server weight web rs1 42")
    rack.nic(a, "eth2", False)          # its commands come that way too
    wait_for(lambda: pair.table(b)["web"]["rs1"] == 42, 5, "the change")
    rack.freeze(a)
    pair.wait_role(b, "active")

    def wake():
        rack.freeze(a, False)
        rack.nic(a, "eth2", True)
    drill.untouched(b, old, wake)
    drill.settle_after(b)
    return b, a


def gone(rack, pair, drill, a, b):
    """The server is unplugged under load: changes go on, a takeover too."""
    epoch = pair.status(a)["epoch"]
    with Traffic(rack, rate=100, established=10, young_rate=10) as load:
        load.wait_ready()
        rack.nic(SERVER, "eth2", False)
        for n in range(50, 60):
            drill.weight(a, n)
        for n in (a, b):
            wait_for(lambda n=n: " -w 59" in "\n".join(pair.kernel(n)), 3,
                     "changes in both kernels")
        wait_for(lambda: "checkpointd" in alarms(pair, a), 15, "an alarm")
        t.ok(True, "no server: an alarm, and changes reach both kernels",
             alarms(pair, a))
        t.is_((pair.status(a)["epoch"], pair.role(b)), (epoch, "standby"),
              "no role changed")
        load.stop()
    f = load.report["failed"]
    t.is_(f["total"] - f["late"], 0,
          f"of {load.report['attempts']} requests meanwhile none failed")
    kernel = pair.kernel(a)
    rack.power_cut(a)
    pair.wait_role(b, "active")
    s = pair.status(b)
    took = [x for x in s["transitions"] if x["to"] == "taking-over"][0]
    t.ok(took["total_us"] < 200000,
         "power cut without a server: the takeover does not wait", took)
    t.note(f"taken over in {took['total_us'] / 1000:.1f} ms")
    t.is_((s["restored"]["from"], pair.kernel(b)), ("replica", kernel),
          "the table is the replica's, exactly")
    drill.weight(b, 61)
    roles = len(pair.status(b)["transitions"])
    rack.nic(SERVER, "eth2", True)
    c = drill.stored(b, 60)
    t.is_((c["ok"], len(pair.status(b)["transitions"])), (True, roles),
          "server back: the new term is on storage")
    t.is_(drill.verify(b).returncode, 0, "all files are whole")


def reboot(rack, pair, drill, b):
    """The server loses its power; it knows its clients again."""
    server = rack.machines[SERVER]
    server.power_cut()
    drill.weight(b, 62)
    server.power_on()
    wait_for(server.ready, 15, "boot of the server")
    rack.run(SERVER, SERVE, timeout=20)
    drill.stored(b, GRACE_S + 60)
    t.is_(drill.verify(b).returncode, 0,
          "server's power cut: checkpoints go on, all files are whole")


def without_replica(rack, pair, drill):
    """Roles when no standby is ever in step."""
    def roles():
        r = {pair.role(n): n for n in rack.NODES}
        return (r["active"], r["standby"]) if {"active", "standby"} <= set(r) \
            else None
    a, b = wait_for(roles, 30, "roles")
    drill.stored(a, 20)
    rack.run(a, f"{BIN}/yoke -c {CONF} -n {a} batch", timeout=10, input="".join(
        f"server weight web rs{i % 3 + 1} {i}\n" for i in range(1, 101)))
    drill.stored(a)
    s, table = pair.status(a), pair.table(a)
    t.ok(not pair.status(b)["replica"]["valid"], "no replica on the standby")
    rack.power_cut(a)
    pair.wait_role(b, "active")
    r = wait_for(lambda: (lambda r: r if r["epoch"] == s["epoch"] else None)(
        pair.status(b)["restored"]), 10, "rollback")
    t.is_((r["from"], r["seq"], pair.table(b)), ("checkpoint", s["seq"], table),
          "power cut: the successor rolls back to the last change on NFS")
    t.note(f"rollback took {r['took_us'] / 1000:.1f} ms, "
           f"{r['changes']} changes replayed")
    drill.stored(b, 20)
    t.ok(True, "and its own term is there")


def main():
    with Rack(disk=96, more=(SERVER,)) as rack:
        rack.run(SERVER, SERVE, timeout=20)
        rack.each(lambda n: mount(rack, n))
        pair = Pair(rack, **SETTINGS)
        drill = StoreDrill(t, rack, pair)
        t.dump = pair.dump
        pair.start()
        a, b = pair.wait_settled(30)
        with t.part("one directory, both directors"):
            drill.both_see(a, b, "nfs")
        with t.part("a stale active's daemons"):
            a, b = drill.stale(a, b)
        with t.part("a stale active's kernel"):
            a, b = frozen(rack, pair, drill, a, b)
        with t.part("no server"):
            gone(rack, pair, drill, a, b)
        with t.part("the server's power"):
            reboot(rack, pair, drill, b)
        with t.part("rollback"):
            rack.power_cut(b)
            rack.each(rack.boot)
            rack.each(lambda n: mount(rack, n))
            pair = Pair(rack, **SETTINGS, checkpoint_interval="60s",
                        no_replica="true")
            t.dump = pair.dump
            pair.start()
            without_replica(rack, pair, StoreDrill(t, rack, pair))
    return t.done()


sys.exit(main())
