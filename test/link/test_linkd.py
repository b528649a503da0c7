#!/usr/bin/python3
"""yoke-linkd against two real corosyncs, each in a network namespace of its
own, with a fake yoked on either side. Prints TAP; needs root and corosync.

usage: test_linkd.py [BIN]      (default build/bin)
"""
import glob
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

BIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build/bin")
INSTANCE = f"lt{os.getpid()}"

COROSYNC = """\
totem {{
	version: 2
	cluster_name: {instance}
	transport: udpu
	token: 1000
	crypto_cipher: none
	crypto_hash: none
}}
nodelist {{
	node {{
		nodeid: {id1}
		ring0_addr: 10.99.7.1
	}}
	node {{
		nodeid: {id2}
		ring0_addr: 10.99.7.2
	}}
}}
system {{
	sched_rr: no
	state_dir: {dir}
}}
logging {{
	to_stderr: no
	to_syslog: no
	to_logfile: yes
	logfile: {dir}/corosync.log
}}
"""

YOKE = """\
instance = {instance}
key_file = /nonexistent/key
node d1 {{ id = 1 path a {{ device = eth0 address = 10.99.7.1 }} }}
node d2 {{ id = 2 path a {{ device = eth0 address = 10.99.7.2 }} }}
vip 192.0.2.1/32 {{ device = eth0 }}
"""

count = failed = 0
started = []


def ok(cond, text):
    global count, failed
    count += 1
    failed += not cond
    print(f"{'ok' if cond else 'not ok'} {count} - {text}", flush=True)
    return cond


def run(*cmd):
    subprocess.run(cmd, check=True, stdin=subprocess.DEVNULL)


