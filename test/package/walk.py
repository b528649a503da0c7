#!/usr/bin/python3
"""walk: the way of a new user, on two fresh Debian systems.

Two roots are made by mmdebstrap (what a Debian server has: systemd, ssh), the
package is installed in each, and the rack's directors boot from them: real
systemd, the real units in their sandboxes. Then the commands of README.md,
counted and timed; a power cut; and an upgrade of the running pair.

What a server has before yoke comes is not counted: addresses on its cards,
its name, ssh from one director to the other, a kernel with IPVS.

    walk.py [--keep] [--base FILE.tar]      (make walk; root, network)
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{REPO}/test/rack")

from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402
from traffic import Traffic                                 # noqa: E402
from uml import Machine                                     # noqa: E402

INCLUDE = ("systemd,systemd-sysv,dbus,kmod,iproute2,iputils-ping,"
           "openssh-server,openssh-client,python3-minimal,libpython3-stdlib")
COMMANDS_MAX = 6
SLOW_MACHINE, PLAIN = "--slow", "--plain"
CACHE = f"{REPO}/build/walk"        # of the base system
# In memory: a machine stands still while its host syncs a file to a disk.
SHM = os.environ.get("YOKE_RACK_DIR", "/dev/shm")
ROOTS = f"{SHM}/yoke-walk-{os.getpid()}"
# all of a director that need nothing else: no snmpd is there
UNITS = sorted(os.path.basename(u)[:-8] for u in
               glob.glob(f"{REPO}/packaging/units/*.service")
               if "agentd" not in u and "snmpd" not in u)

UP = """[Unit]
Description=Cards, addresses and remote control: the rack's part of this machine
After=local-fs.target dev-shm.mount tmp.mount
Before=network.target ssh.service
DefaultDependencies=no
[Service]
Environment=HOME=/root
ExecStart=/usr/local/sbin/rack-up
KillMode=process
[Install]
WantedBy=sysinit.target
"""
UP_SCRIPT = """#!/bin/sh
for word in $(cat /proc/cmdline); do
	case $word in RACK=* | REPO=* | NODE=* | N=*) export "$word" ;; esac
done
mkdir -p "$RACK"
mount -t hostfs -o "sync,noatime,$RACK" none "$RACK"
mount -t hostfs -o "ro,$REPO/test/rack" none /mnt
ip -force -batch - <<-END
	link set lo up
	link set vec0 name eth0
	link set vec1 name eth1
	link set vec2 name eth2
	link set eth0 up
	link set eth1 up
	link set eth2 up
	addr add 10.77.0.$N/24 dev eth0
	addr add 10.77.1.$N/24 dev eth1
	addr add 10.77.9.$N/24 dev eth2
END
@FIRST@
exec python3 -SE /mnt/agent.py "$NODE" "10.77.9.$N" "$RACK/$NODE/ready"
"""


# One CPU: what README.md says of such directors, and the rack's init.sh does.
FIRST = """for dir in /proc/[0-9]*; do
	case $(cat "$dir/comm") in
	ksoftirqd* | rcu_*) chrt -f -p 30 "${dir#/proc/}" ;;
	esac
done 2>/dev/null"""


class Director(Machine):
    """A machine on a root of its own, with Debian's init."""

    def root_args(self):
        return [f"rootflags={ROOTS}/{self.node}", "rw", "init=/sbin/init",
                "systemd.show_status=0"]


class Walk:
    """Counts and times the commands that a person would type."""

    def __init__(self, t):
        self.t, self.rows, self.start = t, [], time.monotonic()

    def did(self, node, text, seconds):
        self.rows.append((node, text, seconds))
        print(f"# {seconds:6.1f} s  {node}# {text}", flush=True)

    def type(self, rack, node, cmd, timeout=60, check=True):
        start = time.monotonic()
        out = rack.run(node, f"cd /root; {cmd}", check=check, timeout=timeout)
        self.did(node, cmd, time.monotonic() - start)
        return out

    def report(self):
        for node in ("d1", "d2"):
            n = sum(r[0] == node for r in self.rows)
            self.t.ok(n <= COMMANDS_MAX, f"{node}: {n} commands, at most "
                      f"{COMMANDS_MAX}")
        total = sum(r[2] for r in self.rows)
        self.t.note(f"{len(self.rows)} commands, {total:.0f} s of waiting "
                    "for them")


# ---- roots ----

def sh(*argv, **more):
    done = subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stdout[-3000:]}")
    return done.stdout


