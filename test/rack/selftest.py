"""selftest: does the rack do what README.md says? Prints TAP."""
import contextlib
import ctypes
import os
import signal
import socket
import sys
import time
import traceback

import hostkernel
import net
from rack import BASE, Rack, reap, wait_for

TESTS = []
PTRACE_CONT, PTRACE_ATTACH, PTRACE_DETACH = 7, 16, 17     # sys/ptrace.h
WALL = 0x40000000                                         # wait.h: __WALL


def test(what):
    def add(fn):
        TESTS.append((what, fn))
        return fn
    return add


def other(node):
    return "d2" if node == "d1" else "d1"


def ipvs_by_hand(rack, node):
    cmds = [f"ip addr replace {rack.VIP}/32 dev eth0",
            f"ip addr replace {rack.VIP6}/128 dev eth0 nodad"]
    for vip, servers in ((f"{rack.VIP}", rack.RS),
                         (f"[{rack.VIP6}]", rack.RS6)):
        cmds.append(f"ipvsadm -A -t {vip}:80 -s rr")
        for addr in servers.values():
            addr = f"[{addr}]" if ":" in addr else addr
            cmds.append(f"ipvsadm -a -t {vip}:80 -r {addr}:80 -g")
    rack.run(node, " && ".join(cmds))


@test("the directors reach each other, IPv4 and IPv6, on both networks")
def t_ping(rack):
    for addr in (rack.ADDR, rack.CROSS, rack.ADDR6, rack.CROSS6):
        rack.run("d1", f"ping -q -c1 -W2 {addr['d2']}")
        rack.run("d2", f"ping -q -c1 -W2 {addr['d1']}")

# Ticks of 10 ms for 2 s; prints the latest, in ms.
TICKS = """
import time
late, due = 0, time.monotonic()
end = due + 2
while due < end:
    time.sleep(max(0, due - time.monotonic()))
    late, due = max(late, time.monotonic() - due), due + .01
print(round(late * 1000))
"""


@test("a busy director's clock ticks: its kernel goes before its processes")
def t_ticks(rack):
    hog = rack.spawn("d1", "exec sh -c 'while :; do :; done'")
    try:
        late = [int(rack.run("d1", "exec chrt -f 50 python3 -SE -", input=TICKS))
                for _ in range(3)]
    finally:
        rack.run("d1", f"kill -9 {hog}")
    assert min(late) < 60, f"{late} ms late"        # 100: a slice of RR


def swallow(pid, sig):
    """The next sig that is for this process does not reach it."""
    ptrace = ctypes.CDLL(None, use_errno=True).ptrace
    ptrace.argtypes = [ctypes.c_long] * 4
    assert ptrace(PTRACE_ATTACH, pid, 0, 0) == 0, os.strerror(
        ctypes.get_errno())
    got = None
    while got != sig:
        _, status = os.waitpid(pid, WALL)
        got = os.WSTOPSIG(status)
        if got != sig:
            ptrace(PTRACE_CONT, pid, 0, 0 if got == signal.SIGSTOP else got)
    ptrace(PTRACE_DETACH, pid, 0, 0)


@test("a director that lost an interrupt of its timer goes on")
def t_lost(rack):
    for _ in range(5):
        tracer = os.fork()      # its parent would be told of the stops as well
        if tracer == 0:
            swallow(rack.machines["d1"].proc.pid, signal.SIGALRM)
            os._exit(0)
        assert os.waitpid(tracer, 0)[1] == 0
        rack.run("d1", "sleep 0.1", timeout=3)


@test("run: output, exit code, input, timeout, a daemon left behind")
def t_run(rack):
    out = rack.run("d1", "cat; echo err >&2; exit 3", check=False, input="in ")
    assert out == "in err\n" and out.returncode == 3, out
    raw = bytes(range(256)) * 1000
    assert rack.run("d2", "cat", input=raw).raw == raw
    start = time.monotonic()
    try:
        rack.run("d1", "sleep 60", timeout=0.3)
        raise AssertionError("no timeout")
    except Exception as e:
        assert "not done" in str(e), e
    rack.run("d1", "sleep 60 & echo started")
    assert time.monotonic() - start < 3


