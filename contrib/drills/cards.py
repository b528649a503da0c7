"""cards: the shell commands that harm a card (tc), and those that end it.

The card's own queue stays: to change a busy card's loses packets of its clients.
What is to be harmed takes a way around instead, through a device of its own (ifb)
with a queue that loses or delays it; a filter of our number leads it there. The
queue clsact, which has the filters, is there already while yoke-syncd copies; where
it is not, it is made, and left: to make it or take it away loses packets as well.
"""
PREF = 7777             # of our filters
NAME = 15               # the longest name of a device


def _around(device):
    """Names of cards differ in their end: enp129s0f0np0, enp129s0f0np1."""
    return "yd" + device[2 - NAME:]


def _way_around(device, match, how):
    around = _around(device)
    return " && ".join((
        "{ modprobe -q ifb numifbs=0; true; }",     # else it makes two
        f"ip link add {around} type ifb",
        f"tc qdisc add dev {around} root netem limit 10000 {how}",
        f"ip link set {around} up",
        f"{{ tc qdisc show dev {device} | grep -q clsact || "
        f"tc qdisc add dev {device} clsact; }}",
        f"tc filter add dev {device} egress pref {PREF} protocol {match} "
        f"action mirred egress redirect dev {around}"))


def unplug(device):
    """Nothing leaves, nothing comes in."""
    return (f"{_way_around(device, 'all matchall', 'loss 100%')} && "
            f"tc filter add dev {device} ingress pref {PREF} protocol all "
            "matchall action drop")


def shape(device, peer, how):
    """What leaves for the peer meets netem's `how`."""
    proto, match = ("ipv6", "ip6") if ":" in peer else ("ip", "ip")
    return _way_around(device, f"{proto} u32 match {match} dst {peer}", how)


def mend(device):
    """Ends either."""
    return (f"tc filter del dev {device} ingress pref {PREF}; "
            f"tc filter del dev {device} egress pref {PREF}; "
            f"ip link del {_around(device)}; true")
