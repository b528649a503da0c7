#!/usr/bin/python3
"""test_init: yoke init and yoke init check, the latter in two network
namespaces with cables between them (root). ssh is a script here."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
REPO = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, f"{REPO}/test/rack")

from rack import wait_for                                   # noqa: E402
from tap import T                                           # noqa: E402

YOKE = f"{os.environ.get('YOKE_BIN', f'{REPO}/build/bin')}/yoke"
if not YOKE.startswith("/"):
    YOKE = f"{REPO}/{YOKE}"
NODES = ("d1=192.0.2.1,198.51.100.1", "d2=192.0.2.2,198.51.100.2")
WEB = ("vip=192.0.2.10/24", "servers=192.0.2.21,192.0.2.22:80")


def run(*argv, **more):
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, **more)


def read(path, mode="r"):
    with open(path, mode) as f:
        return f.read()


def files(root):
    """{path under root: mode} of all files."""
    return {os.path.relpath(os.path.join(d, n), root):
            os.stat(os.path.join(d, n)).st_mode & 0o777
            for d, _, names in os.walk(root) for n in names}


def test_write(t, tmp):
    pair = f"{tmp}/pair"
    out = run(YOKE, "init", *NODES, *WEB, "http=/health", f"dir={pair}")
    t.is_(out.returncode, 0, "init: done")
    want = {"etc/yoke/yoke.conf": 0o644, "etc/yoke/key": 0o600,
            "etc/corosync/corosync.conf": 0o644,
            "etc/corosync/authkey": 0o400}
    t.is_({n: files(f"{pair}/{n}") for n in ("d1", "d2")},
          {"d1": want, "d2": want}, "four files for each, secrets private")
    t.is_(os.stat(pair).st_mode & 0o777, 0o700, "the folder is private")
    t.ok(all(read(f"{pair}/d1/{f}", "rb") == read(f"{pair}/d2/{f}", "rb")
             for f in want), "the same on both")
    for node in ("d1", "d2"):
        out2 = run(YOKE, "-n", node, "print",
                   f"{pair}/{node}/etc/yoke/yoke.conf")
        t.ok(out2.returncode == 0 and "server rs2" in out2.stdout,
             f"{node}'s yoke.conf is right", out2.stdout)
    out2 = run("corosync", "-t", env={
        **os.environ,
        "COROSYNC_MAIN_CONFIG_FILE": f"{pair}/d1/etc/corosync/corosync.conf",
        "COROSYNC_TOTEM_AUTHKEY_FILE": f"{pair}/d1/etc/corosync/authkey"})
    t.ok(out2.returncode == 0, "corosync takes its file", out2.stdout)
    for word in (f"scp -rp {pair}/d1/etc root@192.0.2.1:/",
                 "systemctl restart corosync yoked"):
        t.ok(word in out.stdout, f"it says: {word}")
    before = read(f"{pair}/d1/etc/yoke/key")
    out = run(YOKE, "init", *NODES, *WEB, f"dir={pair}")
    t.ok(out.returncode == 1 and before == read(f"{pair}/d1/etc/yoke/key"),
         "it overwrites nothing", out.stdout)
    run(YOKE, "init", *NODES, *WEB, f"dir={tmp}/two")
    t.ok(before != read(f"{tmp}/two/d1/etc/yoke/key"), "no key twice")
    out = run(YOKE, "init", "d1=10.9.0.1", "d2=10.9.0.2",
              f"import={REPO}/test/import/001-all.conf", f"dir={tmp}/three")
    t.ok(out.returncode == 0 and "service fwmark-7" in
         read(f"{tmp}/three/d2/etc/yoke/yoke.conf"), "import= is taken", out.stdout)


def test_refuse(t, tmp):
    for words, why in (
            ([NODES[0], *WEB], "two are needed"),
            ([*NODES], "vip="),
            ([*NODES, *WEB, "d3=192.0.2.3"], "third node"),
            ([*NODES, "vip=www.example.org", WEB[1]], "not a numeric"),
            ([*NODES, WEB[0], "servers=192.0.2.21:99999"], "not a port"),
            ([*NODES, *WEB, "method=route"], "route"),
            ([*NODES, *WEB, 'http=/"x'], "characters"),
            ([*NODES, *WEB, "port=0"], "not a port"),
            ([NODES[0], "d2=192.0.2.2", *WEB], "as many addresses"),
            ([NODES[0], "d2=192.0.2.1,198.51.100.2", *WEB], "both nodes"),
            ([*NODES, "vip=192.0.2.1", WEB[1]], "own address"),
            ([NODES[0] + "@a/../b", NODES[1], *WEB], "interface"),
            ([NODES[0], "d2", *WEB], "not of the kind"),
            ([*NODES, "import=/nowhere"], "No such file")):
        out = run(YOKE, "init", *words, f"dir={tmp}/never")
        t.ok(out.returncode in (1, 2) and why in out.stdout and
             not os.path.exists(f"{tmp}/never"),
             f"refused, nothing written: {why}", out.stdout)


class Net:
    """Two namespaces, two cables; a director's address on each end."""

    def __init__(self):
        self.ns = [f"yoke-init-{os.getpid()}-{i}" for i in (1, 2)]
        for ns in self.ns:
            self.ip("netns", "add", ns)
        for k, net in enumerate(("192.0.2", "198.51.100")):
            self.ip("-n", self.ns[0], "link", "add", f"c{k}", "type", "veth",
                    "peer", "name", f"c{k}", "netns", self.ns[1])
            for i, ns in enumerate(self.ns, 1):
                self.ip("-n", ns, "addr", "add", f"{net}.{i}/24", "dev",
                        f"c{k}")
                self.ip("-n", ns, "link", "set", f"c{k}", "up")

    @staticmethod
    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def close(self):
        for ns in self.ns:
            self.ip("netns", "del", ns)


