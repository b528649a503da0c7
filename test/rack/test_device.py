#!/usr/bin/python3
"""Checkpoints on a block device that both directors reach and only the active
one mounts: one disk of the rack, ext4 with multi-mount protection. No takeover
waits for the mount; what is on it is rolled back to when it is newer; nobody
mounts what another has, nor what nothing keeps another from mounting.

Not part of make check: multi-mount protection waits 43 s behind a file system
that was not unmounted in order."""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import BIN, CONF, Pair                            # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from store_fs import STORE, StoreDrill, alarms              # noqa: E402
from tap import T                                           # noqa: E402

t = T()
DEVICE = "/dev/ubda"
MMP_S = 44              # a mount's wait behind one that was not unmounted
SETTINGS = dict(interval="100ms", misses=5,
                directory=f"{STORE}  device = {DEVICE}")


def mkfs(rack, features):
    subprocess.run(["mkfs.ext4", "-q", "-F", "-O", features, rack.disk],
                   check=True, stdout=subprocess.DEVNULL)


def mounted(rack, node):
    return DEVICE in rack.run(node, "cat /proc/mounts")


def device(pair, node):
    c = pair.status(node)["checkpoint"]
    return c["device_state"], c["device_guard"]


def state(pair, node, want, deadline):
    return wait_for(lambda: device(pair, node)[0] == want, deadline,
                    f"{node}: device {want}")


def state_off(rack, node):
    wait_for(lambda: not mounted(rack, node), 10, "unmounted")


def roles(pair):
    """(active, standby) whatever storage says."""
    r = {pair.role(n): n for n in pair.rack.NODES}
    return (r["active"], r["standby"]) if {"active", "standby"} <= set(r) \
        else None


def in_step(pair):
    got = roles(pair)
    return got if got and pair.status(got[0])["peer"]["in_step"] else None


def prepare(rack):
    rack.each(lambda n: rack.run(n, f"modprobe -d /run ext4; mkdir -p {STORE}"))


def unguarded(rack, pair):
    a, b = wait_for(lambda: in_step(pair), 30, "a pair")
    wait_for(lambda: "nothing keeps two" in
             alarms(pair, a).get("checkpoint", ""), 10, "a refusal")
    t.is_((device(pair, a), mounted(rack, a)), (("failed", "none"), False),
          "ext4 without mmp is not mounted, and status says why")
    mkfs(rack, "mmp")
    state(pair, a, "mounted", MMP_S + 10)
    t.is_((device(pair, a), device(pair, b), mounted(rack, b)),
          (("mounted", "mmp"), ("off", "none"), False),
          "made with mmp, it is mounted by the active one, and only that")
    return a, b


def switch(rack, pair, drill, a, b):
    drill.weight(a, 41)
    drill.stored(a)
    pair.yoke(a, "switch")
    pair.wait_role(b, "active")
    state(pair, a, "off", 10)
    t.ok(not mounted(rack, a), "a planned switch: the old active unmounts it")
    c = drill.stored(b, MMP_S + 20)
    t.is_((device(pair, b), mounted(rack, b), c["storage"]),
          (("mounted", "mmp"), True, "local"),
          "the new one mounts it, and its term is there")
    t.is_(drill.verify(b).returncode, 0, "all files are whole")
    return b, a


def stale(rack, pair, drill, a, b):
    """The active one's daemons stop; its kernel goes on and has the device."""
    pair.kill(a, "yoke-checkpointd", "STOP")
    drill.weight(a, 42)
    pair.kill(a, "yoked", "STOP")
    pair.wait_role(b, "active")
    took = [x for x in pair.status(b)["transitions"]
            if x["to"] == "taking-over"][0]
    t.note(f"taken over in {took['total_us'] / 1000:.1f} ms")
    t.is_(pair.table(b)["web"]["rs1"], 42,
          "a stopped active has it: taken over from the replica")
    state(pair, b, "failed", MMP_S + 20)
    t.ok(not mounted(rack, b), "mmp refuses the successor's mount",
         alarms(pair, b))
    t.note(alarms(pair, b).get("checkpoint"))
    drill.weight(b, 43)
    pair.kill(a, "yoke-checkpointd", "CONT")
    pair.kill(a, "yoked", "CONT")
    state(pair, a, "off", 15)
    c = drill.stored(b, MMP_S + 20)
    t.is_((mounted(rack, a), mounted(rack, b)), (False, True),
          "who woke up unmounts it, and the successor has it")
    wait_for(lambda: in_step(pair) == (b, a), 20, "in step again")
    t.is_((pair.table(b)["web"]["rs1"], drill.verify(b).returncode), (43, 0),
          "the successor's table stands, all files are whole")
    t.ok(c["file"] in rack.run(b, f"ls {STORE}/*.db"), "its own file is there")
    return b, a


def power(rack, pair, drill, a, b):
    """The mount comes after the takeover, as late as mmp wants."""
    drill.weight(a, 44)
    drill.stored(a)
    cut = time.monotonic()
    rack.power_cut(a)
    pair.wait_role(b, "active")
    took = [x for x in pair.status(b)["transitions"]
            if x["to"] == "taking-over"][0]
    t.ok(took["total_us"] < 200000 and not mounted(rack, b),
         "power cut: taken over before the mount", took)
    wait_for(lambda: rack.fetch() in rack.RS, 5, "service")
    drill.weight(b, 45)
    drill.stored(b, MMP_S + 30)
    t.note(f"taken over in {took['total_us'] / 1000:.1f} ms; on storage "
           f"{time.monotonic() - cut:.0f} s after the cut")
    t.is_(drill.verify(b).returncode, 0, "then its term is on the device")


