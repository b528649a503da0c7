#!/usr/bin/python3
"""Wrong input and missing parts: each gives one clear line and the exit code or
the alarm that is promised, and nothing else breaks."""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import BIN, CONF, DAEMONS, Pair                   # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

TRIAL = """\
instance = trial
key_file = {dir}/key
node d1 {{ id = 1
	path net1 {{ device = eth0  address = 10.0.0.1 }}
}}
node d2 {{ id = 2
	path net1 {{ device = eth0  address = 10.0.0.2 }}
}}
vip 10.0.0.10/32 {{ device = eth0 }}
service web {{
	address = 10.0.0.10
	port = 80
	server rs1 {{ address = 10.0.0.11 }}
}}
"""
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups "

t = T()


# -- a configuration that is wrong: no rack, nothing is started ------------

def again(text, section):
    return text + text[text.index(section):]


# what, how it is made wrong, the line that the error names, the key on it
WRONG = (
    ("unknown key", lambda c: c.replace("key_file", "colour = red\nkey_file"),
     2, "colour"),
    ("unknown key in a section", lambda c: c.replace("port =", "prot ="),
     12, "service web / prot"),
    ("bad address", lambda c: c.replace("10.0.0.11", "10.0.0.311"),
     13, "service web / server rs1 / address"),
    ("number out of range", lambda c: c.replace("port = 80", "port = 80000"),
     12, "service web / port"),
    ("duplicate service", lambda c: again(c, "service web"),
     15, "service web"),
    ("missing key file", lambda c: c.replace("/key", "/nokey"),
     2, "key_file"),
    ("no closing brace", lambda c: c[:c.rindex("}")], 10, None),
    ("cut off in a word", lambda c: c[:c.index("t = 80")], 10, None),
    ("empty file", lambda c: "", None, "node"),
    ("one node only", lambda c: re.sub(r"(?s)node d2.*?\n}\n", "", c),
     None, "node"),
)


def one_line(text, level="error "):
    """The single line of text that is an error; '' unless it is one line."""
    lines = [line for line in text.splitlines() if line.startswith(level)]
    return lines[0][len(level):] if len(lines) == 1 else ""


def sh(argv, **kw):
    done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=20,
                          stderr=subprocess.STDOUT, text=True, **kw)
    return done.returncode, done.stdout


def refuse(what, file, where, key, node="d1"):
    """check and yoked both refuse it, with the same words."""
    code, out = sh([f"{BIN}/yoke", "-n", node, "check", file])
    said = one_line(out, "yoke: ")
    named = file + (f":{where}" if where else "") + ": "
    if key:
        named += f"{key}: "
    t.ok(code == 2 and out.count("\n") == 1 and said.startswith(named),
         f"{what}: check exits with 2 and one line that names the place",
         f"{code}: {out}wanted {named}")
    code, out = sh(["unshare", "-n", "timeout", "10", f"{BIN}/yoked", "-f",
                    "-c", file, "-n", node])
    t.ok(code == 6 and said and
         out == f'error configuration=refused why="{said}"\n',
         f"{what}: yoked exits with 6 and says the same line",
         f"{code}: {out}")


def wrong_files():
    with tempfile.TemporaryDirectory() as d:
        good, key = TRIAL.format(dir=d), f"{d}/key"
        with open(key, "w") as f:
            f.write(os.urandom(16).hex())
        os.chmod(key, 0o600)
        file = f"{d}/yoke.conf"

        def write(text):
            with open(file, "w") as f:
                f.write(text)
        write(good)
        t.is_(sh([f"{BIN}/yoke", "-n", "d1", "check", file]),
              (0, "ok: 2 nodes, 1 service, 1 server\n"), "a good file is ok")
        refuse("unknown node", file, None, "node", node="d9")
        os.chmod(key, 0o644)
        refuse("world-readable key file", file, 2, "key_file")
        os.chmod(key, 0o600)
        os.truncate(key, 3)
        refuse("short key file", file, 2, "key_file")
        with open(key, "w") as f:
            f.write(os.urandom(16).hex())
        refuse("missing file", f"{d}/none.conf", None, None)
        for what, make, where, name in WRONG:
            write(make(good))
            refuse(what, file, where, name)


# -- a machine that lacks something ----------------------------------------

