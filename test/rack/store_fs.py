"""store_fs: what must hold of checkpoints on storage that both directors reach,
whatever kind it is: test_cluster_fs.py and test_nfs.py mount it.

    drill = StoreDrill(t, rack, pair)
    a, b = pair.wait_settled()
    drill.both_see(a, b, "cluster")
    a, b = drill.stale(a, b)
"""
from pair import BIN, CONF
from rack import wait_for

STORE = "/run/store"    # of each director, where it is mounted


def alarms(pair, node):
    s = pair.status(node)
    return {a["name"]: a["text"] for a in s["alarms"]} if s else {}


class StoreDrill:
    def __init__(self, t, rack, pair):
        self.t, self.rack, self.pair = t, rack, pair

    def verify(self, node):
        return self.rack.run(
            node, f"{BIN}/yoke -c {CONF} -n {node} checkpoint verify "
            f"--dir={STORE}", check=False, timeout=20)

    def stored(self, node, deadline=10):
        """Everything that was changed is in the file; its part of status."""
        def look():
            s = self.pair.status(node)
            c = s["checkpoint"] if s else {"ok": 0}
            return c if c["ok"] and c["lag_changes"] == 0 and \
                c["epoch"] == s["epoch"] else None
        return wait_for(look, deadline, "storage in step")

    def weight(self, node, n):
        self.pair.yoke(node, f"server weight web rs1 {n}")

    def sum_of(self, node, path):
        return self.rack.run(node, f"cat {path} {path}-wal | md5sum").split()[0]

    def both_see(self, a, b, kind):
        c = self.stored(a)
        self.t.is_(c["storage"], kind, "yoke sees what kind of storage it is")
        self.weight(a, 41)
        c = self.stored(a)
        wait_for(lambda: self.sum_of(b, c["file"]) == self.sum_of(a, c["file"]),
                 10, "the standby to read what the active one has written")
        v = self.verify(b)
        self.t.is_(v.returncode, 0, "and finds it whole, while it is written")

    def untouched(self, b, old, wake):
        """wake() lets the stale one go on: it writes into its own file, and
        nothing of the successor's changes."""
        c = self.stored(b)
        self.t.ok(c["file"] != old, "the successor writes a file of its own",
                  c["file"])
        self.weight(b, 43)
        c = self.stored(b)
        # its own looks at the storage are small writes
        self.pair.kill(b, "yoke-checkpointd", "STOP")
        before, was = self.sum_of(b, c["file"]), self.sum_of(b, old)
        wake()
        wait_for(lambda: self.sum_of(b, old) != was, 15,
                 "the stale one writes what it still had, into its own file")
        self.t.is_(self.sum_of(b, c["file"]), before,
                   "nothing of the successor's has changed")
        self.pair.kill(b, "yoke-checkpointd", "CONT")

    def settle_after(self, b):
        self.pair.wait_settled(20)
        self.t.is_((self.pair.role(b), self.pair.table(b)["web"]["rs1"]),
                   ("active", 43),
                   "who woke up is the standby, with the successor's table")
        self.t.is_(self.verify(b).returncode, 0, "all files are whole")

    def stale(self, a, b):
        """The active one's daemons stop, another takes over; they wake up and
        write."""
        pair = self.pair
        old = pair.status(a)["checkpoint"]["file"]
        pair.kill(a, "yoke-checkpointd", "STOP")
        self.weight(a, 42)              # waits in the ring of the stopped one
        pair.kill(a, "yoked", "STOP")
        pair.wait_role(b, "active")
        self.untouched(b, old, lambda: pair.kill(a, "yoke-checkpointd", "CONT"))
        pair.kill(a, "yoked", "CONT")
        self.settle_after(b)
        return b, a