def behind(rack, pair, drill):
    """No replica: what the device has comes some 43 s after the takeover, with
    what was changed meanwhile on top of it."""
    a, b = wait_for(lambda: roles(pair), 40, "roles")
    drill.stored(a, 2 * MMP_S + 20)
    rack.run(a, f"{BIN}/yoke -c {CONF} -n {a} batch", timeout=10, input="".join(
        f"server weight web rs{i % 3 + 1} {i}\n" for i in range(1, 101)))
    drill.stored(a)
    s, table = pair.status(a), pair.table(a)
    rack.power_cut(a)
    pair.wait_role(b, "active")
    pair.yoke(b, "server weight web6 rs1 77")
    table["web6"]["rs1"] = 77
    r = wait_for(lambda: (lambda r: r if r["epoch"] == s["epoch"] else None)(
        pair.status(b)["restored"]), MMP_S + 30, "rollback")
    t.is_((r["from"], r["seq"], pair.table(b)), ("checkpoint", s["seq"], table),
          "no replica: rolled back to the last change, new ones on top")
    t.note(f"{r['changes']} changes replayed in {r['took_us'] / 1000:.1f} ms")
    drill.stored(b, 10)
    return b


def cold(rack, pair, drill, b):
    """Both lose their power; who starts first has the last table."""
    s, table = pair.status(b), pair.table(b)
    rack.power_cut(b)
    rack.each(rack.boot)
    prepare(rack)
    pair.start()
    a, b = wait_for(lambda: roles(pair), 40, "roles")
    r = wait_for(lambda: (lambda r: r if r["from"] == "checkpoint" else None)(
        pair.status(a)["restored"]), MMP_S + 30, "rollback")
    t.is_((r["epoch"], r["seq"], pair.table(a)), (s["epoch"], s["seq"], table),
          "cold start: the last table is there again")
    drill.stored(a, 10)
    t.ok(pair.status(a)["epoch"] > s["epoch"], "in a new term")
    pair.kill(a, "yoke-checkpointd", "TERM")
    state_off(rack, a)
    t.ok(True, "checkpointd ends: it unmounts the device")


# Fences as a power switch would: it is the test that cuts.
FENCE = """#!/bin/sh
touch {dir}/asked
while [ ! -e {dir}/off ]; do sleep 0.05; done
echo "Success: Powered OFF"
"""


def frozen():
    """mmp does not help against a machine that stands still for longer than
    it waits, and then writes what it still had: only a fence does."""
    with Rack(disk=96) as rack:
        mkfs(rack, "mmp")
        prepare(rack)
        asked, off = f"{rack.dir}/asked", f"{rack.dir}/off"
        open(off, "w").close()          # who starts alone fences too
        pair = Pair(rack, **SETTINGS, node_extra="fence_command = "
                    "/etc/yoke/fence  fence_file = /etc/yoke/fence.opt  "
                    "fence_timeout = 30s")
        drill = StoreDrill(t, rack, pair)
        t.dump = pair.dump
        for node in rack.NODES:
            rack.put(node, "/etc/yoke/fence", FENCE.format(dir=rack.dir),
                     mode=0o755)
            rack.put(node, "/etc/yoke/fence.opt", "ip=192.0.2.1\n", mode=0o600)
        rack.each(rack.start_corosync)
        pair.start_node("d1")
        pair.wait_role("d1", "active")
        pair.start_node("d2")
        a, b = wait_for(lambda: in_step(pair), 30, "a pair")
        drill.stored(a, MMP_S + 20)
        os.unlink(asked)
        os.unlink(off)
        drill.weight(a, 42)             # what it still has when it stops
        rack.freeze(a)
        wait_for(lambda: os.path.exists(asked), 10, "a fence")
        t.is_((pair.role(b), mounted(rack, b)), ("standby", False),
              "a frozen active: no takeover and no mount before it is fenced")
        rack.power_cut(a)
        open(off, "w").close()
        pair.wait_role(b, "active")
        drill.weight(b, 43)
        drill.stored(b, MMP_S + 30)
        t.is_((pair.table(b)["web"]["rs1"], drill.verify(b).returncode),
              (43, 0), "fenced: the successor's term is on the device, whole")
        pair.kill(b, "yoke-checkpointd", "TERM")
        state_off(rack, b)
        fsck = subprocess.run(["e2fsck", "-fn", rack.disk],
                              capture_output=True, text=True)
        t.ok(fsck.returncode == 0, "and the file system is whole", fsck.stdout)


def main():
    with t.part("a frozen active"):
        frozen()
    with Rack(disk=96) as rack:
        mkfs(rack, "^mmp")
        prepare(rack)
        pair = Pair(rack, **SETTINGS)
        drill = StoreDrill(t, rack, pair)
        t.dump = pair.dump
        pair.start()
        with t.part("what nothing protects"):
            a, b = unguarded(rack, pair)
        with t.part("a planned switch"):
            a, b = switch(rack, pair, drill, a, b)
        with t.part("a stale active"):
            a, b = stale(rack, pair, drill, a, b)
        with t.part("a power cut"):
            power(rack, pair, drill, a, b)
        pair.kill(b, "yoke-checkpointd", "TERM")
        state_off(rack, b)
        rack.power_cut(b)
        rack.each(rack.boot)
        prepare(rack)
        pair = Pair(rack, **SETTINGS, checkpoint_interval="60s",
                    no_replica="true")
        drill = StoreDrill(t, rack, pair)
        t.dump = pair.dump
        pair.start()
        with t.part("rollback"):
            b = behind(rack, pair, drill)
            with t.part("cold start"):
                cold(rack, pair, drill, b)
    return t.done()


sys.exit(main())
