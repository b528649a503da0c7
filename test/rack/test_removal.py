#!/usr/bin/python3
"""What becomes of a server that is down, and of its connections, in a real
kernel: quiesce, remove and cut, one after the other by reload; the server is
frozen, so that its kernel still answers for it and only the check does not."""
import errno
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import CONF, Pair                                 # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
CUT = "/proc/sys/net/ipv4/vs/expire_nodest_conn"


def conf(pair, down):
    """All servers of both services; cut only when asked for."""
    return pair.conf(services=pair.services().replace(
        "\tmethod = dr\n", f"\tmethod = dr\n\tdown = {down}\n").replace(
        "interval = 1s  timeout = 500ms", "interval = 200ms  timeout = 400ms"))


def server(pair, name):
    web = next(s for s in pair.status("d1")["services"] if s["name"] == "web")
    return next(s for s in web["servers"] if s["name"] == name)


def in_kernel(rack, address):
    """Its weight in the kernel's table, None: it is not there."""
    for line in rack.run("d1", "ipvsadm -Sn").splitlines():
        if f"-t {rack.VIP}:80 -r {address}:80" in line:
            return int(line.split(" -w ")[1])
    return None


def known(rack, address, s):
    """Does the kernel know this connection of the client, to this server?"""
    dest = "".join(f"{int(x):02X}" for x in address.split("."))
    port = f"{s.getsockname()[1]:04X}"
    return any((line.split()[2], line.split()[5]) == (port, dest) for line in
               rack.run("d1", "cat /proc/net/ip_vs_conn").splitlines()[1:])


def connect(rack, address):
    """A connection to the VIP that this server got, and has used."""
    for _ in range(20):
        with rack.inside("client"):
            s = socket.create_connection((rack.VIP, 80), timeout=3)
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if s.recv(4096) and known(rack, address, s):
            return s
        s.close()
    raise TimeoutError(f"no connection to {address}")


def fate(s):
    """What a client learns that sends on: "reset", or "silence"."""
    s.settimeout(3)
    try:
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return "closed" if s.recv(4096) == b"" else "answer"
    except TimeoutError:
        return "silence"
    except OSError as e:
        return "reset" if e.errno == errno.ECONNRESET else str(e)
    finally:
        s.close()


def one(rack, pair, down, name, address):
    rack.put("d1", CONF, conf(pair, down))
    pair.yoke("d1", "reload")
    was = rack.run("d1", f"cat {CUT}").strip()
    t.is_(was, "1" if down == "cut" else "0", f"{down}: {CUT}")
    s = connect(rack, address)
    rack.rs_freeze(name)
    wait_for(lambda: server(pair, name)["health"] == "down", 10, "it is down")
    if down == "quiesce":
        wait_for(lambda: in_kernel(rack, address) == 0, 5, "weight 0")
        t.is_(server(pair, name)["source"], "down", "quiesce: weight 0")
        t.ok(known(rack, address, s), "quiesce: its connections stay")
        t.is_(fate(s), "silence", "quiesce: the client waits for the server")
    else:
        wait_for(lambda: in_kernel(rack, address) is None, 5, "its removal")
        t.is_(server(pair, name)["source"], "removed", f"{down}: removed")
    if down == "remove":
        t.ok(known(rack, address, s), "remove: its connections stay")
        rack.rs_freeze(name, False)
        wait_for(lambda: in_kernel(rack, address), 10, "its return")
        t.is_(fate(s), "answer", "remove: and go on when it is back")
    if down == "cut":
        wait_for(lambda: not known(rack, address, s), 5, "they go")
        t.is_(fate(s), "reset", "cut: its connections are gone, and the client "
              "is told when it sends")
    rack.rs_freeze(name, False)
    wait_for(lambda: in_kernel(rack, address), 10, "its return")
    t.ok(True, f"{down}: up again, it is back")


def main():
    with Rack() as rack:
        pair = Pair(rack, scheduler="rr")
        pair.start(("d1",))
        pair.wait_role("d1", "active", 10)
        name, address = list(rack.RS.items())[0]
        wait_for(lambda: server(pair, name)["health"] == "up", 10, "it is up")
        for down in ("quiesce", "remove", "cut"):
            one(rack, pair, down, name, address)
        pair.kill("d1", "yoked", "TERM")
        wait_for(lambda: rack.run("d1", f"cat {CUT}").strip() == "0", 5,
                 "the sysctl as it was")
        t.ok(True, "the sysctl is put back at the end")
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
