#!/usr/bin/python3
"""test_files: what is installed beside the programs, without building a
package: man pages, units, completion, versions, and `make install` itself."""
import glob
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{REPO}/test/rack")

from tap import T                                           # noqa: E402

# Exposure as systemd-analyze security says: 10 is all, 0 nothing.
EXPOSURE_MAX = 4.0


def read(name):
    with open(f"{REPO}/{name}") as f:
        return f.read()


def run(*argv, **more):
    return subprocess.run(argv, cwd=REPO, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)


def programs():
    names = []
    for mk in glob.glob(f"{REPO}/daemons/*/module.mk"):
        with open(mk) as f:
            names += re.findall(r"^PROGS \+?= *(\S+)", f.read(), re.M)
    return sorted(names)


def commands():
    """The literal words of each row of commands.def."""
    for usage in re.findall(r'^CMD\(\w+, *"([^"]*)"',
                            read("schema/commands.def"), re.M):
        words = usage.split()
        n = next((i for i, w in enumerate(words)
                  if w[0] in "[-" or w.upper() == w), len(words))
        yield words[:n]


def test_man(t):
    for page in sorted(glob.glob(f"{REPO}/packaging/man/*")):
        out = run("mandoc", "-T", "lint", "-W", "warning", page)
        t.is_(out.stdout, "", f"{os.path.basename(page)}: mandoc has nothing "
              "to say")
    have = {os.path.basename(p) for p in
            glob.glob(f"{REPO}/packaging/man/*")}
    t.is_([p for p in programs() if f"{p}.8" not in have], [],
          "every program has a page")
    page = read("packaging/man/yoke.8")
    items = re.findall(r"^\.It Cm (.*)$", page, re.M)
    t.is_([" ".join(c) for c in commands()
           if not any(i.split()[:len(c)] == c for i in items)], [],
          "every command is in yoke(8)")
    page = read("packaging/man/yoke.conf.5")
    keys = set(re.findall(r"^KEY\( *\w+, *(\w+),",
                          read("schema/config.def"), re.M))
    t.ok(len(keys) > 40, "config.def was understood")
    t.is_([k for k in sorted(keys) if f".It Ic {k} " not in page], [],
          "every key is in yoke.conf(5)")


def test_units(t):
    units = sorted(glob.glob(f"{REPO}/packaging/units/*.service"))
    execs = []
    for unit in units:
        name = os.path.basename(unit)
        with open(unit) as f:
            text = f.read()
        execs += re.findall(r"^ExecStart=/usr/sbin/(\S+)", text, re.M)
        t.ok("\nType=notify\n" in text or "# No Type=notify:" in text,
             f"{name}: says when it is ready, or why not")
        t.ok("\nWatchdogSec=" in text or "# No watchdog:" in text,
             f"{name}: is watched, or says why not")
        out = run("systemd-analyze", "security", "--offline=yes", unit).stdout
        m = re.search(r"exposure level for \S+: ([0-9.]+)", out)
        t.ok(m and float(m[1]) <= EXPOSURE_MAX,
             f"{name}: exposure at most {EXPOSURE_MAX}", out[-500:])
    t.is_(sorted(execs), [p for p in programs() if p != "yoke"],
          "every daemon has a unit")


def complete(line):
    """What the completion offers for the last word of a line."""
    words = line.split(" ")
    script = f"""
        source build/gen/yoke.bash
        yoke() {{ printf 'service web {{\\nserver rs1 {{\\nserver rs2 {{\\n'; \
printf 'service mail {{\\nserver m1 {{\\n'; }}
        COMP_WORDS=({' '.join(f"'{w}'" for w in words)})
        COMP_CWORD={len(words) - 1}
        compopt() {{ :; }}
        _yoke; printf '%s\\n' "${{COMPREPLY[@]}}\""""
    return run("bash", "-c", script).stdout.split()


def test_completion(t):
    firsts = sorted({c[0] for c in commands()})
    t.is_(run("make", "-s", "build/gen/yoke.bash").returncode, 0,
          "completion: made")
    for line, want in (
            ("yoke ", firsts),
            ("yoke sta", ["status"]),
            ("yoke status ", ["--json"]),
            ("yoke -i main status --", ["--json"]),
            ("yoke server ", ["drain", "enable", "weight"]),
            ("yoke server drain ", ["mail", "web"]),
            ("yoke server drain web ", ["rs1", "rs2"]),
            ("yoke server weight mail ", ["m1"]),
            ("yoke server weight mail m1 ", ["auto"]),
            ("yoke maintenance o", ["off", "on"]),
            ("yoke check pack", ["packaging"]),
            ("yoke checkpoint list --d", ["--dir="]),
            ("yoke nonsense ", [])):
        t.is_(sorted(complete(line)), want, f"completion of {line!r}")