def yoked_fails(rack, pair, node, what, code, text, wrap=""):
    out = rack.run(node, f"timeout 10 {wrap}{BIN}/yoked -f -c {CONF} "
                   f"-n {node}", check=False, timeout=15)
    t.ok(out.returncode == code and text in one_line(out),
         f"{what}: yoked exits with {code} and one line", 
         f"{out.returncode}: {out}")


def no_ipvs(rack, pair):
    """The modules are unloaded and cannot be loaded again, until we let it."""
    node = "d1"
    helper = rack.run(node, "cat /proc/sys/kernel/modprobe").strip()
    mods = rack.run(node, "awk '/^ip_vs/{print $1}' /proc/modules").split()
    rack.run(node, "modprobe -d /run -r " + " ".join(
        m for m in mods if m != "ip_vs") + " ip_vs; "
        "echo /bin/false >/proc/sys/kernel/modprobe")
    yoked_fails(rack, pair, node, "no IPVS", 1, "the kernel has no IPVS")
    rack.run(node, f"echo {helper} >/proc/sys/kernel/modprobe; "
             "modprobe -d /run -a " + " ".join(mods))


def status_code(pair, node, wrap=""):
    return pair.rack.run(node, f"{wrap}{BIN}/yoke -c {CONF} -n {node} status",
                         check=False)


def not_running(rack, pair):
    out = status_code(pair, "d1")
    t.ok(out.returncode == 3 and out.count("\n") == 1 and
         "no yoked runs" in out, "status without yoked exits with 3",
         f"{out.returncode}: {out}")
    yoked_fails(rack, pair, "d1", "not root", 4, "root", NOBODY)


# -- the running pair ------------------------------------------------------

def alarms(pair, node):
    s = pair.status(node)
    return {a["name"]: a["text"] for a in s["alarms"]} if s else {}


def wait_alarm(pair, node, name, there=True, deadline=8):
    wait_for(lambda: (name in alarms(pair, node)) == there, deadline,
             f"alarm {name} of {node} {'on' if there else 'off'}")


def facts(pair):
    """What must not change: roles, terms, tables, the kernel's, addresses."""
    out = {}
    for n in pair.rack.NODES:
        s = pair.status(n)
        addr = pair.rack.run(n, "ip -o addr show eth0")
        out[n] = {
            "role": s["role"], "epoch": s["epoch"], "pid": s["pid"],
            "transitions": [x["at_us"] for x in s["transitions"]],
            "table": pair.table(n), "kernel": pair.kernel(n),
            "vips": sorted(w for w in addr.split()
                           if w.startswith((f"{pair.rack.VIP}/",
                                            f"{pair.rack.VIP6}/")))}
    return out


def roles(f):
    return {n: {k: f[n][k] for k in ("role", "epoch", "pid", "transitions")}
            for n in f}


def refused(pair, node, args, text, what, code=1):
    out = pair.yoke(node, args, check=False)
    t.ok(out.returncode == code and out.count("\n") == 1 and text in out,
         what, f"{out.returncode}: {out}")


def no_corosync(rack, pair):
    pair.corosync = False
    pair.start()

    def elected():
        r = {pair.role(n): n for n in rack.NODES}
        return (r["active"], r["standby"]) if len(r) == 2 and \
            "active" in r and "standby" in r else None
    a, b = wait_for(elected, 20, "roles without corosync")
    wait_alarm(pair, a, "link")
    out = pair.yoke(a, "status", check=False)
    t.ok(out.returncode == 1 and "corosync is not connected" in out,
         "no corosync: the pair runs, status exits with 1 and says why",
         f"{out.returncode}: {out}")
    t.ok("link" in alarms(pair, b), "no corosync: the standby says so too")
    wait_for(lambda: rack.fetch() in rack.RS, 8, "service")
    pair.kill(a, "yoked")
    wait_for(lambda: pair.role(b) == "active" and rack.has_vip(b) and
             rack.fetch() in rack.RS, 8, f"takeover by {b}")
    t.ok(True, "no corosync: the standby takes over from a dead manager")
    pair.start_daemon(a, "yoked")
    wait_for(lambda: pair.role(a) == "standby", 10, f"{a} back as standby")
    t.ok(True, "no corosync: the dead one comes back as standby")
    before = facts(pair)
    rack.each(rack.start_corosync)
    got = pair.wait_settled(20)
    t.is_(got, (b, a), "corosync came: both join, the standby is in step")
    wait_for(lambda: not alarms(pair, b) and not alarms(pair, a), 8,
             "no alarm")
    t.is_([x["transitions"] for x in facts(pair).values()],
          [x["transitions"] for x in before.values()],
          "corosync came: nobody moved")
    t.is_(status_code(pair, b).returncode, 0, "status exits with 0 now")
    return b, a