def place(pair, node, tmp):
    """The file with a key that is where init put it."""
    text = read(f"{pair}/{node}/etc/yoke/yoke.conf").replace(
        "/etc/yoke/key", f"{pair}/{node}/etc/yoke/key")
    with open(f"{tmp}/yoke.conf.{node}", "w") as f:
        f.write(text.replace("/var/lib/yoke", tmp))
    return f"{tmp}/yoke.conf.{node}"


def test_check(t, tmp):
    if os.geteuid() != 0:
        t.ok(True, "init check # SKIP needs root")
        return
    net = Net()
    try:
        check_pair(t, tmp, net)
    finally:
        net.close()


def check_pair(t, tmp, net):
    pair = f"{tmp}/live"
    out = run("ip", "netns", "exec", net.ns[0], YOKE, "init", *NODES, *WEB,
              f"dir={pair}")
    t.ok("device = c0  address = 192.0.2.1" in
         read(f"{pair}/d2/etc/yoke/yoke.conf"),
         "init finds the interfaces of this machine, and takes them for both")
    t.ok(f"cp -r --preserve=mode {pair}/d1/etc /" in out.stdout and
         f"scp -rp {pair}/d2/etc root@192.0.2.2:/" in out.stdout,
         "it knows which node is here")
    conf = {n: place(pair, n, tmp) for n in ("d1", "d2")}
    with open(f"{tmp}/ssh", "w") as f:
        f.write(f"#!/bin/sh\n[ \"$6\" = root@d2 ] || exit 255\n"
                f"ip netns exec {net.ns[1]} {YOKE} -c {conf['d2']} -n d2 "
                f"init facts | sed -f {tmp}/edit\n")
    os.chmod(f"{tmp}/ssh", 0o755)
    edit = ""

    def check(peer="root@d2"):
        with open(f"{tmp}/edit", "w") as f:
            f.write(edit)
        return run("ip", "netns", "exec", net.ns[0], YOKE, "-c", conf["d1"],
                   "-n", "d1", "init", "check", *([peer] if peer else []),
                   env={**os.environ, "PATH": f"{tmp}:{os.environ['PATH']}"})

    def row(out, level, text):
        return any(line.startswith(level) and re.search(text, line)
                   for line in out.stdout.splitlines())

    out = check(None)
    for text in ("net1 .*192.0.2.2 answers on c0, 1500 bytes",
                 "net2 .*198.51.100.2 answers", "vip .*MTU 1500"):
        t.ok(row(out, "ok", text), f"well: {text}", out.stdout)
    t.ok(row(out, "not checked", "versions, clocks"),
         "it says what it did not look at", out.stdout)
    out = check()
    same = ("yoke is", "kernel is", "key is", "mtu-net1 is", "clock",
            "root@d2 is d2")
    for text in same:
        t.ok(row(out, "ok", text), f"peer, well: {text}", out.stdout)
    t.ok(read(f"{pair}/d1/etc/yoke/key").strip() not in out.stdout,
         "no secret is shown")
    for edit, text in (("s/^yoke .*/yoke 9.9/", "yoke differs: .* 9.9 there"),
                       ("s/^key .*/key abc/", "key differs"),
                       ("s/^time_us .*/time_us 1000000/", "clock .*ahead"),
                       ("s/^node .*/node other/", "says it is other"),
                       ("s/^mtu-net2 .*/mtu-net2 9000/", "mtu-net2 differs"),
                       ("s/.*//", "no answer")):
        out = check()
        t.ok(out.returncode == 1 and row(out, "WRONG", text),
             f"peer, wrong: {text}", out.stdout)
    edit = ""
    net.ip("-n", net.ns[1], "link", "set", "c1", "mtu", "1400")
    net.ip("-n", net.ns[0], "addr", "del", "192.0.2.1/24", "dev", "c0")
    out = check()
    t.ok(row(out, "WRONG", "net1 .*192.0.2.1 is not on c0"),
         "an address that is missing", out.stdout)
    t.ok(row(out, "WRONG", "net2 .*but not to 1500 bytes"),
         "an MTU that is smaller there", out.stdout)
    t.ok(row(out, "WRONG", "mtu-net2 differs: 1500 here, 1400 there"),
         "and what it is there", out.stdout)
    os.chmod(f"{pair}/d1/etc/yoke/key", 0o644)
    out = check()
    t.ok(out.returncode == 2 and "others than its owner" in out.stdout,
         "a key that others can read", out.stdout)