@test("spawn: survives, logs, can be asked for")
def t_spawn(rack):
    pid = rack.spawn("d1", "echo hello; exec sleep 600",
                     log=f"{rack.dir}/d1/t.log")
    wait_for(lambda: open(f"{rack.dir}/d1/t.log").read() == "hello\n", 2,
             "log of a daemon on the host")
    assert rack.alive("d1", pid)
    rack.run("d1", f"kill {pid}")
    wait_for(lambda: not rack.alive("d1", pid), 2, "daemon's end")


@test("run answers within 100 ms (median of 21)")
def t_latency(rack):
    took = []
    for _ in range(21):
        start = time.monotonic()
        rack.run("d1", "true")
        took.append(time.monotonic() - start)
    took.sort()
    print(f"# run('true'): {took[10] * 1000:.1f} ms, worst "
          f"{took[-1] * 1000:.1f} ms")
    assert took[10] < 0.1


@test("a director's wall clock is the host's")
def t_clock(rack):
    before = time.time()
    there = float(rack.run("d1", "date +%s.%N"))
    after = time.time()
    assert before - 0.02 < there < after + 0.02, (before, there, after)


@test("every IPVS scheduler is there, on both directors")
def t_ipvs(rack):
    for node in rack.NODES:
        rack.run(node, "set -e; for s in rr wrr lc wlc sh mh dh lblc lblcr "
                 "sed nq fo ovf; do ipvsadm -A -t 10.9.9.9:99 -s $s;"
                 "ipvsadm -D -t 10.9.9.9:99; done")


@test("the host's files are out of reach")
def t_private(rack):
    rack.run("d1", "touch /etc/rack-was-here /var/rack-was-here "
             "/tmp/rack-was-here /root/rack-was-here")
    for place in ("etc", "var", "tmp", "root"):
        assert not os.path.exists(f"/{place}/rack-was-here")
    assert rack.run("d1", "touch /usr/rack-was-here",
                    check=False).returncode != 0


@test("shared folder: a file replaced by one director is seen by the other")
def t_shared(rack):
    path = f"{rack.shared}/f"
    for i in range(5):
        rack.run(rack.NODES[i % 2], f"echo {i} >{path}.new; mv {path}.new {path}")
        for node in rack.NODES:
            assert rack.run(node, f"cat {path}").strip() == str(i)
        assert open(path).read().strip() == str(i)


@test("a service set up by hand on d1 serves the client from all servers")
def t_by_hand(rack):
    ipvs_by_hand(rack, "d1")
    for vip in (rack.VIP, rack.VIP6):
        got = sorted(rack.fetch(vip) for _ in range(6))
        assert got == ["rs1", "rs1", "rs2", "rs2", "rs3", "rs3"], got
        assert rack.fetch(vip, path="/health") == "ok"


@test("a busy connection through a director never waits for a retransmission")
def t_stall(rack):
    s, took = hold(rack), []
    for _ in range(10000):
        start = time.monotonic()
        ask(s)
        took.append((time.monotonic() - start) * 1000)
    s.close()
    took.sort()
    print(f"# request: median {took[5000]:.2f} ms, worst {took[-1]:.1f} ms")
    assert took[-1] < 190, took[-20:]


@test("a stopped server refuses, a started one answers")
def t_server(rack):
    rack.rs_stop("rs2")
    with contextlib.suppress(ConnectionRefusedError):
        rack.fetch(rack.RS["rs2"])
        raise AssertionError("rs2 answered")
    rack.rs_start("rs2")
    assert rack.fetch(rack.RS["rs2"]) == "rs2"