def commands(rack, pair, a, b):
    before = facts(pair)
    refused(pair, b, "server weight web rs1 7", f"{b} is standby",
            "a change on the standby is refused and says who it is")
    refused(pair, b, "server drain web rs1", f"{b} is standby",
            "so is a drain")
    refused(pair, b, "switch", "not the active", "so is a switch")
    refused(pair, a, "server weight nope rs1 7", '"nope"', "unknown service")
    refused(pair, a, "server weight web nope 7", '"nope"', "unknown server")
    refused(pair, a, "server weight web rs1 70000", "70000",
            "a weight out of range exits with 2", 2)
    out = pair.yoke(a, "server weight web rs1 -1", check=False)
    t.is_(out.returncode, 2, "so does -1")
    out = pair.yoke(a, "frobnicate", check=False)
    t.is_(out.returncode, 2, "an unknown command exits with 2")
    out = status_code(pair, a, NOBODY)
    t.ok(out.returncode == 4 and out.count("\n") == 1 and
         "not permitted" in out, "status as nobody exits with 4",
         f"{out.returncode}: {out}")
    out = rack.run(a, f"{NOBODY}{BIN}/yoke -c {CONF} -n {a} server weight "
                   "web rs1 7", check=False)
    t.is_(out.returncode, 4, "so does a change")
    yoked_fails(rack, pair, a, "second yoked of the instance", 1,
                "another yoked")
    t.is_(facts(pair), before, "none of this changed anything")


def reloads(rack, pair, a, b):
    before = facts(pair)
    good = pair.conf()
    bad = good.replace("start_wait", "start_weight")
    line = bad[:bad.index("start_weight")].count("\n") + 1
    for n in (a, b):
        rack.put(n, CONF, bad)
        refused(pair, n, "reload", f"{CONF}:{line}: start_weight: ",
                f"reload of a bad file is refused by the {pair.role(n)}")
    for what, text in (
            ("another node id", good.replace("id = 2", "id = 3")),
            ("another path", good.replace("device = eth1",
                                          "port = 5481  device = eth1"))):
        rack.put(a, CONF, text)
        refused(pair, a, "reload", "restart yoked",
                f"reload with {what} is refused with the reason")
    rack.put(a, "/etc/yoke/key", os.urandom(16).hex(), mode=0o600)
    rack.put(a, CONF, good)
    refused(pair, a, "reload", "restart yoked", "so is one with another key")
    rack.put(a, "/etc/yoke/key", pair.key, mode=0o600)
    t.is_(facts(pair), before, "the running configuration stays")
    less = re.sub(r"\tserver rs3 .*\n", "", good, count=1)
    gone = f"{rack.RS['rs3']}:80"

    def everywhere(want):
        return all((sum(gone in row for row in pair.kernel(n)) == want)
                   for n in (a, b))
    for text, want, what in ((less, 0, "removes a server"),
                             (good, 1, "adds a server")):
        for n in (a, b):
            rack.put(n, CONF, text)
            out = pair.yoke(n, "reload", check=False)
            t.ok(out.returncode == 0 and out.count("\n") == 1,
                 f"a good reload on {n}", f"{out.returncode}: {out}")
        wait_for(lambda: everywhere(want), 5, f"{want} of {gone} in IPVS")
        t.ok(True, f"reload {what} in both kernels' tables")
    wait_for(lambda: facts(pair)[a]["kernel"] == before[a]["kernel"], 8,
             "the same table as before")
    wait_for(pair.settled, 5, "in step")
    after = facts(pair)
    t.is_(roles(after), roles(before), "reload changes no role")
    t.is_(after[b]["kernel"], before[b]["kernel"],
          "the standby's table is as before, too")