# What is wrong with a real server, what is said of it.
SERVER = (
    ("addr add 192.0.2.10/32 dev c0", None, "192.0.2.10 is on c0, which answers"),
    ("addr del 192.0.2.10/32 dev c0", None, "192.0.2.10 is on none of its inter"),
    ("addr add 192.0.2.10/32 dev lo", None, "c0 c1: arp_ignore is 0"),
    (None, "arp_ignore=1", "c0 c1: arp_announce is 0"),
)


class Agent:
    """yoke-agentd of a real server in a namespace."""

    def __init__(self, ns, tmp, more=""):
        with open(f"{tmp}/agentd.conf", "w") as f:
            f.write(f"listen = 192.0.2.21:5490\n{more}")
        self.ns = ns
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", ns, f"{os.path.dirname(YOKE)}/yoke-agentd",
             "-c", f"{tmp}/agentd.conf"], stderr=subprocess.DEVNULL)
        wait_for(self.listens, 10, "yoke-agentd")

    def listens(self):
        return "192.0.2.21:5490" in run("ip", "netns", "exec", self.ns, "ss",
                                        "-tln").stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def certificate(tmp):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=rs1", "-addext", "subjectAltName=IP:192.0.2.21",
        "-keyout", f"{tmp}/tls.key", "-out", f"{tmp}/tls.pem")
    os.chmod(f"{tmp}/tls.key", 0o600)
    with open(f"{tmp}/token", "w") as f:
        f.write("secret-token\n")
    os.chmod(f"{tmp}/token", 0o600)


def test_servers(t, tmp):
    """ARP of the real servers, by their agents."""
    if os.geteuid() != 0:
        t.ok(True, "servers # SKIP needs root")
        return
    net = Net()
    try:
        check_servers(t, tmp, net)
    finally:
        net.close()


def check_servers(t, tmp, net):
    pair, rs = f"{tmp}/arp", net.ns[1]
    run("ip", "netns", "exec", net.ns[0], YOKE, "init", *NODES, *WEB,
        f"dir={pair}")
    conf = place(pair, "d1", tmp)
    net.ip("-n", rs, "link", "set", "lo", "up")
    for i in (21, 22):
        net.ip("-n", rs, "addr", "add", f"192.0.2.{i}/24", "dev", "c0")

    def check(level, text, name):
        out = run("ip", "netns", "exec", net.ns[0], YOKE, "-c", conf, "-n",
                  "d1", "init", "check").stdout
        rows = [r for r in out.splitlines() if r.startswith(level)]
        t.ok(any(text in r for r in rows), name, out)

    check("not checked", "virtual addresses: rs1 rs2", "servers without an agent")
    with Agent(rs, tmp):
        for link, sysctl, text in SERVER:
            if link:
                net.ip("-n", rs, *link.split())
            if sysctl:
                run("ip", "netns", "exec", rs, "sysctl", "-qw",
                    f"net.ipv4.conf.all.{sysctl}")
            check("WRONG", text, f"a server's fault: {text}")
        run("ip", "netns", "exec", rs, "sysctl", "-qw",
            "net.ipv4.conf.all.arp_announce=2")
        check("ok", "rs1       has its virtual addresses and is quiet",
              "all is right")
        check("not checked", "virtual addresses: rs2",
              "the other one has no agent")
    certificate(tmp)
    tls = (f"token_file = {tmp}/token\ncertificate = {tmp}/tls.pem\n"
           f"private_key = {tmp}/tls.key\n")
    text = read(conf)
    with Agent(rs, tmp, tls):
        for more, level, want in (
                (f"ca_file = {tmp}/tls.pem\ntoken_file = {tmp}/token\n", "ok",
                 "is quiet"),
                (f"ca_file = {tmp}/tls.pem\n", "not checked",
                 "Permission denied"),
                (f"token_file = {tmp}/token\n", "not checked",
                 "Protocol error")):
            with open(conf, "w") as f:
                f.write(text.replace(
                    "\tserver rs1", "check load {\n type = agent-https\n"
                    f"port = 5490\n{more}}}\n server rs1", 1))
            check(level, want, f"by TLS and token: {want}")


def main():
    t = T()
    with tempfile.TemporaryDirectory() as tmp:
        os.chmod(tmp, 0o755)
        for name, fn in (("files", test_write), ("refused", test_refuse),
                         ("check", test_check), ("servers", test_servers)):
            with t.part(name):
                fn(t, tmp)
    return t.done()


sys.exit(main())