def test_upgrade(t):
    """Restarted: a standby, and nothing else."""
    one_line = '{"node":"d1","role":"standby","peer":{"role":"active"}}'
    lines = one_line.replace(",", ",\n ").replace(":", ": ")
    for what, text, want in (
            ("a standby", one_line, True),
            ("a standby, JSON in lines", lines, True),
            ("an active one", one_line.replace("standby", "x")
             .replace("active", "standby").replace("x", "active"), False),
            ("one in maintenance",
             one_line.replace("standby", "maintenance"), False),
            ("one that does not answer", "", False)):
        with tempfile.TemporaryDirectory() as tmp:
            for name, script in (
                    ("yoke", f"cat <<'END'\n{text}\nEND"),
                    ("systemctl", f"echo \"$@\" >>{tmp}/did")):
                with open(f"{tmp}/{name}", "w") as f:
                    f.write(f"#!/bin/sh\n{script}\n")
                os.chmod(f"{tmp}/{name}", 0o755)
            out = run("packaging/after-upgrade", tmp,
                      env={**os.environ, "PATH": f"{tmp}:{os.environ['PATH']}"})
            with open(f"{tmp}/did") as f:
                did = f.read()
            done = [o for o in did.splitlines() if "start" in o or "stop" in o]
            t.is_(done, ["stop yoked", "try-restart yoke-*", "start yoked"]
                  if want else [], f"upgrade: {what} is "
                  f"{'' if want else 'not '}restarted, yoked last")
            t.ok("daemon-reload" in did and out.returncode == 0,
                 "and units are read", did + out.stdout)


def test_versions(t):
    version = read("VERSION").strip()
    t.ok(read("packaging/debian/changelog").startswith(f"yoke ({version}-"),
         "the changelog is of this version")
    t.ok(f" - {version}-" in read("packaging/rpm/yoke.spec"),
         "the spec's changelog too")


def test_install(t):
    """One list for deb and rpm: what `make install` puts there. A file of
    packaging/ that it forgets shows here."""
    with tempfile.TemporaryDirectory() as root:
        out = run("make", "install", f"DESTDIR={root}")
        t.ok(out.returncode == 0, "make install", out.stdout[-2000:])
        got = {os.path.relpath(os.path.join(d, f), root)
               for d, _, files in os.walk(root) for f in files}
        want = {f"usr/sbin/{p}" for p in programs()}
        want |= {f"usr/lib/systemd/system/{os.path.basename(u)}"
                 for u in glob.glob(f"{REPO}/packaging/units/*")}
        want |= {f"usr/share/man/man{m[-1]}/{os.path.basename(m)}"
                 for m in glob.glob(f"{REPO}/packaging/man/*")}
        want |= {f"usr/share/yoke/drills/{os.path.basename(m)}"
                 for m in glob.glob(f"{REPO}/contrib/drills/*.py")}
        want |= {f"usr/share/doc/yoke-doc/{f}" for f in
                 ("README.md", "HACKING.md", "RESULTS.md",
                  "examples/yoke.conf")}
        want |= {
            "etc/needrestart/conf.d/yoke.conf",
            "usr/lib/modules-load.d/yoke.conf",
            "usr/lib/sysctl.d/50-yoke.conf",
            "usr/lib/sysusers.d/yoke.conf",
            "usr/lib/tmpfiles.d/yoke.conf",
            "usr/libexec/yoke/after-upgrade",
            "usr/share/bash-completion/completions/yoke",
            "usr/share/doc/yoke-agent/examples/agentd.conf",
            "usr/share/doc/yoke/examples/checkpoint-device.conf",
            "usr/share/doc/yoke/examples/yoke.conf",
            "usr/share/snmp/mibs/YOKE-MIB.txt"}
        t.is_(sorted(want - got), [], "nothing is missing")
        t.is_(sorted(got - want), [], "nothing that this test does not know")


def main():
    t = T()
    for name, fn in (("man pages", test_man), ("units", test_units),
                     ("completion", test_completion),
                     ("versions", test_versions), ("upgrade", test_upgrade), ("install", test_install)):
        with t.part(name):
            fn(t)
    return t.done()


sys.exit(main())
