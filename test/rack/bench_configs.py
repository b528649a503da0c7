"""bench_configs: the configurations that bench_failover.py compares."""
import dataclasses

from bench_sides import Keepalived, Yoke, start_pair        # noqa: F401


@dataclasses.dataclass(frozen=True, eq=False)
class Config:
    """outage_ms: the goal for the median after a power cut; None: it is here to
    be compared with. peer: the keepalived that it is measured against, in the
    same run. every: all faults are made on it, not the power cut alone."""
    name: str
    title: str
    side: type
    settings: dict
    outage_ms: float = None
    peer: str = None
    every: bool = False

    @property
    def serial(self):
        """Bits per second of its serial line; 0: it has none."""
        return self.settings.get("serial", 0)

    def start(self, rack):
        return self.side(rack, **self.settings)


FAST = dict(interval="10ms", misses=3), 39
DEFAULT = dict(interval="20ms", misses=3), 100
FAST_LINE = dict(interval="10ms", misses=3, serial=115200), 20
DEFAULT_LINE = dict(interval="20ms", misses=3, serial=115200), 40
KA_FAST = dict(fastest=True, advert_int="0.01", vrrp_version=3, sync="tuned")


def yoke(name, title, beats, scheduler, **more):
    settings, outage_ms = beats
    return Config(name, title, Yoke, {**settings, "scheduler": scheduler},
                  outage_ms, **more)


def keepalived(name, title, settings, scheduler, **more):
    return Config(name, title, Keepalived,
                  {**settings, "scheduler": scheduler}, **more)


CONFIGS = [
    yoke("yoke-10-mh", "yoke, 10 ms beats, mh", FAST, "mh", peer="ka-10-mh"),
    yoke("yoke-10-rr", "yoke, 10 ms beats, rr", FAST, "rr", peer="ka-10-rr",
         every=True),
    yoke("yoke-10-wlc", "yoke, 10 ms beats, wlc", FAST, "wlc",
         peer="ka-10-wlc"),
    yoke("yoke-10-line", "yoke, 10 ms, rr, serial", FAST_LINE, "rr",
         peer="ka-10-rr"),
    yoke("yoke-mh", "yoke, defaults, mh", DEFAULT, "mh"),
    yoke("yoke-rr", "yoke, defaults, rr", DEFAULT, "rr"),
    yoke("yoke-wlc", "yoke, defaults, wlc", DEFAULT, "wlc"),
    yoke("yoke-line", "yoke, defaults, rr, serial", DEFAULT_LINE, "rr"),
    keepalived("ka", "keepalived, defaults, rr",
               dict(advert_int="1", vrrp_version=2, sync="default"), "rr"),
    keepalived("ka-10-mh", "keepalived, 10 ms, mh", KA_FAST, "mh"),
    keepalived("ka-10-rr", "keepalived, 10 ms, rr", KA_FAST, "rr",
               every=True),
    keepalived("ka-10-wlc", "keepalived, 10 ms, wlc", KA_FAST, "wlc"),
]