def chroot(root, cmd, timeout=600):
    """A shell command in a root, with a /proc and namespaces of its own."""
    return sh("nice", "-n", "19", "unshare", "--mount", "--pid", "--fork", "sh", "-c",
              f'mount -t proc proc "{root}/proc"; '
              f'mount --bind /dev/null "{root}/dev/null" 2>/dev/null; '
              f'exec chroot "{root}" sh -c "$0"', cmd, timeout=timeout,
              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
                   "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"})


def put(root, path, text, mode=0o644):
    path = f"{root}/{path}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


def reap():
    """Roots of walks that were killed."""
    for path in glob.glob(f"{SHM}/yoke-walk-*"):
        if not os.path.exists(f"/proc/{path.rpartition('-')[2]}"):
            shutil.rmtree(path, ignore_errors=True)


def make_base(tar):
    if os.path.exists(tar):
        return
    os.makedirs(os.path.dirname(tar), exist_ok=True)
    sh("mmdebstrap", "--format=tar", "--variant=minbase",
       f"--include={INCLUDE}", "bookworm", f"{tar}.new", timeout=1200)
    os.rename(f"{tar}.new", tar)


def make_root(node, tar):
    """A server as it is before yoke comes, and the rack's part."""
    root = f"{ROOTS}/{node}"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    sh("tar", "-C", root, "-xf", tar)
    os.chmod(root, 0o755)
    for kernel in os.listdir("/usr/lib/uml/modules"):
        shutil.copytree(f"/usr/lib/uml/modules/{kernel}",
                        f"{root}/usr/lib/modules/{kernel}", symlinks=True)
    put(root, "etc/hostname", node + "\n")
    put(root, "etc/hosts", "127.0.0.1 localhost\n10.77.0.1 d1\n10.77.0.2 d2\n")
    put(root, "etc/systemd/system/rack-up.service", UP)
    put(root, "usr/local/sbin/rack-up", UP_SCRIPT.replace(
        "@FIRST@", "" if PLAIN in sys.argv else FIRST), 0o755)
    os.makedirs(f"{root}/etc/systemd/system/sysinit.target.wants",
                exist_ok=True)
    os.symlink("/etc/systemd/system/rack-up.service",
               f"{root}/etc/systemd/system/sysinit.target.wants/"
               "rack-up.service")
    shutil.copy("/etc/resolv.conf", f"{root}/etc/resolv.conf")
    return root


def make_ssh(roots):
    """root on d1 may log in on d2."""
    os.makedirs(f"{roots['d1']}/root/.ssh", mode=0o700, exist_ok=True)
    sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f",
       f"{roots['d1']}/root/.ssh/id_ed25519")
    with open(f"{roots['d1']}/root/.ssh/id_ed25519.pub") as f:
        os.makedirs(f"{roots['d2']}/root/.ssh", mode=0o700, exist_ok=True)
        put(roots["d2"], "root/.ssh/authorized_keys", f.read(), 0o600)
    put(roots["d1"], "root/.ssh/config",
        "Host *\n\tStrictHostKeyChecking accept-new\n", 0o600)


def enabled(root):
    """Units that start at boot."""
    return sorted(os.path.basename(u)[:-8] for u in glob.glob(
        f"{root}/etc/systemd/system/multi-user.target.wants/yoke*"))


def install(walk, node, root, deb):
    name = os.path.basename(deb)
    shutil.copy(deb, f"{root}/root/{name}")
    start = time.monotonic()
    chroot(root, "apt-get -qq update; cd /root; "
                 f"apt-get -y -q install ./{name}")
    walk.did(node, f"apt install ./{name}", time.monotonic() - start)


# ---- the pair ----

def boot(rack):
    for m in rack.machines.values():
        m.power_on()
    for m in rack.machines.values():
        wait_for(m.ready, 60, f"boot of {m.node}")


def status(rack, node):
    out = rack.run(node, "yoke status --json", check=False, timeout=10)
    try:
        return json.loads(out)
    except ValueError:
        return None


def roles(rack):
    return {n: (status(rack, n) or {}).get("role") for n in rack.NODES
            if rack.powered(n)}


def together(rack):
    """One is active and says that the other is in step. That is all that can
    be asked of a pair on a machine that stands still now and then, which is an
    alarm of its own."""
    got = [status(rack, n) or {} for n in rack.NODES]
    return (sorted(str(g.get("role")) for g in got) == ["active", "standby"]
            and all(g["peer"]["in_step"] for g in got
                    if g["role"] == "active"))


def green(rack):
    """Both are well, one of them active, the other in step."""
    if SLOW_MACHINE in sys.argv:
        return together(rack)
    got = {n: rack.run(n, "yoke status", check=False, timeout=10)
           for n in rack.NODES}
    return (all(o.returncode == 0 for o in got.values()) and
            sorted(roles(rack).values()) == ["active", "standby"])


