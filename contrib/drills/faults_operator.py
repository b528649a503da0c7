"""What operators do, and what is done behind their backs."""
from drill import ANY, drill
from driver import DAEMONS, at_once

REPAIR_MS = 2000    # IPVS as it should be
VIP_MS = 300        # an address comes back

# a service that no client can reach, to have something to reload
EXTRA = """
service drill{i} {{
	fwmark = {mark}
	scheduler = rr
{servers}}}
"""


def more_services(n_services, n_servers):
    servers = "".join(f"\tserver s{j} {{ address = 192.0.2.{j} }}\n"
                      for j in range(1, n_servers + 1))
    return "".join(EXTRA.format(i=i, mark=7700 + i, servers=servers)
                   for i in range(n_services))


def with_conf(d, nodes):
    """The configuration files as text; in the end they are as they were, and
    loaded."""
    texts = {n: d.driver.run(n, f"cat {d.driver.conf_file}") for n in nodes}
    for n, text in texts.items():
        d.undo(d.driver.yoke, n, "reload", False)
        d.undo(d.driver.put, n, d.driver.conf_file, text)
    return texts


@drill("switch-20", "switches roles 20 times in a row", moves=20)
def switch_20(d):
    a, b = d.active, d.standby
    for i in range(20):
        d.wait(lambda: (lambda s: s["role"] == "active" and
                        s["peer"]["in_step"] and s["link"]["peer"])(
                            d.status(a)), f"{b} in step")
        d.driver.yoke(a, "switch")
        d.wait(lambda: d.role(b) == "active" and d.role(a) == "standby",
               f"switch {i + 1}")
        a, b = b, a
    d.say("20 switches done")


@drill("rolling-restart", "restarts all of the standby, then all of the "
       "active", moves=1)
def rolling_restart(d):
    for node in (d.standby, d.active):
        for daemon in DAEMONS:
            d.kill(node, daemon, "TERM")
        d.wait(lambda: not any(d.driver.pids(node, x) for x in DAEMONS),
               f"{node}'s daemons to end")
        for daemon in DAEMONS:
            d.driver.start(node, daemon)
        d.wait_settled()
        d.say(f"{node} is restarted")


def maintenance(d, node):
    d.undo(d.driver.yoke, node, "maintenance off", False)
    d.driver.yoke(node, "maintenance on")
    d.wait_role(node, "maintenance")
    other = d.other(node)
    d.wait_role(other, "active")
    d.quiet(1, f"{node} is in maintenance", active=other)
    d.driver.yoke(node, "maintenance off")


@drill("maintenance-active", "puts the active into maintenance, and back",
       moves=1)
def maintenance_active(d):
    maintenance(d, d.active)


@drill("maintenance-standby", "puts the standby into maintenance, and back")
def maintenance_standby(d):
    maintenance(d, d.standby)


@drill("reload-during-takeover", "reloads the standby again and again while "
       "the active's manager is killed", moves=1)
def reload_during_takeover(d):
    text = with_conf(d, [d.standby])[d.standby]
    conf, node = d.driver.conf_file, d.standby
    d.driver.put(node, f"{conf}.a", text + more_services(1, 5))
    d.driver.put(node, f"{conf}.b", text)
    d.undo(d.driver.run, node, f"rm -f {conf}.a {conf}.b")
    yoke = d.driver.yoke_words(node)
    loop = (f"for i in 1 2 3 4 5 6 7 8 9 10; do for f in a b; do "
            f"cp {conf}.$f {conf}; {yoke}reload; done; done")
    pause = d.rng.random() * 0.1
    d.undo(d.driver.start, d.active, "yoked")
    d.driver.keep_down(d.active, "yoked")
    d.say(f"reloads; SIGKILL of {d.active} {pause * 1000:.0f} ms after they "
          "began")
    pid = d.before[d.active]["pid"]
    at_once(lambda: d.driver.run(node, loop, timeout=30),
            lambda: d.driver.run(d.active, f"sleep {pause:.3f}; kill -9 {pid}"))
    d.wait_role(node, "active")


@drill("takeover-during-reload", "kills the active's manager at a random "
       "moment of a long reload", moves=1)
def takeover_during_reload(d):
    texts = with_conf(d, [d.active, d.standby])
    for n, text in texts.items():
        d.driver.put(n, d.driver.conf_file, text + more_services(20, 50))
    pause = d.rng.random() * 0.06
    pid = d.before[d.active]["pid"]
    d.undo(d.driver.start, d.active, "yoked")
    d.driver.keep_down(d.active, "yoked")
    d.say(f"reload on both, SIGKILL {pause * 1000:.0f} ms after it began")
    at_once(lambda: d.driver.yoke(d.standby, "reload", False),
            lambda: d.driver.run(
                d.active, f"{d.driver.yoke_words(d.active)}reload & "
                f"sleep {pause:.3f}; kill -9 {pid}; wait", False))
    d.wait_role(d.standby, "active")


@drill("ipvs-flush", "flushes the active kernel's table by hand",
       outage=REPAIR_MS, reset=ANY)
def ipvs_flush(d):
    """Resets: a kernel without any service answers for itself."""
    want = d.driver.kernel(d.active)
    d.driver.run(d.active, "ipvsadm -C")
    d.say("flushed")
    d.wait(lambda: d.driver.kernel(d.active) == want, "repair")
    d.say("repaired")


@drill("vip-deleted", "deletes the virtual addresses of the active by hand",
       outage=VIP_MS)
def vip_deleted(d):
    cmd = "; ".join(f"ip addr del {a}/{bits} dev {dev}"
                    for a, bits, dev in d.conf.vip_rows)
    d.driver.run(d.active, cmd)
    d.say("deleted")
    d.wait(lambda: all(d.driver.holds(d.active, v) for v in d.conf.vips),
           "their return")
    d.say("they are back")


@drill("old-version", "starts the standby's manager anew as one that speaks "
       "an older protocol", needs=("build",))
def old_version(d):
    stranger(d, "version", lambda: d.driver.start_old(d.standby))


@drill("wrong-key", "starts the standby's manager anew with another key",
       needs=())
def wrong_key(d):
    key = d.driver.run(d.standby, f"cat {d.conf.key_file}")
    d.undo(d.driver.start, d.standby, "yoked")
    d.undo(ended, d, d.standby)
    d.undo(d.driver.put, d.standby, d.conf.key_file, key, 0o600)
    d.driver.put(d.standby, d.conf.key_file, "00112233445566778899" * 3,
                 0o600)
    stranger(d, "signature", lambda: d.driver.start(d.standby, "yoked"))


def ended(d, node):
    """The manager of a node is not there any more."""
    d.driver.keep_down(node, "yoked")
    if d.driver.pids(node, "yoked"):
        d.driver.kill(node, "yoked", "TERM")
    d.wait(lambda: not d.driver.pids(node, "yoked"), "its end")


def stranger(d, counter, start):
    """One that is refused must not take what the other one holds."""
    ended(d, d.standby)
    d.undo(d.driver.start, d.standby, "yoked")
    d.undo(ended, d, d.standby)
    start()
    d.wait(lambda: d.status(d.active)["beats"]["refused"][counter] >
           d.before[d.active]["beats"]["refused"][counter],
           f"{d.active} to refuse its beats")
    d.say(f"{d.active} refuses its beats ({counter})")
    d.wait(lambda: d.status(d.standby), f"{d.standby} to answer")
    d.quiet(3, "the stranger stays away")
    d.check(d.role(d.standby) != "active", f"{d.standby} is active too")