@test("serial line: bytes both ways; none while it is cut")
def t_serial(rack):
    raw = "stty -F {0} raw -echo; ".format(rack.SERIAL)
    for node in rack.NODES:
        log = f"{rack.dir}/{node}/tty.log"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log)
        rack.spawn(node, raw + f"exec cat {rack.SERIAL}", log=log)
    for node in rack.NODES:
        wait_for(lambda: rack.run(node, "pgrep -x cat", check=False), 2, "cat")

    def heard(node):
        return open(f"{rack.dir}/{node}/tty.log").read()

    for node in rack.NODES:
        rack.run(node, f"echo from-{node} >{rack.SERIAL}")
        wait_for(lambda: heard(other(node)).endswith(f"from-{node}\n"), 2,
                 "bytes")
    rack.serial(up=False)
    rack.run("d1", f"echo lost >{rack.SERIAL}")
    rack.serial(up=True)
    rack.run("d1", f"echo again >{rack.SERIAL}")
    wait_for(lambda: "again" in heard("d2"), 2, "bytes after mending")
    assert "lost" not in heard("d2")
    for node in rack.NODES:
        rack.run(node, "pkill -x cat")


@test("an unplugged card is silent, a plugged one works again")
def t_nic(rack):
    ping = f"ping -q -c1 -W1 {rack.ADDR['d1']}"
    rack.nic("d1", "eth0", up=False)
    assert rack.run("d2", ping, check=False).returncode != 0
    rack.run("d2", f"ping -q -c1 -W1 {rack.CROSS['d1']}")
    rack.nic("d1", "eth0", up=True)
    wait_for(lambda: rack.run("d2", ping, check=False).returncode == 0, 5,
             "ping after plugging in")


@test("corosync forms a membership of two, within 8 s")
def t_corosync(rack):
    start = time.monotonic()
    rack.each(rack.start_corosync)
    print(f"# corosync answers: {time.monotonic() - start:.2f} s")
    for node in rack.NODES:
        wait_for(lambda: rack.corosync_members(node) == [1, 2], 10,
                 "membership of two")
    took = time.monotonic() - start
    print(f"# corosync: {took:.2f} s")
    assert took < 8


@test("power cut: d1 is dead and gone at once, d2's corosync notices")
def t_power_cut(rack):
    cut = rack.power_cut("d1")
    took = time.clock_gettime(time.CLOCK_MONOTONIC) - cut.monotonic
    print(f"# power cut: {took * 1000:.0f} ms")
    assert took < 0.5 and not rack.powered("d1")
    wait_for(lambda: rack.corosync_members("d2") == [2], 10, "d2 alone")


@test("boot: d1 is back, empty, within 4 s; corosync joins again")
def t_boot(rack):
    start = time.monotonic()
    rack.boot("d1")
    took = time.monotonic() - start
    print(f"# boot: {took:.2f} s")
    assert took < 4 and rack.VIP not in rack.run("d1", "ip addr; ipvsadm -Ln")
    rack.run("d1", f"ping -q -c1 -W2 {rack.ADDR['d2']}")
    rack.start_corosync("d1")
    wait_for(lambda: rack.corosync_members("d2") == [1, 2], 10, "two again")
    for node in rack.NODES:
        rack.stop_corosync(node)


@test("serial line works after a reboot, though more came than it holds")
def t_serial_again(rack):
    rack.run("d2", f"stty -F {rack.SERIAL} raw -echo;"
             f"head -c 8000 /dev/zero | tr '\\0' x >{rack.SERIAL}")
    t_serial(rack)


@test("a director that is denied its CPU for a while loses no packet")
def t_queue(rack):
    def unasked():
        out = rack.run("d1", "grep ^Udp: /proc/net/snmp | tail -n1")
        return int(out.split()[2])
    rack.run("d1", f"ping -q -c1 -W2 {rack.RS['rs1']}")     # they know each other
    before = unasked()
    rack.freeze("d1")
    with net.make_socket(rack.fabric.ns("rs1"), kind=socket.SOCK_DGRAM) as s:
        for _ in range(1000):
            s.sendto(b"x" * 100, (rack.ADDR["d1"], 9999))
            time.sleep(0)
    rack.freeze("d1", on=False)
    wait_for(lambda: unasked() - before == 1000, 5, "all of 1000 packets")


@test("the host's own threads go before the directors")
def t_hostkernel(rack):
    def behind():
        return [p for p in hostkernel.threads()
                if os.sched_getparam(p).sched_priority <= rack.rt]
    if rack.rt:
        wait_for(lambda: not behind(), 5, "all of them ahead")
        assert hostkernel.limit() in (None, "-1"), "real-time work has a limit"