def dump(rack):
    text = ""
    for n in rack.NODES:
        if rack.powered(n):
            for cmd in ("yoke status", "systemctl --no-pager --failed",
                        "journalctl -b --no-pager -n 60 -u 'yoke*' "
                        "-u corosync"):
                text += f"{n}# {cmd}\n" + rack.run(n, cmd, check=False,
                                                  timeout=20) + "\n"
    return text


def main_pid(rack, node):
    return rack.run(node, "systemctl show -P MainPID yoked").strip()


def test_units(t, rack):
    """Each unit runs, was never restarted, and is in its sandbox."""
    for node in rack.NODES:
        for unit in UNITS:
            out = rack.run(node, f"systemctl show -p ActiveState,NRestarts,"
                           f"MainPID {unit}", timeout=10)
            have = dict(line.split("=", 1) for line in out.splitlines())
            text = rack.run(node, f"cat /proc/{have['MainPID']}/status",
                            check=False)
            seccomp = "Seccomp:\t2" in text
            t.ok(have["ActiveState"] == "active" and
                 have["NRestarts"] == "0" and seccomp,
                 f"{node}: {unit} runs in its sandbox", f"{have}\n{text}")
    for node, role in roles(rack).items():
        pid = rack.run(node, "systemctl show -P MainPID yoke-syncd").strip()
        real_time = "SCHED_RR" in rack.run(node, f"chrt -p {pid}")
        t.ok(real_time == (role == "active"), f"{node}: yoke-syncd is "
             f"{'' if real_time else 'not '}real-time, the director {role}")
    node = rack.NODES[0]
    t.is_(rack.run(node, "cat /proc/sys/net/ipv4/vs/sync_refresh_period")
          .strip(), "60", "yoked can set IPVS's sysctls from its sandbox")
    t.ok("SCHED_RR" in rack.run(node, f"chrt -p {main_pid(rack, node)}"),
         "yoked has real-time priority in its sandbox")
    t.is_(rack.run(node, "sysctl -n net.core.rmem_max").strip(), "1048576",
          "the sysctl file is in force")


def power_cut(t, rack):
    active = next(n for n, r in roles(rack).items() if r == "active")
    left = "d2" if active == "d1" else "d1"
    rack.power_cut(active)
    wait_for(lambda: status(rack, left)["role"] == "active", 10,
             f"{left} to take over")
    t.ok(True, f"power cut of {active}: {left} takes over")
    out = rack.run(left, "yoke status", check=False, timeout=10)
    t.ok(out.returncode == 1 and "ACTIVE" in out,
         "status on the survivor: active, degraded", out)
    t.note(out)
    t.ok(wait_for(rack.fetch, 5, "service") in rack.RS, "clients are served")
    rack.machines[active].power_on()
    wait_for(rack.machines[active].ready, 60, f"{active} again")
    wait_for(lambda: green(rack), 60, "a pair again")
    t.ok(True, f"{active} is switched on: all green, with nobody's help")


def walk_pair(t, walk, rack, slow):
    out = walk.type(rack, "d1", "yoke init d1=10.77.0.1,10.77.1.1 "
                    "d2=10.77.0.2,10.77.1.2 vip=10.77.0.10 servers=10.77.0.11,"
                    "10.77.0.12,10.77.0.13 http=/health")
    cmds = [line.strip() for line in out.splitlines()
            if line.startswith("  ")]
    t.is_(cmds[:2], ["cp -r --preserve=mode yoke-pair/d1/etc /",
                     "scp -rp yoke-pair/d2/etc root@10.77.0.2:/"],
          "init says what to copy")
    if slow:
        rack.run("d1", f"cd /root; for n in d1 d2; do echo '{SLOW}' >>"
                 "yoke-pair/$n/etc/yoke/yoke.conf; done")
    for cmd in cmds[:2]:
        walk.type(rack, "d1", cmd)
    start = "systemctl restart corosync yoked"
    t.ok(cmds.count(start) == 2, "and what to run", out)
    for node in ("d1", "d2"):
        walk.type(rack, node, start)
    wait_for(lambda: green(rack), 60, "green on both")
    for node in ("d1", "d2"):
        out = walk.type(rack, node, "yoke status", check=False)
        t.ok(out.returncode == 0 or slow, f"{node}: status is green", out)
        t.note(out)
    t.ok(rack.fetch() in rack.RS, "clients are served")
    out = rack.run("d1", "yoke init check root@10.77.0.2", check=False,
                   timeout=40)
    wrong = [line.split()[1] for line in out.splitlines()
             if line.startswith("WRONG") and not slow]
    t.is_(wrong, ["cpu"] if PLAIN in sys.argv and not slow else [],
          "init check: nothing is wrong")
    t.note(out)


