"""Processes: a daemon dies, or hangs."""
from drill import drill


@drill("yoked-kill", "kills the active's manager (SIGKILL)", moves=1,
       quick=True)
def yoked_kill(d):
    d.kill(d.active, "yoked", "KILL")
    d.wait_role(d.standby, "active")
    d.wait(lambda: not any(d.driver.holds(d.active, v)
                           for v in d.driver.conf.vips),
           "the dead one's leases to end")


@drill("yoked-stop", "hangs the active's manager (SIGSTOP) until the other "
       "has taken over, then lets it go on", moves=1, quick=True)
def yoked_stop(d):
    d.kill(d.active, "yoked", "STOP")
    d.wait_role(d.standby, "active")
    d.wait(lambda: not any(d.driver.holds(d.active, v)
                           for v in d.driver.conf.vips),
           "the hung one's leases to end")
    d.kill(d.active, "yoked", "CONT")
    d.wait_role(d.active, "standby")
    d.check(d.status(d.active)["peer"]["epoch"] == d.epoch + 1,
            "the revived one did not see the higher term")
    d.wait(lambda: d.status(d.active)["epoch"] == d.epoch + 1,
           "the revived one to have the higher term's table")
    d.quiet(0.5, "the revived one stands down", active=d.standby)


@drill("yoked-kill-standby", "kills the standby's manager")
def yoked_kill_standby(d):
    d.kill(d.standby, "yoked", "KILL")
    d.wait(lambda: not d.status(d.active)["peer"]["in_step"],
           "the active to miss its standby")
    d.quiet(1, "without a standby")


@drill("yoked-stop-standby", "hangs the standby's manager, then lets it go on")
def yoked_stop_standby(d):
    d.kill(d.standby, "yoked", "STOP")
    d.wait(lambda: not d.status(d.active)["peer"]["in_step"],
           "the active to miss its standby")
    d.kill(d.standby, "yoked", "CONT")
    d.wait_role(d.standby, "standby")


def alarming(d, node, daemon, sig, alarm):
    d.kill(node, daemon, sig)
    d.wait_alarm(node, alarm)
    d.quiet(1, f"without {daemon}")


@drill("monitord-kill", "kills the active's health checks")
def monitord_kill(d):
    alarming(d, d.active, "yoke-monitord", "KILL", "monitord")


@drill("monitord-stop", "hangs the active's health checks")
def monitord_stop(d):
    d.kill(d.active, "yoke-monitord", "STOP")
    d.quiet(3, "health checks hang")


@drill("checkpointd-kill", "kills the active's writer of checkpoints")
def checkpointd_kill(d):
    alarming(d, d.active, "yoke-checkpointd", "KILL", "checkpointd")


@drill("checkpointd-stop", "hangs the active's writer of checkpoints")
def checkpointd_stop(d):
    alarming(d, d.active, "yoke-checkpointd", "STOP", "checkpointd")


@drill("linkd-kill", "kills the active's link to corosync")
def linkd_kill(d):
    d.kill(d.active, "yoke-linkd", "KILL")
    d.wait(lambda: not d.status(d.active)["link"]["helper"],
           "the link's end to be seen")
    d.quiet(1, "without a link")


@drill("syncd-kill", "kills the active's synchroniser of connections")
def syncd_kill(d):
    d.kill(d.active, "yoke-syncd", "KILL")
    d.wait(lambda: not d.status(d.active)["sync"]["helper"],
           "its end to be seen")
    d.quiet(1, "without yoke-syncd")


@drill("syncd-stop", "hangs the active's synchroniser of connections")
def syncd_stop(d):
    d.kill(d.active, "yoke-syncd", "STOP")
    d.quiet(3, "yoke-syncd hangs")
