#!/usr/bin/python3
"""check_rpm: the RPM packages, on Debian: every file in an empty root, every
scriptlet in a Debian root, where systemd's tools are. (make walk; root)"""
import argparse
import glob
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from walk import (CACHE, REPO, ROOTS, UNITS, T, chroot,      # noqa: E402
                  enabled, make_base, put, sh)


def rpms():
    return [p for p in glob.glob(f"{REPO}/build/packages/*.rpm")
            if "debuginfo" not in p and ".src." not in p]


def files(root):
    return {os.path.relpath(os.path.join(d, f), root)
            for d, _, names in os.walk(root) for f in names}


def fresh(name):
    root = f"{ROOTS}/{name}"
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    os.chmod(root, 0o755)
    return root


def test_files(t):
    root, plain = fresh("rpm-empty"), fresh("rpm-plain")
    sh("rpm", "--root", root, "--initdb")
    sh("rpm", "--root", root, "-i", "--nodeps", "--noscripts", *rpms())
    sh("make", "-C", REPO, "install", f"DESTDIR={plain}")
    want = {f + ".gz" if "/man/man" in f else f for f in files(plain)}
    got = {f for f in files(root) if not f.startswith((
        "var/lib/rpm", "root/.rpmdb", "usr/lib/.build-id"))}
    t.is_(sorted(want - got), [], "nothing of make install is missing")
    t.is_(sorted(got - want), [], "nothing else is there")
    out = subprocess.run(["rpm", "--root", root, "-Va", "--nodeps"],
                         text=True, stdout=subprocess.PIPE)
    t.is_(out.stdout, "", "rpm finds all as it was packed")
    for path in sorted(glob.glob(f"{root}/usr/sbin/*")):
        flag = "version" if path.endswith("/yoke") else "-V"
        out = subprocess.run([path, flag], text=True, stdout=subprocess.PIPE)
        t.ok(out.returncode == 0 and out.stdout.startswith("yoke"),
             f"{os.path.basename(path)} starts: {out.stdout.strip()}")
    shutil.rmtree(root)
    shutil.rmtree(plain)


def rpm(root, *words):
    """The host's rpm; scriptlets run with the root's own shell and systemd."""
    return sh("unshare", "--mount", "sh", "-c", 'mount -t proc proc "$0/proc";'
              'exec rpm --force-debian --root "$0" "$@"', root, *words)


def test_scripts(t, tar):
    root = fresh("rpm-debian")
    sh("tar", "-C", root, "-xf", tar)
    package = [p for p in rpms() if "-doc-" not in p]
    for p in package:
        shutil.copy(p, f"{root}/tmp")
    out = rpm(root, "-i", "--nodeps", *package)
    t.ok(out.startswith("Creating group") and out.count("\n") == 1,
         "installed, no more said than that there is a group", out)
    with open(f"{root}/etc/group") as f:
        t.ok("\nyoke:" in f.read(), "%post: the group yoke is there")
    units = sorted(UNITS + ["yoke-agentd"] * (len(package) > 1))
    t.is_(enabled(root), units, "%post: the units are enabled")
    t.ok(os.path.isdir(f"{root}/run/yoke") and
         os.path.isdir(f"{root}/var/lib/yoke"), "%post: directories")
    t.ok("yoke" in chroot(root, "getent group yoke"), "it is a group there")
    out = subprocess.run(["systemd-analyze", "verify", f"--root={root}",
                          "--man=no", *[f"{u}.service" for u in UNITS]],
                         text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
    bad = [line for line in out.stdout.splitlines() if "yoke" in line
           and "/bin/kill is not executable" not in line]   # none there
    t.is_(bad, [], "systemd-analyze has nothing to say about the units")
    out = rpm(root, "-U", "--force", "--nodeps", *package)
    t.is_(out, "", "the same again, as an upgrade")
    t.is_(enabled(root), units, "still enabled after an upgrade")
    out = rpm(root, "-e", *(os.path.basename(p).rsplit("-", 2)[0]
                            for p in package))
    t.is_(out, "", "removed")
    t.is_(enabled(root), [], "%preun: none is enabled after removal")
    t.is_(sorted(f for f in files(root) if "yoke" in f and
                 not f.startswith(("tmp/", "var/lib/rpm", "root/.rpmdb"))),
          [], "nothing is left after removal")
    shutil.rmtree(root)


ALL = sorted(UNITS + ["yoke-snmpd"])     # of a director


def make_running(root, role):
    """As if systemd ran there: what it is asked to do is written down. And a
    yoked with a role, for after-upgrade, which asks by way of timeout(1): the
    real yoke is in the package."""
    put(root, "run/systemd/system/x", "")
    put(root, "usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/did\n", 0o755)
    put(root, "usr/bin/timeout",
        f"#!/bin/sh\necho '{{\"node\":\"d1\",\"role\":\"{role}\"}}'\n", 0o755)


def did(root):
    """The orders to systemctl since the last call."""
    path = f"{root}/did"
    if not os.path.exists(path):
        return []
    with open(path) as f:
        lines = f.read().splitlines()
    os.remove(path)
    return lines


def units_of(orders, verb):
    """Units that an order with this verb names."""
    return sorted(w.removesuffix(".service") for line in orders
                  for w in line.split() if verb in line.split() and
                  w.startswith("yoke"))


def test_running(t, tar):
    """Scriptlets on a system that runs: who is started, stopped, restarted."""
    root = fresh("rpm-running")
    sh("tar", "-C", root, "-xf", tar)
    make_running(root, "active")
    package = [p for p in rpms() if "-doc-" not in p]
    agent = ["yoke-agentd"] * (len(package) > 1)
    rpm(root, "-i", "--nodeps", *package)
    orders = did(root)
    t.is_(units_of(orders, "enable"), sorted(UNITS + agent),
          "installed: these are enabled")
    t.is_([o for o in orders if "start" in o], [], "nothing is started")
    for role, want in (("active", []), ("standby", ["yoke-*"]),
                       ("maintenance", [])):
        make_running(root, role)
        rpm(root, "-U", "--force", "--nodeps", *package)
        orders = did(root)
        t.is_([u for u in units_of(orders, "try-restart")
               if u not in agent], want,
              f"upgraded, {role}: {'restarted' if want else 'left alone'}")
        t.ok("daemon-reload" in orders, "new units are read")
        t.is_([o for o in orders if o.split()[0] in ("stop", "start")],
              ["stop yoked", "start yoked"] if want else [],
              "yoked starts after its helpers")
        t.is_([o for o in orders if "enable" in o.split() or
               "disable" in o.split()], [],
              "what an administrator disabled stays so")
    rpm(root, "-e", *(os.path.basename(p).rsplit("-", 2)[0]
                      for p in package))
    orders = did(root)
    t.is_(units_of(orders, "stop"), sorted(ALL + agent), "removed: stopped")
    t.is_(units_of(orders, "disable"), sorted(ALL + agent), "and disabled")
    shutil.rmtree(root)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--base", default=f"{CACHE}/base.tar")
    args = p.parse_args()
    if os.geteuid() != 0 or not rpms() or not shutil.which("mmdebstrap"):
        print("check_rpm: needs root, mmdebstrap, and `make rpm`",
              file=sys.stderr)
        return 2
    t = T()
    make_base(args.base)
    with t.part("files"):
        test_files(t)
    with t.part("scriptlets"):
        test_scripts(t, args.base)
    with t.part("scriptlets on a system that runs"):
        test_running(t, args.base)
    shutil.rmtree(ROOTS, ignore_errors=True)
    return t.done()


sys.exit(main())
