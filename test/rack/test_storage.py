#!/usr/bin/python3
"""Stable storage that is missing, read-only, full, hung or corrupt holds nobody
up and is an alarm; what is on it comes back."""
import contextlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic                                 # noqa: E402

STORE = "/run/store"    # of each director alone
AWAY = "/run/away"
QUIET = dict(interval="200ms", misses=10)    # other work may share our CPUs

t = T()


def alarms(pair, node):
    s = pair.status(node)
    return {a["name"]: a["text"] for a in s["alarms"]} if s else {}


def roles(pair):
    """What must not change: roles, terms, paths."""
    s = {n: pair.status(n) for n in pair.rack.NODES}
    return {n: (x["role"], x["epoch"], x["pid"], len(x["transitions"]))
            for n, x in s.items()}


def paths_since(pair):
    """When each path came up, in ms of the director's life."""
    out = {}
    for n in pair.rack.NODES:
        s = pair.status(n)
        for p in s["paths"]:
            out[n, p["name"]] = s["uptime_ms"] - p["for_ms"] if p["up"] else -1
    return out


def in_step(pair):
    """(active, standby) whatever storage says."""
    s = {n: pair.status(n) for n in pair.rack.NODES}
    for a, b in (("d1", "d2"), ("d2", "d1")):
        if (s[a] and s[b] and s[a]["role"] == "active" and
                s[a]["peer"]["in_step"] and s[a]["seq"] == s[b]["seq"]):
            return a, b
    return None


def healthy(pair, node):
    return all(v["health"] == "up" for s in pair.status(node)["services"]
               for v in s["servers"])


def failing(pair, node, what, words):
    """The alarm comes, names the directory and the reason; exit code 1."""
    def said():
        text = alarms(pair, node).get("checkpoint", "")
        return STORE in text and words in text
    wait_for(said, 6, f"alarm \"{words}\": {what}")
    t.is_(pair.yoke(node, "status", check=False).returncode, 1,
          f"{what}: an alarm names the directory and says why; exit code 1")


def mended(pair, node, what):
    wait_for(lambda: pair.status(node)["checkpoint"]["ok"] and
             pair.status(node)["checkpoint"]["lag_changes"] == 0 and
             not alarms(pair, node), 6, f"end of: {what}")
    t.is_(pair.yoke(node, "status", check=False).returncode, 0,
          f"{what}, mended: no alarm, exit code 0")


def weight(pair, a, b, n):
    """A change reaches both kernels, whatever storage does."""
    pair.yoke(a, f"server weight web rs1 {n}")
    wait_for(lambda: all(f" -w {n}" in "\n".join(pair.kernel(x))
                         for x in (a, b)), 3, "weight on both")


def faults(rack, pair):
    run = rack.run
    def calm():
        got = in_step(pair)
        return got if got and healthy(pair, got[0]) else None
    a, b = wait_for(calm, 25, "a pair without storage")
    failing(pair, a, "missing from the start", "No such file or directory")
    before, since = roles(pair), paths_since(pair)
    with Traffic(rack, rate=100, established=10, young_rate=10) as load:
        load.wait_ready()
        for n in (a, b):
            run(n, f"mkdir {STORE} && mount -t tmpfs -o size=256k t {STORE}")
        mended(pair, a, "missing from the start")

        run(a, f"mount --move {STORE} {AWAY} 2>/dev/null || "
            f"{{ mkdir -p {AWAY}; mount --move {STORE} {AWAY}; }}")
        run(a, f"rmdir {STORE}")
        failing(pair, a, "gone while running", "No such file or directory")
        weight(pair, a, b, 11)
        run(a, f"mkdir {STORE}; mount --move {AWAY} {STORE}")
        mended(pair, a, "gone while running")

        run(a, f"mount -t tmpfs -o ro t {STORE}")
        failing(pair, a, "read-only", "ead-only file system")
        weight(pair, a, b, 12)
        run(a, f"umount {STORE}")
        mended(pair, a, "read-only")

        run(a, f"cat /dev/zero >{STORE}/filler 2>/dev/null; true")
        weight(pair, a, b, 13)
        pair.rack.run(a, f"{pair.bin}/yoke batch", input="".join(
            f"server weight web rs{i % 3 + 1} {i}\n" for i in range(20, 80)))
        failing(pair, a, "full", "No space left")
        weight(pair, a, b, 14)
        run(a, f"rm {STORE}/filler")
        mended(pair, a, "full")

        run(a, f"mount --bind {STORE} {STORE} && "
            f"mount -o remount,bind,ro {STORE}")
        pair.kill(a, "yoke-checkpointd")
        wait_for(lambda: "checkpointd" in alarms(pair, a), 3, "death")
        pair.start_daemon(a, "yoke-checkpointd")
        failing(pair, a, "read-only, checkpointd started again",
                "ead-only file system")
        run(a, f"umount {STORE}")
        mended(pair, a, "read-only, checkpointd started again")
        load.stop()
    f = load.report["failed"]
    t.is_(f["total"] - f["late"], 0,
          f"of {load.report['attempts']} requests meanwhile none failed")
    e = load.report["established"]
    t.is_((e["kept"], e["reset"]), (e["total"], 0),
          "established connections were kept")
    t.is_(roles(pair), before, "no role and no term changed")
    now = paths_since(pair)
    t.ok(all(abs(now[p] - since[p]) < 20 for p in since),
         "no path went down", (since, now))
    return a, b


