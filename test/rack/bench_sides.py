"""bench_sides: yoke or keepalived on both directors of a rack, for the benches.

A side has settle(), which returns (active, standby) when both are ready, verbs
that harm a director (each with one that puts it right), rejoin(), for a
director that was switched on again, after(), which tells what the survivor itself
says of its takeover, and AFTER_S, for how long the load goes on after a
power cut.
"""
import os
import sys

from bench_client import CLOCKS_US
from pair import Pair
from rack import wait_for
from uml import REPO

sys.path.insert(0, os.path.join(REPO, "contrib", "drills"))
from drill import roles, unsettled                          # noqa: E402

SETTLE_S = 30


def form_cluster(rack):
    """While it forms, corosync spins on what its clients ask, and these
    machines have one CPU: yoke starts afterwards."""
    for node in rack.NODES:
        wait_for(lambda: rack.corosync_members(node) == [1, 2], 20,
                 f"corosync's members on {node}")


def start_pair(rack, **settings):
    """yoke on a cluster that has formed."""
    rack.each(rack.start_corosync)
    form_cluster(rack)
    pair = Pair(rack, corosync=False, **settings)
    rack.each(pair.start_node)
    return pair


class Yoke:
    AFTER_S = 2.3       # corosync tells of the loss 2.2 s after it

    def __init__(self, rack, **settings):
        self.rack = rack
        self.pair = start_pair(rack, **settings)

    def settle(self):
        last = [None]

        def good():
            st = {n: self.pair.status(n) for n in self.rack.NODES}
            last[0] = unsettled(st)
            return roles(st) if last[0] is None else None
        try:
            return wait_for(good, SETTLE_S, "a settled pair")
        except TimeoutError as e:
            raise TimeoutError(f"{e}: {last[0]}") from None

    def rejoin(self, node):
        self.rack.start_corosync(node)
        form_cluster(self.rack)
        self.pair.start_node(node)

    # -- harm ------------------------------------------------------------

    def kill_manager(self, node):
        self.pair.kill(node, "yoked")

    def start_manager(self, node):
        self.pair.start_daemon(node, "yoked")

    def hang_manager(self, node):
        self.pair.kill(node, "yoked", "STOP")

    def wake_manager(self, node):
        self.pair.kill(node, "yoked", "CONT")

    def kill_corosync(self, node):
        self.rack.stop_corosync(node, kill=True)

    def start_corosync(self, node):
        wait_for(lambda: not self.rack.run(node, "pgrep -x corosync",
                                           check=False), 10, "corosync's end")
        self.rack.start_corosync(node)
        form_cluster(self.rack)

    def switch(self, node):
        self.pair.yoke(node, "switch")

    def stop_storage(self, node):
        self.pair.kill(node, "yoke-checkpointd", "STOP")

    def wake_storage(self, node):
        self.pair.kill(node, "yoke-checkpointd", "CONT")

    # -- its own account -------------------------------------------------

    def story(self, last=4):
        """Both directors' last changes of role, for a run that broke."""
        out = []
        for node in self.rack.NODES:
            s = self.pair.status(node)
            for t in (s["transitions"][:last] if s else []):
                out.append((t["at_us"], f"{node} {t['from']}>{t['to']} "
                            f"{t['why']} silence {t['silence_us']}"))
        return "; ".join(f"{at / 1e6 % 1000:.3f} {text}"
                         for at, text in sorted(out))

    def term(self, node):
        """A number that every takeover makes higher."""
        s = self.pair.status(node)
        return s["epoch"] if s else None

    def after(self, node, began, cut):
        """Its account of the takeover since the cut, if there was one, and of
        other changes of role since the run began; both by its own clock."""
        s = self.pair.status(node)
        at = cut * 1e6 - CLOCKS_US
        took = [t for t in s["transitions"] if t["to"] == "taking-over" and
                t["at_us"] > at]
        odd = [f"{t['from']}>{t['to']} {t['why']}" for t in s["transitions"]
               if t["to"] in ("taking-over", "fault") and t not in took and
               t["at_us"] > began * 1e6]
        out = {"survivor_role": s["role"], "odd_transitions": odd,
               "takeovers": len(took),
               "restored_from": s["restored"]["from"],
               "beats_late_max_ms": s["beats"]["late_max_us"] / 1000,
               "beats_sleeps": s["beats"]["sleeps"]}
        if took:
            t = took[-1]
            steps = {x["name"]: x["us"] / 1000 for x in t["steps"]}
            out |= {"why": t["why"], "silence_ms": t["silence_us"] / 1000,
                    "steps_ms": steps, "own_ms": sum(steps.values())}
        return out


class Keepalived:
    """d1 first. fastest: priorities next to each other, which makes the
    standby's own part of its patience ((256 - priority) / 256 of an advert)
    vanish."""
    AFTER_S = 1.0

    def __init__(self, rack, fastest=False, **settings):
        self.rack, self.settings = rack, settings
        self.priority = dict(zip(rack.NODES,
                                 (254, 253) if fastest else (150, 100)))
        for node in rack.NODES:
            self.rejoin(node)

    def rejoin(self, node):
        self.rack.start_keepalived(node, self.priority[node],
                                   **self.settings)

    def ready(self):
        """d1 serves; both have the servers; each has its sync daemon."""
        want = {"d1": "master", "d2": "backup"}
        return (self.rack.has_vip("d1") and not self.rack.has_vip("d2") and
                all(self.rack.run(n, "ipvsadm -Sn").count(" -r ") == 3 and
                    f"{want[n]} sync" in self.rack.run(n, "ipvsadm -l "
                                                       "--daemon")
                    for n in self.rack.NODES) and
                self.rack.fetch(timeout=0.1) in self.rack.RS)

    def settle(self):
        wait_for(self.ready, SETTLE_S, "keepalived on both directors")
        return "d1", "d2"

    # -- harm ------------------------------------------------------------

    def kill_manager(self, node):
        self.rack.stop_keepalived(node, kill=True)

    def start_manager(self, node):
        """What a killed one left goes first."""
        self.rack.run(node, f"ip addr del {self.rack.VIP}/32 dev eth0;"
                      "ipvsadm -C; ipvsadm --stop-daemon master;"
                      "ipvsadm --stop-daemon backup", check=False)
        self.rejoin(node)

    def hang_manager(self, node):
        self.rack.run(node, "pkill -STOP -x keepalived")

    def wake_manager(self, node):
        self.rack.run(node, "pkill -CONT -x keepalived")

    def switch(self, node):
        """As its users do: they stop the service on the master, which says
        so in a last advert of priority 0."""
        self.rack.run(node, "pkill -TERM -x -o keepalived")

    def switch_back(self, node):
        self.rack.stop_keepalived(node)
        self.rejoin(node)

    # -- its own account -------------------------------------------------

    def term(self, _node):
        return None

    def after(self, node, _began, _cut):
        return {"survivor_role": "active" if self.rack.has_vip(node)
                else "?"}
