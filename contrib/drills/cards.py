"""cards: the shell commands that harm a card (tc), and those that end it.

Only filters of our own number are added beside what is there. The queue clsact
may be yoke-syncd's, or somebody's: it is made when it is missing, and goes when
nothing is left in it.
"""
PREF = 7777             # of our filters
NAME = 15               # the longest name of a device
NOBODYS = ("noqueue", "mq", "fq_codel", "pfifo_fast", "fq")


def free(shown):
    """Is the root queue that `tc qdisc show dev X root` prints one that the
    system made? Else what it is."""
    kind = shown.split()[1] if shown.split() else "noqueue"
    return None if kind in NOBODYS else kind


def _clsact(device):
    return (f"{{ tc qdisc show dev {device} | grep -q clsact || "
            f"tc qdisc add dev {device} clsact; }}")


def _clsact_end(device):
    show = f"tc filter show dev {device}"
    return (f"tc filter del dev {device} ingress pref {PREF}; "
            f"tc filter del dev {device} egress pref {PREF}; "
            f'[ -n "$({show} ingress; {show} egress)" ] || '
            f"tc qdisc del dev {device} clsact; true")


def unplug(device):
    """Nothing leaves, nothing comes in."""
    return " && ".join((
        f"tc qdisc add dev {device} root netem loss 100%", _clsact(device),
        f"tc filter add dev {device} ingress pref {PREF} protocol all "
        "matchall action drop"))


def plug(device):
    return f"tc qdisc del dev {device} root; {_clsact_end(device)}"


def _around(device):
    return f"yd-{device}"[:NAME]


def shape(device, peer, how):
    """What leaves for the peer meets netem's `how`. To change the queue of a
    busy card loses packets of its clients: the peer's take a way around,
    through a device of their own."""
    proto, match = ("ipv6", "ip6") if ":" in peer else ("ip", "ip")
    around = _around(device)
    return " && ".join((
        "{ modprobe -q ifb numifbs=0; true; }",     # else it makes two
        f"ip link add {around} type ifb",
        f"tc qdisc add dev {around} root netem limit 10000 {how}",
        f"ip link set {around} up", _clsact(device),
        f"tc filter add dev {device} egress pref {PREF} protocol {proto} "
        f"u32 match {match} dst {peer} action mirred egress redirect "
        f"dev {around}"))


def shape_end(device):
    return f"{_clsact_end(device)}; ip link del {_around(device)}; true"