def hung(rack, pair, a, b):
    """A checkpointd that hangs does not delay a takeover."""
    wait_for(lambda: in_step(pair), 5, "in step")
    before, kernel = pair.table(a), pair.kernel(a)
    pair.kill(b, "yoke-checkpointd", "STOP")
    wait_for(lambda: "checkpointd" in alarms(pair, b), 6, "alarm: hung")
    t.ok(True, "the standby's checkpointd stopped: alarm on the standby")
    rack.power_cut(a)
    pair.wait_role(b, "active")
    s = pair.status(b)
    took = [x for x in s["transitions"] if x["to"] == "taking-over"][0]
    t.ok(took["total_us"] < 200000,
         "power cut with a hung checkpointd: the takeover does not wait",
         took)
    t.is_((s["restored"]["from"], pair.table(b), pair.kernel(b)),
          ("replica", before, kernel), "the table is the replica's, exactly")
    pair.kill(b, "yoke-checkpointd", "CONT")
    wait_for(lambda: pair.status(b)["checkpoint"]["ok"] and
             pair.status(b)["checkpoint"]["epoch"] == s["epoch"] and
             pair.status(b)["checkpoint"]["lag_changes"] == 0, 8,
             "the new term on storage")
    t.ok(True, "checkpointd goes on: the new term is on storage")


def stored(pair, a):
    c = pair.status(a)["checkpoint"]
    return c["ok"] and c["lag_changes"] == 0


def batch(rack, pair, a, orders):
    rack.run(a, f"{pair.bin}/yoke batch", input="".join(orders))
    wait_for(lambda: stored(pair, a), 5, "all on storage")


def both_there(rack, pair):
    """(active, standby); without a replica nobody is ever in step."""
    r = {pair.role(n): n for n in rack.NODES}
    return (r["active"], r["standby"]) if len(r) == 2 and \
        "active" in r and "standby" in r else None


def back(rack, pair, node):
    rack.boot(node)
    rack.start_corosync(node)
    pair.start_node(node)
    pair.wait_role(node, "standby", 15)


