"""The cluster's own messages: corosync dies, is stopped, or hangs."""
from drill import drill


def corosync(d, node, sig):
    d.kill(node, "corosync", sig)
    other = d.other(node)
    if sig == "STOP":
        d.wait(lambda: not d.status(other)["link"]["peer"],
               f"{other} to miss {node} in the cluster", 15)
    else:
        d.wait(lambda: not d.status(node)["link"]["connected"],
               f"{node} to miss its corosync")
    d.quiet(1, f"without corosync on {node}")


WAYS = {"kill": ("kills (SIGKILL) {}", "KILL"), "stop": ("stops {}", "TERM"),
        "hang": ("hangs (SIGSTOP) {}", "STOP")}

for _way, (_says, _sig) in WAYS.items():
    for _who in ("active", "standby"):
        drill(f"corosync-{_way}-{_who}",
              _says.format(f"corosync of the {_who}"))(
                  lambda d, who=_who, sig=_sig:
                  corosync(d, getattr(d, who), sig))