class Proc:
    """A process whose output lines wait in a queue, with their times."""

    def __init__(self, name, *cmd):
        self.name = name
        self.p = subprocess.Popen(cmd, stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, bufsize=1)
        started.append(self)
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.p.stdout:
            if os.environ.get("V"):
                print(f"# {self.name}: {line}", end="", flush=True)
            self.lines.put((time.monotonic(), line.rstrip("\n")))

    def say(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()

    def wait_for(self, text, limit=5.0, never=None):
        """The time of the first line with text, None if none comes."""
        end = time.monotonic() + limit
        while True:
            try:
                when, line = self.lines.get(
                    timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                return None
            if never and never in line:
                print(f"# {self.name}: {line}")
                return None
            if text in line:
                self.line = line
                return when

    def end(self, sig=signal.SIGKILL):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGCONT)
            self.p.send_signal(sig)
        try:
            return self.p.wait(5)
        except subprocess.TimeoutExpired:
            self.p.kill()
            return None


class Node:
    def __init__(self, n, top):
        self.n = n
        self.ns = f"{INSTANCE}-{n}"
        self.dir = f"{top}/{n}"
        os.mkdir(self.dir)
        self.write("corosync.conf", COROSYNC)
        self.write("yoke.conf", YOKE)

    def write(self, name, text, id1=1, id2=2):
        with open(f"{self.dir}/{name}", "w") as f:
            f.write(text.format(instance=INSTANCE, dir=self.dir, id1=id1,
                                id2=id2))

    def spawn(self, name, *cmd):
        return Proc(f"{name}{self.n}", "ip", "netns", "exec", self.ns, *cmd)

    def corosync(self):
        # a /run of its own, for the lock; exec, so that the pid is corosync's
        self.cs = self.spawn(
            "corosync", "unshare", "-m", "sh", "-c",
            "mount -t tmpfs none /run && "
            f"exec corosync -f -c {self.dir}/corosync.conf")

    def linkd(self):
        self.ld = self.spawn("linkd", f"{BIN}/yoke-linkd", "-f", "-c",
                             f"{self.dir}/yoke.conf", "-n", f"d{self.n}")

    def yoked(self):
        self.yd = self.spawn("yoked", f"{BIN}/fake_yoked", INSTANCE)
        return self.yd.wait_for("ready") is not None


def make_net(a, b):
    for node in (a, b):
        run("ip", "netns", "add", node.ns)
        run("ip", "-n", node.ns, "link", "set", "lo", "up")
    run("ip", "-n", a.ns, "link", "add", "eth0", "type", "veth", "peer",
        "name", "eth0", "netns", b.ns)
    for node in (a, b):
        run("ip", "-n", node.ns, "addr", "add", f"10.99.7.{node.n}/24", "dev",
            "eth0")
        run("ip", "-n", node.ns, "link", "set", "eth0", "up")


def both_joined(a, b):
    return all(n.yd.wait_for("connected=1 own=%d members=1,2" % n.n, 15)
               for n in (a, b))


def test_without_corosync(a):
    ok(a.yoked(), "fake yoked runs")
    a.linkd()
    ok(a.yd.wait_for("hello"), "linkd says hello")
    ok(a.yd.wait_for("members connected=0"), "without corosync: connected=0")
    ok(a.ld.wait_for("corosync=unreachable"), "and it is logged")
    a.yd.say("send lost")
    ok(a.yd.wait_for("error", 0.3) is None, "sending is no error")


def test_join(a, b):
    a.corosync()
    ok(a.yd.wait_for("connected=1 own=1 members=1 ", 15),
       "joins when corosync comes")
    b.corosync()
    ok(b.yoked(), "second fake yoked runs")
    b.linkd()
    ok(both_joined(a, b), "both see both")


def test_messages(a, b):
    for x, y in ((a, b), (b, a)):
        t = time.monotonic()
        x.yd.say("send from-%d" % x.n)
        when = y.yd.wait_for("recv node=%d text=from-%d" % (x.n, x.n))
        ok(when, "message %d -> %d in %.1f ms"
           % (x.n, y.n, ((when or t) - t) * 1000))
    ok(a.yd.wait_for("text=from-1", 0.3) is None, "own messages are not echoed")
    a.yd.say("flood 10000 200")
    ok(b.yd.wait_for("seen=10000", 30, "gap"), "10000 messages in order")
    a.yd.say("flood 300 40956")
    ok(b.yd.wait_for("seen=300 bytes=40956", 30, "gap"),
       "300 of the largest size too")
    ok(a.yd.wait_for("members", 0.2) is None, "membership is unmoved")


def test_yoked_killed(a, b):
    took = []
    for _ in range(3):
        t = time.monotonic()
        b.yd.p.kill()
        when = a.yd.wait_for("left=2:procdown", 5)
        took.append(((when or t + 9) - t) * 1000)
        b.yd.end()
        ok(when, "yoked killed: procdown after %.1f ms" % took[-1])
        ok(b.yoked() and both_joined(a, b), "its successor joins again")
    # the median, as the machine may have other things to do
    ok(sorted(took)[1] < 100, "within 100 ms")


def flood(a, n, size):
    a.yd.say(f"flood {n} {size}")
    done = a.yd.wait_for(f"sent={n}", 20, "members")
    time.sleep(1)  # corosync takes what linkd holds
    return done


def test_yoked_hung(a, b):
    b.yd.p.send_signal(signal.SIGSTOP)
    # 24 MB are more than linkd holds for it: a break, then whole again
    ok(all(flood(a, 300, 40000) for _ in range(2)),
       "a hung yoked does not hold the peer up")
    ok(b.ld.wait_for("state=broken", 10), "linkd holds only so much for it")
    ok(a.yd.wait_for("members", 0.5) is None, "and the peer sees nothing of it")
    b.yd.p.send_signal(signal.SIGCONT)
    ok(b.yd.wait_for("connected=0", 10), "what it missed shows as connected=0")
    ok(b.yd.wait_for("connected=1 own=2 members=1,2", 10), "then it goes on")
    a.yd.say("send again")
    ok(b.yd.wait_for("text=again"), "with messages")


def test_leave(a, b):
    b.yd.say("leave\nquit")
    ok(a.yd.wait_for("left=2:leave", 5), "LINK_LEAVE then exit: leave")
    b.yd.end()
    ok(b.yoked() and both_joined(a, b), "joins again")
    ok(b.ld.end(signal.SIGTERM) == 0, "linkd stops well")
    ok(a.yd.wait_for("left=2:leave", 5), "as a leave")
    b.linkd()
    ok(both_joined(a, b), "joins again")
    b.ld.p.kill()
    ok(a.yd.wait_for("left=2:procdown", 5), "linkd killed: procdown")
    ok(b.yd.wait_for("bye", 5), "its yoked notices too")
    b.linkd()
    ok(both_joined(a, b), "joins again")


def test_corosync_stopped(a, b):
    t = time.monotonic()
    a.cs.p.send_signal(signal.SIGSTOP)
    when = a.yd.wait_for("connected=0", 5)
    ok(when, "corosync stopped: connected=0 after %.1f s"
       % ((when or t) - t))
    a.cs.p.send_signal(signal.SIGCONT)
    ok(a.yd.wait_for("connected=1", 10), "continued: connected=1")
    ok(a.yd.wait_for("members=1,2", 10) or "members=1,2" in a.yd.line,
       "with the peer")


def test_corosync_killed(a, b):
    a.cs.end()
    ok(a.yd.wait_for("connected=0", 5), "corosync killed: connected=0")
    ok(b.yd.wait_for("left=1:nodedown", 15), "the peer sees nodedown")
    ok(glob.glob(f"/dev/shm/qb-{a.cs.p.pid}-*/*") == [],
       "its rings are cleaned up")
    a.corosync()
    ok(both_joined(a, b), "corosync restarted: both joined again")
    a.yd.say("send back")
    ok(b.yd.wait_for("text=back"), "messages flow")
    a.cs.end(signal.SIGTERM)
    ok(a.yd.wait_for("connected=0", 5), "corosync ended well: connected=0")


def test_wrong_id(b):
    b.cs.end(signal.SIGTERM)
    b.write("corosync.conf", COROSYNC, id1=1, id2=7)
    b.corosync()
    ok(b.ld.wait_for("corosync_id=7 configured_id=2", 15),
       "another node id is an error in the log")
    ok(b.yd.wait_for("own=7", 5), "and is reported")


def main():
    if os.geteuid() != 0 or shutil.which("corosync") is None:
        print("1..0 # SKIP needs root and corosync")
        return 0
    signal.alarm(150)
    signal.signal(signal.SIGALRM, lambda *_: sys.exit("too long"))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))
    top = tempfile.mkdtemp(prefix="yoke-linkd-")
    a, b = Node(1, top), Node(2, top)
    try:
        make_net(a, b)
        test_without_corosync(a)
        test_join(a, b)
        test_messages(a, b)
        test_yoked_killed(a, b)
        test_yoked_hung(a, b)
        test_leave(a, b)
        test_corosync_stopped(a, b)
        test_corosync_killed(a, b)
        test_wrong_id(b)
        print(f"1..{count}")
    finally:
        for p in reversed(started):
            p.end()
        for node in (a, b):
            subprocess.run(["ip", "netns", "del", node.ns], check=False)
        shutil.rmtree(top, ignore_errors=True)
        for p in started:  # what killed processes leave
            for kind in ("", "corosync-"):
                for path in glob.glob(f"/dev/shm/qb-{kind}{p.p.pid}-*"):
                    if os.path.isdir(path):
                        shutil.rmtree(path, ignore_errors=True)
                    else:
                        os.unlink(path)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
