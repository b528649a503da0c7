"""bench_configs: the configurations that bench_failover.py compares.

A side (yoke or keepalived on both directors) has settle(), which returns
(active, standby) when both are ready, after(), which tells what the survivor
itself says of its takeover, and AFTER_S, for how long the load goes on.
"""
import dataclasses

from pair import Pair
from rack import wait_for

CLOCKS_US = 20000       # a machine's clock beside the host's, at most


def start_pair(rack, **settings):
    """yoke on a cluster that has formed: while it forms, corosync spins on
    what its clients ask, and these machines have one CPU."""
    rack.each(rack.start_corosync)
    for node in rack.NODES:
        wait_for(lambda: rack.corosync_members(node) == [1, 2], 20,
                 f"corosync's members on {node}")
    pair = Pair(rack, corosync=False, **settings)
    rack.each(pair.start_node)
    return pair


class Yoke:
    AFTER_S = 2.3       # corosync tells of the loss 2.2 s after it

    def __init__(self, rack, **settings):
        self.pair = start_pair(rack, **settings)

    def settle(self):
        return self.pair.wait_settled()

    def after(self, standby, cut):
        """The survivor's account of its takeover, and of other changes of
        role before or after it."""
        s = self.pair.status(standby)
        at = cut.realtime * 1e6 - CLOCKS_US
        took = [t for t in s["transitions"] if t["to"] == "taking-over" and
                t["at_us"] > at]
        odd = [f"{t['from']}>{t['to']} {t['why']}" for t in s["transitions"]
               if t["to"] in ("taking-over", "fault") and t not in took]
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
        self.rack = rack
        first, second = (254, 253) if fastest else (150, 100)
        rack.start_keepalived("d1", first, **settings)
        rack.start_keepalived("d2", second, **settings)

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
        wait_for(self.ready, 20, "keepalived on both directors")
        return "d1", "d2"

    def after(self, standby, _cut):
        return {"survivor_role": "active" if self.rack.has_vip(standby)
                else "?"}


@dataclasses.dataclass(frozen=True)
class Config:
    name: str
    title: str
    side: type
    settings: dict

    def start(self, rack):
        return self.side(rack, **self.settings)


CONFIGS = [
    Config("yoke-10-mh", "yoke, 10 ms beats, mh", Yoke,
           dict(interval="10ms", misses=3, scheduler="mh")),
    Config("yoke-10-line", "yoke, 10 ms, mh, serial", Yoke,
           dict(interval="10ms", misses=3, scheduler="mh", serial=115200)),
    Config("yoke-10-rr", "yoke, 10 ms beats, rr", Yoke,
           dict(interval="10ms", misses=3, scheduler="rr")),
    Config("yoke-mh", "yoke, defaults, mh", Yoke,
           dict(interval="20ms", misses=3, scheduler="mh")),
    Config("yoke-rr", "yoke, defaults, rr", Yoke,
           dict(interval="20ms", misses=3, scheduler="rr")),
    Config("ka", "keepalived, defaults, rr", Keepalived,
           dict(advert_int="1", vrrp_version=2, sync="default",
                scheduler="rr")),
    Config("ka-10-mh", "keepalived, 10 ms, mh", Keepalived,
           dict(fastest=True, advert_int="0.01", vrrp_version=3,
                sync="tuned", scheduler="mh")),
    Config("ka-10-rr", "keepalived, 10 ms, rr", Keepalived,
           dict(fastest=True, advert_int="0.01", vrrp_version=3,
                sync="tuned", scheduler="rr")),
]