def stays(pair, before, seconds):
    """Looks for a while; the first fact that is different, or None."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = facts(pair)
        if now != before:
            return {n: {k: (before[n][k], now[n][k]) for k in now[n]
                        if now[n][k] != before[n][k]} for n in now}
    return None


def monitord(rack, pair, a, b):
    name = "yoke-monitord"
    before = facts(pair)
    pair.kill(a, name)
    wait_alarm(pair, a, "monitord")
    t.is_(status_code(pair, a).returncode, 1,
          "monitord killed: alarm, status exits with 1")
    rack.rs_stop("rs1")
    # fall = 2 at 1 s: a monitord that lived would have seen it twice
    t.is_(stays(pair, before, 3), None,
          "monitord killed: table and roles stay as they are")
    pair.start_daemon(a, name)
    wait_for(lambda: pair.table(a)["web"]["rs1"] == 0, 8, "rs1 out")
    rack.rs_start("rs1")
    wait_for(lambda: facts(pair)[a]["table"] == before[a]["table"], 8,
             "rs1 in again")
    wait_alarm(pair, a, "monitord", False)
    t.ok(True, "monitord back: it sees what happened; no alarm")
    pair.kill(a, name, "STOP")
    wait_alarm(pair, a, "monitord")
    t.is_(status_code(pair, a).returncode, 1,
          "monitord stopped: alarm, status exits with 1")
    pair.kill(a, name, "CONT")
    wait_alarm(pair, a, "monitord", False)
    wait_for(lambda: facts(pair) == before, 5, "all as before")
    t.ok(True, "monitord goes on: no alarm, all as before")


def checkpointd(rack, pair, a, b):
    name = "yoke-checkpointd"
    before = roles(facts(pair))
    weight = 20
    for sig, back in (("KILL", lambda: pair.start_daemon(a, name)),
                      ("STOP", lambda: pair.kill(a, name, "CONT"))):
        pair.kill(a, name, sig)
        weight += 1
        pair.yoke(a, f"server weight web rs2 {weight}")
        wait_alarm(pair, a, "checkpointd")
        t.is_(status_code(pair, a).returncode, 1,
              f"checkpointd SIG{sig}: alarm, status exits with 1")
        wait_for(lambda: all(f" -w {weight}" in "\n".join(pair.kernel(n))
                             for n in (a, b)), 3, "weight on both")
        t.ok(True, f"checkpointd SIG{sig}: changes reach both kernels")
        back()
        wait_for(lambda: pair.settled() and
                 pair.status(a)["checkpoint"]["lag_changes"] == 0, 8,
                 "checkpoint caught up")
        wait_alarm(pair, a, "checkpointd", False)
        t.ok(True, f"checkpointd back after SIG{sig}: it catches up")
    pair.yoke(a, "server weight web rs2 auto")
    t.is_(roles(facts(pair)), before, "no role changed")


def linkd(rack, pair, a, b):
    name, weight = "yoke-linkd", 30
    before = roles(facts(pair))
    for n, who in ((a, "active"), (b, "standby")):
        pair.kill(n, name)
        wait_alarm(pair, n, "linkd")
        weight += 1
        pair.yoke(a, f"server weight web rs2 {weight}")
        wait_for(lambda: f" -w {weight}" in "\n".join(pair.kernel(a)), 3,
                 "weight on the active")
        t.is_(status_code(pair, n).returncode, 1,
              f"linkd of the {who} killed: alarm, changes go on")
        pair.start_daemon(n, name)
        wait_for(pair.settled, 15, "in step again")
        wait_for(lambda: f" -w {weight}" in "\n".join(pair.kernel(b)), 3,
                 "weight on the standby")
        t.ok(True, f"linkd of the {who} back: the standby gets in step")
    pair.kill(a, name, "STOP")
    wait_alarm(pair, a, "linkd")
    t.is_(status_code(pair, a).returncode, 1,
          "linkd stopped: alarm, status exits with 1")
    pair.kill(a, name, "CONT")
    wait_for(pair.settled, 15, "in step again")
    wait_alarm(pair, a, "linkd", False)
    pair.yoke(a, "server weight web rs2 auto")
    wait_for(pair.settled, 5, "in step")
    t.is_(roles(facts(pair)), before, "no role changed")


def main():
    with t.part("wrong configuration files"):
        wrong_files()
    with Rack() as rack:
        pair = Pair(rack, interval="200ms", misses=10)
        t.dump = pair.dump
        rack.each(pair.configure)
        with t.part("no IPVS in the kernel"):
            no_ipvs(rack, pair)
        with t.part("no yoked, not root"):
            not_running(rack, pair)
        with t.part("no corosync"):
            a, b = no_corosync(rack, pair)
        for part in (commands, reloads, monitord, checkpointd, linkd):
            with t.part(part.__name__):
                pair.wait_settled(10)
                part(rack, pair, a, b)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
