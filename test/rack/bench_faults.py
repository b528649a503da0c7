"""bench_faults: what bench_failover.py does to a pair, a row per fault.

A side's cell is what is done to it and how that is put right again before the
next run, or None where there is no such thing. Both take the run's Place and the
node that is hurt.
"""
import dataclasses

from bench_sides import Keepalived, Yoke

ACTIVE, STANDBY = "active", "standby"


@dataclasses.dataclass(frozen=True, eq=False)
class Fault:
    """moves: changes of role that belong to it. after_s: for how long the load
    goes on; None: the side's own time after a loss of power. goals: rows of
    bench_goals.FAULT_GOALS. serial: only with a serial line. fresh: on a rack
    where nothing was done before; one is raised as quickly as a director is
    started again."""
    name: str
    title: str
    hurts: str
    moves: int
    after_s: float
    yoke: tuple
    keepalived: tuple
    goals: tuple
    serial: bool = False
    fresh: bool = False

    def cell(self, config):
        return {Yoke: self.yoke, Keepalived: self.keepalived}[config.side]

    def on(self, config):
        """Is it a row for this configuration?"""
        return (self.cell(config) is not None and
                (not self.serial or config.serial > 0))


def verb(name):
    """A verb of the side, done to the node that is hurt."""
    return lambda place, node: getattr(place.side, name)(node)


def unplug(nic):
    return (lambda place, node: place.rack.nic(node, nic, False),
            lambda place, node: place.rack.nic(node, nic, True))


def power_cut(place, node):
    return place.power_cut(node)


def power_on(place, node):
    place.power_on(node)


def line(up):
    return lambda place, _node: place.rack.serial(up)


CUT = (power_cut, power_on)
CROSS = unplug("eth1")
LINE = (line(False), line(True))
KILL = (verb("kill_manager"), verb("start_manager"))
HANG = (verb("hang_manager"), verb("wake_manager"))
COROSYNC = (verb("kill_corosync"), verb("start_corosync"))
STORAGE = (verb("stop_storage"), verb("wake_storage"))
SWITCH = (verb("switch"), lambda *_: None)
STOP = (verb("switch"), verb("switch_back"))

UNHURT = ("failed", "lost", "overlap")
UNMOVED = ("moves", "failed", "lost", "overlap")

# The order in which they are made: those that leave most behind come last.
FAULTS = [
    Fault("switch", "planned switch", ACTIVE, 1, 1.0,
          SWITCH, STOP, (*UNHURT, "stall")),
    Fault("nic", "crossover NIC of the active unplugged", ACTIVE, 0, 1.5,
          CROSS, CROSS, UNMOVED),
    Fault("serial", "serial line unplugged", ACTIVE, 0, 1.5,
          LINE, None, UNMOVED, serial=True),
    Fault("storage", "checkpoint storage of the active hangs", ACTIVE, 0, 1.5,
          STORAGE, None, UNMOVED),
    Fault("corosync", "corosync of the active killed", ACTIVE, 0, 2.5,
          COROSYNC, None, UNHURT),
    Fault("manager-kill", "manager of the active killed", ACTIVE, 1, 1.5,
          KILL, KILL, UNHURT),
    Fault("manager-hang", "manager of the active hangs", ACTIVE, 1, 1.5,
          HANG, HANG, UNHURT),
    Fault("standby", "power of the standby cut", STANDBY, 0, None,
          CUT, CUT, UNMOVED),
    Fault("power", "power of the active cut", ACTIVE, 1, None,
          CUT, CUT, (), fresh=True),
]
POWER = FAULTS[-1]
