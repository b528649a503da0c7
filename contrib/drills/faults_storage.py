"""Stable storage: gone, full, stalled. The table goes on without it."""
from drill import drill


def own_fs(d):
    """Filling or freezing the file system that all else is on is no drill."""
    for n in d.nodes:
        if d.run(n, f"mountpoint -q {d.conf.directory}",
                 check=False).returncode:
            return f"{n}: {d.conf.directory} is not a file system of its own"
    return None


def change(d):
    """A change goes to both directors, whatever storage does."""
    service = next(iter(d.table))
    server, weight = d.table[service][0][:2]
    d.undo(d.driver.yoke, d.active, f"server weight {service} {server} auto")
    d.driver.yoke(d.active, f"server weight {service} {server} "
                  f"{weight + 1}")
    d.wait(lambda: all(rows_weight(d.status(n), service, server) == weight + 1
                       for n in (d.active, d.standby)),
           "the change on both directors")
    d.say("a change of weight reached both directors")


def rows_weight(status, service, server):
    return next(v["weight"] for s in status["services"]
                if s["name"] == service for v in s["servers"]
                if v["name"] == server)


def hurt(d, what, cmd, end):
    d.undo(d.driver.end_harm, d.active, "store")
    d.undo(d.driver.run, d.active, end)
    d.driver.harm(d.active, "store", cmd, end)
    d.say(f"{d.conf.directory} of {d.active}: {what}")
    change(d)
    d.wait_alarm(d.active, "checkpoint")
    d.quiet(1, what)


@drill("store-gone", "takes the active's checkpoint directory away")
def store_gone(d):
    # what yoke-checkpointd may put below a mount that has just gone, or at the
    # same place meanwhile, is put aside, and removed with the drill's own end
    here, away = d.conf.directory, f"{d.conf.directory}.drill"
    aside = f"{d.conf.directory}.drill-aside"
    hurt(d, "gone",
         f"[ ! -e {aside} ] && if mountpoint -q {here}; then mkdir -p {away} && "
         f"mount --move {here} {away} && mv {here} {aside}; "
         f"else mv {here} {away}; fi",
         f"if mountpoint -q {away}; then mkdir -p {here} && "
         f"mount --move {away} {here} && rmdir {away} && rm -rf {aside}; "
         f"elif [ -e {away} ]; then "
         f"{{ [ ! -e {here} ] || mv {here} {aside}; }} && "
         f"mv {away} {here} && rm -rf {aside}; fi")


@drill("store-full", "fills the active's checkpoint file system",
       needs=(own_fs,))
def store_full(d):
    file = f"{d.conf.directory}/drill.filler"
    hurt(d, "full", f"cat /dev/zero >{file} 2>/dev/null; sync {file}",
         f"rm -f {file}")


@drill("store-stalled", "freezes the active's checkpoint file system",
       needs=(own_fs,))
def store_stalled(d):
    here = d.conf.directory
    d.undo(d.driver.end_harm, d.active, "store")
    d.undo(d.driver.run, d.active, f"fsfreeze -u {here}")
    d.driver.harm(d.active, "store", f"fsfreeze -f {here}",
                  f"fsfreeze -u {here}")
    d.say(f"{here} of {d.active} stalls")
    change(d)
    d.wait(lambda: d.alarms(d.active), "an alarm", 15)
    d.quiet(1, "stalled")
