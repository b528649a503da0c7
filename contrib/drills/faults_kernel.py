"""A director that is busy, stands still, or has the wrong time."""
from drill import ANY, LEASE, drill
from driver import now

# A real-time hog is below yoked's own priority (50) and that of the kernel's
# receive thread (ksoftirqd: README.md), else it is a hung machine. For the rest
# of us the kernel stops everybody real-time, yoked and ksoftirqd too, for 50 ms a
# second (sched_rt_runtime_us): what arrives then and finds no room is lost.
HOG = {"normal": "", "rt": "chrt -f 20 "}
THROTTLED_MS = 150


def receives(d):
    """Real-time work on every CPU keeps a director whose ksoftirqd is not
    real-time from receiving anything."""
    for n in d.nodes:
        out = d.run(n, "for p in $(pgrep ksoftirqd); do chrt -p $p; done")
        if "SCHED_OTHER" in out:
            return (f"{n}: ksoftirqd has no real-time priority: a real-time "
                    "hog hangs the machine")
    return None


def hog(d, node, kind):
    """One that never waits on every CPU."""
    out = d.driver.run(node, "for i in $(seq $(nproc)); do "
                       f"setsid {HOG[kind]}sh -c 'while :; do :; done' "
                       "</dev/null >/dev/null 2>&1 & echo $!; done")
    d.undo(d.driver.run, node, f"kill -9 {' '.join(out.split())}")
    d.say(f"{node} is busy ({kind} priority)")
    d.quiet(3, "busy")


for _who in ("active", "standby"):
    drill(f"busy-normal-{_who}", f"keeps every CPU of the {_who} busy at "
          "normal priority")(
              lambda d, who=_who: hog(d, getattr(d, who), "normal"))
    drill(f"busy-rt-{_who}", f"keeps every CPU of the {_who} busy at "
          "real-time priority", needs=(receives,),
          outage=THROTTLED_MS if _who == "active" else 0)(
              lambda d, who=_who: hog(d, getattr(d, who), "rt"))


@drill("freeze-active", "stops the active's machine until the other has taken "
       "over, then lets it go on", moves=1, outage=ANY, overlap_ms=ANY,
       needs=("freeze",))
def freeze_active(d):
    d.undo(d.driver.freeze, d.active, False)
    d.say(f"{d.active} stands still")
    d.driver.freeze(d.active, True)
    d.wait_role(d.standby, "active")
    d.quiet(1.5, "without it", active=d.standby)
    d.driver.freeze(d.active, False)
    d.say(f"{d.active} goes on")
    thawed = now()
    d.wait_role(d.active, "standby")
    for addr in d.conf.vips:
        two = sum(s["to"] - s["from"] for s in d.driver.holders(
            addr, thawed, now())["segments"] if len(s["holders"]) > 1) / 1000
        d.check(two <= LEASE, f"it kept {addr} for {two:.0f} ms after that")


def clock(d, node, seconds):
    d.undo(d.driver.clock, node, -seconds)
    d.driver.clock(node, seconds)
    d.say(f"the clock of {node} is stepped by {seconds:+d} s")
    d.quiet(2, "wrong time")


for _who in ("active", "standby"):
    for _word, _step in (("forward", 3600), ("back", -3600)):
        drill(f"clock-{_word}-{_who}", f"steps the {_who}'s clock by an hour "
              f"({_word}), and back after a while")(
                  lambda d, who=_who, step=_step:
                  clock(d, getattr(d, who), step))
