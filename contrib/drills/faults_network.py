"""Cards, cables and what happens to packets on the way."""
from drill import DETECT, drill

UPLINK_MS = 1000    # to find out that the outside is gone, and hand over
SLOW_MS = 2500      # the same when only a serial line is left to say so


def cross(d):
    """Why there is no path on a card of its own."""
    n = d.nodes[0]
    return None if cross_paths(d.conf, n) else "no path beside the service's"


def cross_paths(conf, node):
    return [p for p in conf.paths(node) if p[1] not in conf.vip_devices]


def service_paths(conf, node):
    return [p for p in conf.paths(node) if p[1] in conf.vip_devices]


def two(d):
    return None if len(d.conf.paths(d.nodes[0])) > 1 else "one path only"


def unplug(d, node, paths):
    for _, device, _ in paths:
        d.undo(d.driver.nic, node, device, True)
        d.say(f"{device} of {node} is unplugged")
        d.driver.nic(node, device, False)


def path_down(d, node, names):
    def down():
        return not any(p["up"] for p in d.status(node)["paths"]
                       if p["name"] in names)
    d.wait(down, f"{node} to miss {' and '.join(names)}")
    d.say(f"{node} misses {' and '.join(names)}")


def names(paths):
    return [p[0] for p in paths]


@drill("nic-cross-active", "unplugs the active's second card (no clients "
       "there)", needs=(cross,), quick=True)
def nic_cross_active(d):
    nic_away(d, d.active, cross_paths(d.conf, d.active))


@drill("nic-cross-standby", "unplugs the standby's second card",
       needs=(cross,))
def nic_cross_standby(d):
    nic_away(d, d.standby, cross_paths(d.conf, d.standby))


@drill("nic-service-standby", "unplugs the standby's card to the clients",
       needs=(cross,))
def nic_service_standby(d):
    nic_away(d, d.standby, service_paths(d.conf, d.standby))


def nic_away(d, node, paths):
    unplug(d, node, paths)
    path_down(d, d.active, names(paths))
    d.quiet(1, "without it")


@drill("nic-service-active", "unplugs the active's card to the clients",
       moves=1, outage=UPLINK_MS, needs=(cross, "uplink"))
def nic_service_active(d):
    unplug(d, d.active, service_paths(d.conf, d.active))
    d.wait_role(d.standby, "active")


@drill("nics-active", "unplugs all cards of the active", moves=1,
       outage=SLOW_MS, needs=("uplink",))
def nics_active(d):
    unplug(d, d.active, d.conf.paths(d.active))
    d.wait_role(d.standby, "active")
    d.quiet(1, "apart", active=d.standby)


@drill("nics-standby", "unplugs all cards of the standby", needs=("uplink",))
def nics_standby(d):
    unplug(d, d.standby, d.conf.paths(d.standby))
    path_down(d, d.active, names(d.conf.paths(d.standby)))
    d.quiet(1, "apart")


@drill("serial-cut", "cuts the serial line", needs=("serial",))
def serial_cut(d):
    cut_serial(d)
    path_down(d, d.active, names(d.conf.paths(d.active, "serial")))
    d.quiet(1, "without it")


def cut_serial(d):
    d.undo(d.driver.serial, True)
    d.say("the serial line is cut")
    d.driver.serial(False)


@drill("split-active", "cuts every path between the directors, at the active: "
       "its cards and the serial line", moves=1, outage=UPLINK_MS,
       needs=("uplink", "serial"))
def split_active(d):
    cut_serial(d)
    nics_active(d)


@drill("split-standby", "cuts every path between the directors, at the "
       "standby", needs=("uplink", "serial"))
def split_standby(d):
    cut_serial(d)
    nics_standby(d)


# -- on the way between the directors -------------------------------------

def shape(d, node, how, paths=None):
    """What the node sends to its peer on these paths meets `how`."""
    other = d.other(node)
    there = {p[0]: p[2] for p in d.conf.paths(other)}
    for name, device, _ in paths or d.conf.paths(node):
        d.undo(d.driver.shape, node, device, there[name], None)
        d.driver.shape(node, device, there[name], how)
        d.say(f"{name}, {node} to {other}: {how}")


def one_way(d, node, i):
    path = d.conf.paths(node)[i]
    shape(d, node, "loss 100%", [path])
    path_down(d, d.other(node), [path[0]])
    d.quiet(1, "one way only")


for _i in (0, 1):
    for _who in ("active", "standby"):
        drill(f"one-way-net{_i + 1}-{_who}", "loses all that the "
              f"{_who} sends to its peer on path {_i + 1}", needs=(two,))(
                  lambda d, who=_who, i=_i: one_way(d, getattr(d, who), i))


@drill("one-way-all-active", "loses all that the active sends to its peer, "
       "on every path", moves=1, needs=("no-serial",))
def one_way_all_active(d):
    shape(d, d.active, "loss 100%")
    d.wait_role(d.standby, "active")
    d.wait_role(d.active, "standby")
    d.quiet(1, "one way only", active=d.standby)


@drill("one-way-all-standby", "loses all that the standby sends to its peer, "
       "on every path", needs=("no-serial",))
def one_way_all_standby(d):
    shape(d, d.standby, "loss 100%")
    path_down(d, d.active, names(d.conf.paths(d.standby)))
    d.quiet(1, "one way only")


@drill("loss-30", "loses 30 % of what the directors send to each other")
def loss_30(d):
    for node in (d.active, d.standby):
        shape(d, node, "loss 30%")
    d.quiet(3, "30 % loss")


@drill("delay-200", "delays what the directors send to each other by 200 ms, "
       "give or take 50")
def delay_200(d):
    for node in (d.active, d.standby):
        shape(d, node, "delay 200ms 50ms")
    d.quiet(3, "200 ms delay")