def next_version(deb):
    """The same package with the next Debian revision."""
    tree, name = f"{ROOTS}/next", os.path.basename(deb)
    shutil.rmtree(tree, ignore_errors=True)
    sh("dpkg-deb", "-R", deb, tree)
    path = f"{tree}/DEBIAN/control"
    with open(path) as f:
        text = f.read()
    with open(path, "w") as f:
        f.write(text.replace("-1\n", "-2\n", 1))
    name = name.replace("-1_", "-2_")
    sh("dpkg-deb", "-b", tree, f"{ROOTS}/{name}")
    shutil.rmtree(tree)
    return f"{ROOTS}/{name}"


def upgrade(t, rack, roots, deb):
    """As yoke(8) says: the standby, switch, the other; under load."""
    active = next(n for n, r in roles(rack).items() if r == "active")
    standby = "d2" if active == "d1" else "d1"
    new = os.path.basename(deb)
    for root in roots.values():
        shutil.copy(deb, f"{root}/root/{new}")
    with Traffic(rack, rate=200) as load:
        load.wait_ready()
        for node, other in ((standby, active), (active, standby)):
            if node == active:
                rack.run(active, "yoke switch", timeout=20)
                wait_for(lambda: green(rack), 20, "the switch")
            want = {node: "standby", other: "active"}
            t.is_(roles(rack), want, f"{node} is the standby")
            old = main_pid(rack, node), main_pid(rack, other)
            out = rack.run(node, "DEBIAN_FRONTEND=noninteractive "
                           f"dpkg -i /root/{new} 2>&1", timeout=120)
            wait_for(lambda: green(rack), 60, "green again")
            t.is_(roles(rack), want, f"{node}: upgraded, roles as before")
            t.ok(main_pid(rack, node) != old[0] and
                 main_pid(rack, other) == old[1],
                 f"{node}: restarted, and only there", out)
        report = load.stop()
    failed, reset = report["failed"]["total"], report["established"]["reset"]
    slow = SLOW_MACHINE in sys.argv     # its stalls are not the upgrade's
    t.ok((failed == 0 and reset == 0) or slow, "no request failed"
         f"{' # SKIP' if slow else ''}: {report['attempts']} new connections, "
         f"{failed} failed, {reset} established ones reset", report)


def add_flags(p):
    p.add_argument(PLAIN, action="store_true", help="without what README.md "
                   "says of directors with one CPU")
    p.add_argument(SLOW_MACHINE, action="store_true", help="3 s of silence "
                   "before a takeover: for a machine that others use, whose "
                   "stalls would change the roles")


SLOW = "\nbeat { interval = 100ms  misses = 30 }\n"


def main():
    p = argparse.ArgumentParser()
    add_flags(p)
    p.add_argument("--keep", action="store_true", help="leave the roots")
    p.add_argument("--base", default=f"{CACHE}/base.tar")
    args = p.parse_args()
    debs = sorted(glob.glob(f"{REPO}/build/packages/yoke_*_*.deb"))
    if os.geteuid() != 0 or not debs or not shutil.which("mmdebstrap"):
        print("walk: needs root, mmdebstrap, and `make deb`", file=sys.stderr)
        return 2
    t = T()
    walk = Walk(t)
    reap()
    make_base(args.base)
    roots = {n: make_root(n, args.base) for n in ("d1", "d2")}
    make_ssh(roots)
    for node, root in roots.items():
        install(walk, node, root, debs[-1])
        t.ok(not os.path.exists(f"{root}/etc/yoke/yoke.conf"),
             f"{node}: installed, nothing configured")
        t.is_(enabled(root), UNITS, f"{node}: all units are enabled but "
              "yoke-snmpd, which needs an snmpd")
    rack = Rack(mem="512M", machine=Director)
    try:
        with t.part("the walk"):
            rack.up(boot=False)
            t.dump = lambda: dump(rack)
            boot(rack)
            walk_pair(t, walk, rack, args.slow)
            walk.report()
            test_units(t, rack)
        with t.part("upgrade of a running pair"):
            upgrade(t, rack, roots, next_version(debs[-1]))
        with t.part("power cut"):
            power_cut(t, rack)
    finally:
        rack.close()
        if not args.keep:
            shutil.rmtree(ROOTS, ignore_errors=True)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
