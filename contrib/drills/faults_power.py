"""Power: what a director loses when it goes dark."""
from drill import ANY, DETECT, drill
from driver import DAEMONS, at_once

COLD_MS = 10000     # all daemons of both stop, then start and find each other


@drill("power-active", "cuts the power of the active director", moves=1,
       outage=DETECT, needs=("power",), quick=True)
def power_active(d):
    d.undo(d.driver.power_on, d.active)
    d.say(f"power of {d.active} is cut")
    d.driver.power_cut(d.active)
    d.wait_role(d.standby, "active")


@drill("power-standby", "cuts the power of the standby", needs=("power",))
def power_standby(d):
    d.undo(d.driver.power_on, d.standby)
    d.say(f"power of {d.standby} is cut")
    d.driver.power_cut(d.standby)
    d.wait(lambda: not d.status(d.active)["peer"]["in_step"],
           "the active to miss its standby")
    d.quiet(1, "without a standby")


@drill("cold-start", "stops everything on both directors, the standby first, "
       "and starts both at once, each with a checkpoint of its own age",
       moves=ANY, outage=COLD_MS, reset=ANY, hung=ANY, same_table=False)
def cold_start(d):
    a, b = d.active, d.standby
    for node in (a, b):
        d.undo(start_all, d, node)
    stop_all(d, b)
    service = next(iter(d.table))
    server = d.table[service][0][0]
    d.undo(d.driver.yoke, a, f"server weight {service} {server} auto", False)
    d.driver.yoke(a, f"server weight {service} {server} 33")
    d.wait(lambda: d.status(a)["checkpoint"]["lag_changes"] == 0,
           "the change on storage")
    newest = d.status(a)["epoch"]
    stop_all(d, a)
    d.say("both are down; both start")
    at_once(*[lambda n=n: start_all(d, n) for n in (b, a)])
    now_active, _ = d.wait_settled()
    s = d.status(now_active)
    got = [v["weight"] for v in s["services"][0]["servers"]
           if v["name"] == server]
    d.check(got == [33], f"the newer checkpoint did not win: weight {got}")
    d.check(s["epoch"] > newest, "the term is not a new one")
    d.driver.yoke(now_active, f"server weight {service} {server} auto")


def stop_all(d, node):
    for daemon in sorted(DAEMONS, reverse=True):    # yoked first
        d.driver.keep_down(node, daemon)
        d.driver.kill(node, daemon, "TERM")
    d.wait(lambda: not any(d.driver.pids(node, x) for x in DAEMONS),
           f"{node}'s daemons to end")
    d.say(f"{node}: all daemons ended")


def start_all(d, node):
    for daemon in DAEMONS:
        d.driver.start(node, daemon)