@test("freeze: a frozen director is silent, a thawed one goes on")
def t_freeze(rack):
    rack.freeze("d1")
    assert rack.run("d2", f"ping -q -c1 -W1 {rack.ADDR['d1']}",
                    check=False).returncode != 0
    rack.freeze("d1", on=False)
    assert rack.run("d1", "echo on") == "on\n"


@test("keepalived: d1 takes the VIP and serves; after a power cut d2 does")
def t_keepalived(rack):
    for node, prio in (("d1", 150), ("d2", 100)):
        rack.start_keepalived(node, prio, advert_int="0.1", vrrp_version=3,
                              sync="tuned", scheduler="mh")
    wait_for(lambda: rack.has_vip("d1"), 10, "VIP on d1")
    wait_for(lambda: rack.fetch().startswith("rs"), 10, "service by d1")
    assert not rack.has_vip("d2")
    held = [hold(rack) for _ in range(20)]
    wait_for(lambda: rack.run("d2", "ipvsadm -Lnc").count("ESTAB") >= 18, 5,
             "connections synchronized to d2")
    cut = rack.power_cut("d1")
    wait_for(lambda: rack.fetch(timeout=0.1).startswith("rs"), 10,
             "service by d2")
    took = time.clock_gettime(time.CLOCK_MONOTONIC) - cut.monotonic
    print(f"# keepalived VRRPv3 100 ms: service again after {took:.2f} s")
    assert rack.has_vip("d2")
    for s in held:
        ask(s)
        s.close()
    sync = rack.run("d2", "cat /proc/sys/net/ipv4/vs/sync_threshold;"
                    "ipvsadm -l --daemon")
    assert sync.startswith("2\t0\n") and "maxlen=60" in sync, sync
    rack.stop_keepalived("d2")
    assert not rack.has_vip("d2")


def hold(rack):
    """A connection of the client to the VIP, used once."""
    with rack.inside("client"):
        s = socket.create_connection((rack.VIP, 80), 2)
    ask(s)
    return s


def ask(s):
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"200 OK" in s.recv(4096)


@test("a second rack stands beside the first")
def t_two(rack):
    with Rack() as second:
        ipvs_by_hand(second, "d2")
        assert second.fetch() in rack.RS
        assert rack.run("d2", "hostname") == "d2\n"


@test("what a killed owner leaves behind is removed")
def t_reap(_rack):
    tag = die_hard(guarded=False)
    assert any(f"-{tag}-" in name for name in reap())
    assert not leftovers(tag)


@test("the guard takes down the rack of a killed owner")
def t_guard(_rack):
    tag = die_hard(guarded=True)
    wait_for(lambda: not leftovers(tag), 10, "the guard's work")


def die_hard(guarded):
    """Raises a rack in a process that kills itself; returns its tag."""
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        mine = Rack().up()
        if not guarded:
            mine.guard.kill()
        os.write(w, mine.tag.encode())
        os.kill(os.getpid(), 9)
    os.close(w)
    with os.fdopen(r, "rb") as f:
        tag = f.read().decode()
    os.waitpid(pid, 0)
    assert tag, "the second rack did not come up"
    return tag


def leftovers(tag):
    """Folders, namespaces and processes of a rack."""
    found = [n for n in net.ns_list() if n.startswith(f"yoke-{tag}-")]
    found += [n for n in os.listdir(BASE) if n == f"yoke-rack-{tag}"]
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f"yoke-rack-{tag}/".encode() in f.read():
                    found.append(pid)
    return found


def main():
    print(f"1..{len(TESTS)}", flush=True)
    failed, start = 0, time.monotonic()
    with Rack() as rack:
        print(f"# rack {rack.tag} up in {time.monotonic() - start:.2f} s")
        for i, (what, fn) in enumerate(TESTS, 1):
            try:
                fn(rack)
                print(f"ok {i} - {what}", flush=True)
            except Exception:
                failed += 1
                for line in traceback.format_exc().splitlines():
                    print("#", line)
                print(f"not ok {i} - {what}", flush=True)
        start = time.monotonic()
    print(f"# taken down in {time.monotonic() - start:.2f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
