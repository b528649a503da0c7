#!/usr/bin/python3
"""Drills as operators run them: `yoke drill` over a real ssh, on directors that
know nothing of the rack. A small script plays systemctl."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from pair import BIN, DAEMONS, Pair                         # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

RUNNER = f"{HERE}/../../contrib/drills/run.py"
DRILLS = ["yoked-kill", "one-way-net1-standby", "nic-cross-active",
          "clock-forward-active", "power-active"]
LAN = "10.77.0.250"     # the client of these drills
CALM = {"interval": "50ms", "misses": 6}

SERVICE = """#!/bin/sh
# service: start|stop UNIT
pgrep -x "$(echo $2 | cut -c1-15)" >/dev/null && exit 0
case $2 in
corosync) set -- corosync -f ;;
*) set -- {bin}/$2 -f -c {conf} ;;
esac
setsid "$@" </dev/null >>/var/log/service.log 2>&1 &
"""

t = T()


def sshd(rack, node, public):
    rack.put(node, "/root/.ssh/authorized_keys", public, mode=0o600)
    # bash reads it at every login, and the host's may cost seconds here
    rack.put(node, "/root/.bashrc", "")
    rack.run(node, "mkdir -p /run/sshd; chmod 700 /root/.ssh; chmod 755 /root;"
             "getent passwd sshd >/dev/null || useradd -r -d /run/sshd sshd;"
             "ssh-keygen -q -t ed25519 -N '' -f /run/host_key;"
             "/usr/sbin/sshd -h /run/host_key -o PermitRootLogin=yes"
             " -o UsePAM=no -o PidFile=/run/sshd.pid", timeout=20)


def main():
    if not os.path.exists("/usr/sbin/sshd"):
        print("1..0 # SKIP no sshd (test/rack/deps.sh installs it)")
        return 0
    with Rack() as rack:
        pair = Pair(rack, **CALM)
        conf, key = f"{rack.dir}/yoke.conf", f"{rack.dir}/id"
        with open(conf, "w") as f:
            # logins cost these machines much: patience with the servers
            f.write(pair.conf().replace("timeout = 500ms", "timeout = 3s")
                    .replace("interval = 1s", "interval = 4s"))
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
                        key], check=True)
        with open(f"{key}.pub") as f:
            public = f.read()
        rack.each(rack.start_corosync)
        for node in rack.NODES:
            pair.configure(node)
            rack.put(node, "/run/service",
                     SERVICE.format(bin=BIN, conf=conf), mode=0o755)
            rack.run(node, "mkdir -p /var/lib/yoke; " + "; ".join(
                f"/run/service start {d}" for d in DAEMONS))
            sshd(rack, node, public)
        rack.ns("lan", ["ip", "addr", "add", f"{LAN}/24", "dev", "br0"])
        wait_for(lambda: pair.active(), 20, "an active director")
        remote = (f"ssh -i {key} -o BatchMode=yes -o StrictHostKeyChecking=no "
                  "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "
                  "-o ControlMaster=auto -o ControlPersist=20 "
                  f"-o ControlPath={rack.dir}/ssh-%C root@{{host}}")
        done = subprocess.run(
            rack.ns_argv("lan") + [f"{BIN}/yoke", "-c", conf, "drill", "run",
                                   *DRILLS, "--yes", "--remote", remote,
                                   "--yoke", f"{BIN}/yoke",
                                   "--host", "d1=10.77.9.1",
                                   "--host", "d2=10.77.9.2",
                                   "--service", "/run/service {action} {unit}",
                                   "--url", f"http://{rack.VIP}/health"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "YOKE_DRILLS": RUNNER})
        verdicts = [json.loads(line) for line in done.stdout.splitlines()]
        for v in verdicts:
            want = "skipped" if v["drill"] == "power-active" else "held"
            t.is_(v["verdict"], want, f"{v['drill']} over ssh: {want}")
            t.note("\n".join(v["why"]))
        t.is_([v["drill"] for v in verdicts], DRILLS, "all were done")
        t.ok(all(v["client"]["attempts"] > 20 and v["client"]["established"]
                 for v in verdicts if v["verdict"] == "held"),
             "the client's view is part of the verdicts")
        t.is_(done.returncode, 0, "exit code 0")
        t.note(done.stderr)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
