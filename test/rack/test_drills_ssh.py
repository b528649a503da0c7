#!/usr/bin/python3
"""Drills as operators run them: `yoke drill` over a real ssh, on directors that
know nothing of the rack. A small script plays systemctl, another the fence agent
that cuts their power."""
import json
import os
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from pair import BIN, DAEMONS, Pair                         # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

RUNNER = f"{HERE}/../../contrib/drills/run.py"
DRILLS = ["yoked-kill", "one-way-net1-standby", "nic-cross-active",
          "clock-forward-active", "power-active"]
LAN = "10.77.0.250"     # the client of these drills

SERVICE = """#!/bin/sh
# service: start|stop UNIT
pgrep -x "$(echo $2 | cut -c1-15)" >/dev/null && exit 0
case $2 in
corosync) set -- corosync -f ;;
*) set -- {bin}/$2 -f -c {conf} ;;
esac
setsid "$@" </dev/null >>/var/log/service.log 2>&1 &
"""

# The machines are this process's, so it cuts the power; the agent waits for it.
AGENT = """#!/bin/sh
# power: off|on|unsure NODE; unsure: off, but the agent says that it failed
echo "$1 $2" >{dir}/power.ask
read -r answer <{dir}/power.answer
[ "$1" = unsure ] && answer="no answer from the power strip"
[ "$answer" = done ] || {{ echo "$answer"; exit 1; }}
"""

t = T()


class Switchboard:
    """Who cuts power and gives it again, as the agent asks."""

    def __init__(self, rack, begin):
        self.rack, self.begin, self.cuts = rack, begin, 0
        self.agent = f"{rack.dir}/power"
        self.ask, self.answer = f"{self.agent}.ask", f"{self.agent}.answer"
        for name in (self.ask, self.answer):
            os.mkfifo(name, 0o600)
        with open(self.agent, "w") as f:
            f.write(AGENT.format(dir=rack.dir))
        os.chmod(self.agent, 0o700)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            with open(self.ask) as f:
                what, _, node = f.read().strip().partition(" ")
            try:
                self.switch(what, node)
                said = "done"
            except Exception as e:      # the drill shall tell it
                said = str(e).replace("\n", " ")
            with open(self.answer, "w") as f:
                f.write(said + "\n")

    def switch(self, what, node):
        if what == "on":
            self.rack.boot(node)
            self.begin(node)
        else:
            self.rack.power_cut(node)
            self.cuts += 1


def sshd(rack, node, public):
    rack.put(node, "/root/.ssh/authorized_keys", public, mode=0o600)
    # bash reads it at every login, and the host's may cost seconds here
    rack.put(node, "/root/.bashrc", "")
    rack.run(node, "mkdir -p /run/sshd; chmod 700 /root/.ssh; chmod 755 /root;"
             "getent passwd sshd >/dev/null || useradd -r -d /run/sshd sshd;"
             "ssh-keygen -q -t ed25519 -N '' -f /run/host_key;"
             "/usr/sbin/sshd -h /run/host_key -o PermitRootLogin=yes"
             " -o UsePAM=no -o PidFile=/run/sshd.pid", timeout=20)


def ssh_key(rack):
    """A key of this test's own: its file, its public half."""
    key = f"{rack.dir}/id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
                   check=True)
    with open(f"{key}.pub") as f:
        return key, f.read()


def drill_argv(rack, conf, key, agent, drills=DRILLS, off="off"):
    remote = (f"ssh -i {key} -o BatchMode=yes -o StrictHostKeyChecking=no "
              "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
              "-o ConnectTimeout=5 "
              "-o ServerAliveInterval=2 -o ServerAliveCountMax=2 "
              "-o ControlMaster=auto -o ControlPersist=20 "
              f"-o ControlPath={rack.dir}/ssh-%C root@{{host}}")
    return [f"{BIN}/yoke", "-c", conf, "drill", "run", *drills, "--yes",
            "--remote", remote, "--yoke", f"{BIN}/yoke",
            "--host", "d1=10.77.9.1", "--host", "d2=10.77.9.2",
            "--service", "/run/service {action} {unit}",
            "--power-off", f"{agent} {off} {{node}}",
            "--power-on", f"{agent} on {{node}}",
            "--url", f"http://{rack.VIP}/health"]


def judge(done):
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    for v in verdicts:
        t.is_(v["verdict"], "held", f"{v['drill']} over ssh: held")
        t.note("\n".join(v["why"]))
    t.is_([v["drill"] for v in verdicts], DRILLS, "all were done")
    t.ok(all(v["client"]["attempts"] > 20 and v["client"]["established"]
             for v in verdicts if v["verdict"] == "held"),
         "the client's view is part of the verdicts")
    t.is_(done.returncode, 0, "exit code 0")
    t.note(done.stderr)


def unsure(rack, pair, run):
    """A fence agent that failed may have cut the power all the same."""
    a, b = pair.wait_settled()
    done = run(["power-active"], "unsure")
    verdict = json.loads(done.stdout.splitlines()[0])
    t.ok(verdict["verdict"] != "held" and
         any("no answer from the power strip" in x for x in verdict["why"]),
         "a fence agent that fails: the drill says so", verdict["why"])
    t.ok(rack.powered(a), "it was switched on again")
    t.is_(pair.wait_settled(), (b, a), "and is the standby")


def main():
    if not os.path.exists("/usr/sbin/sshd"):
        print("1..0 # SKIP no sshd (test/rack/deps.sh installs it)")
        return 0
    with Rack() as rack:
        pair = Pair(rack)
        conf = f"{rack.dir}/yoke.conf"
        with open(conf, "w") as f:
            f.write(pair.conf())
        key, public = ssh_key(rack)

        def begin(node):
            rack.start_corosync(node)
            pair.configure(node)
            rack.put(node, "/run/service",
                     SERVICE.format(bin=BIN, conf=conf), mode=0o755)
            rack.run(node, "mkdir -p /var/lib/yoke; " + "; ".join(
                f"/run/service start {d}" for d in DAEMONS))
            sshd(rack, node, public)

        rack.each(begin)
        rack.ns("lan", ["ip", "addr", "add", f"{LAN}/24", "dev", "br0"])
        wait_for(lambda: pair.active(), 20, "an active director")
        board = Switchboard(rack, begin)

        def run(drills, off):
            return subprocess.run(
                rack.ns_argv("lan") +
                drill_argv(rack, conf, key, board.agent, drills, off),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "YOKE_DRILLS": RUNNER})

        judge(run(DRILLS, "off"))
        t.is_(board.cuts, 1, "the agent was asked to cut power once")
        unsure(rack, pair, run)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