def flip(path):
    """Bytes in the middle of the file, and of its log."""
    for name in (path, path + "-wal"):
        if not os.path.exists(name) or os.path.getsize(name) == 0:
            continue
        with open(name, "r+b") as f:
            size = os.path.getsize(name)
            for at in range(size // 3, size * 2 // 3, 97):
                f.seek(at)
                byte = f.read(1)
                f.seek(at)
                f.write(bytes([byte[0] ^ 0x55]))


def rollback(rack, pair):
    def calm():
        got = both_there(rack, pair)
        return got if got and healthy(pair, got[0]) and \
            stored(pair, got[0]) else None
    a, b = wait_for(calm, 25, "a pair whose servers are up")
    t.ok(not pair.status(b)["replica"]["valid"], "no replica on the standby")
    batch(rack, pair, a, [f"server weight web rs{i % 3 + 1} {i}\n"
                          for i in range(1, 101)])
    batch(rack, pair, a, ["server drain web6 rs2\n"])
    before, kernel = pair.status(a), pair.kernel(a)
    table = pair.table(a)
    rack.power_cut(a)
    pair.wait_role(b, "active")
    s = wait_for(lambda: pair.status(b)["restored"]["from"] == "checkpoint"
                 and pair.status(b), 5, "rollback")
    r = s["restored"]
    t.is_(pair.table(b), table, "after a rollback yoke's table is as before")
    wait_for(lambda: pair.kernel(b) == kernel, 2, "kernel's table")
    t.ok(True, "and so is the kernel's")
    t.is_((r["epoch"], r["seq"]), (before["epoch"], before["seq"]),
          "restored is the last change that was made")
    t.is_(r["snapshot_seq"] + r["changes"], before["seq"],
          f"snapshot at {r['snapshot_seq']} and {r['changes']} changes")
    t.ok(r["changes"] >= 100, "the journal was replayed", r)
    t.note(f"rollback took {r['took_us'] / 1000:.1f} ms")

    back(rack, pair, a)
    a, b = b, a
    for i in range(50, 60):             # each a commit of its own
        batch(rack, pair, a, [f"server weight web rs1 {i}\n"])
    s = pair.status(a)
    newest = s["checkpoint"]["file"]
    rack.power_cut(a)
    flip(newest)
    pair.wait_role(b, "active")
    with contextlib.suppress(TimeoutError):
        wait_for(lambda: os.path.basename(newest) in
                 pair.status(b)["restored"]["text"], 5, "a word")
    r = pair.status(b)["restored"]
    t.ok(r["from"] in ("checkpoint", "config") and
         (r["epoch"], r["seq"]) < (s["epoch"], s["seq"]),
         "newest file corrupt: an older table is used", r)
    t.ok(os.path.basename(newest) in r["text"],
         "and status says so, naming the file", r)
    t.note(f"from {r['from']}: {r['text']}")
    if r["from"] == "checkpoint":
        want = {k: dict(v) for k, v in table.items()}
        got = pair.table(b)
        got["web"].pop("rs1"), want["web"].pop("rs1")
        t.is_(got, want, "the table is one that there was")
    wait_for(lambda: rack.fetch() in rack.RS, 5, "service")
    t.ok(True, "clients are served")
    return b, a


def cold(rack, pair, active, off):
    """Both lose their power; the directory is kept."""
    back(rack, pair, off)
    batch(rack, pair, active, ["server weight web rs2 77\n",
                               "server drain web rs3\n"])
    before = pair.status(active)
    table = pair.table(active)
    rack.each(rack.power_cut)
    rack.each(rack.boot)
    pair.start()
    a, b = wait_for(lambda: both_there(rack, pair), 20, "roles")
    t.is_(pair.table(a), table, "cold start: the table is there again")
    rows = [[(v["name"], v["weight"], v["source"], v["drain"])
             for v in s["servers"]] for s in before["services"]]
    t.is_([[(v["name"], v["weight"], v["source"], v["drain"])
            for v in s["servers"]] for s in pair.status(a)["services"]],
          rows, "overrides and drains too, and why")
    r = pair.status(a)["restored"]
    t.is_((r["from"], r["epoch"], r["seq"]),
          ("checkpoint", before["epoch"], before["seq"]),
          "restored from the checkpoint, nothing lost")
    t.ok(pair.status(a)["epoch"] > before["epoch"], "the term is a new one")


def main():
    with Rack() as rack:
        pair = Pair(rack, directory=STORE, checkpoint_interval="500ms",
                    **QUIET)
        t.dump = pair.dump
        with t.part("faults of the directory"):
            pair.start()
            a, b = faults(rack, pair)
            with t.part("a hung checkpointd"):
                hung(rack, pair, a, b)
    with Rack() as rack:
        pair = Pair(rack, checkpoint_interval="60s", no_replica="true",
                    **QUIET)
        t.dump = pair.dump
        with t.part("rollback"):
            pair.start()
            active, off = rollback(rack, pair)
            with t.part("cold start"):
                cold(rack, pair, active, off)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
