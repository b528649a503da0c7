"""addrwatch: runs on a director, given to python3 as text by driver_ssh.py, and
writes when addresses come and go, in holders.py's lines, and "alive" for every
line that it reads, by which the reader learns how far our clocks are apart.

The clock is the one of the start plus the time since: stepping it does not
matter. Standard library only; arguments: the addresses.
"""
import os
import select
import socket
import struct
import sys
import time

NETLINK_ROUTE, NEWADDR, DELADDR, GETADDR = 0, 20, 21, 22
DUMP = 0x301            # NLM_F_REQUEST | NLM_F_DUMP
GROUPS = 0x10 | 0x100   # IPv4 and IPv6 addresses
ADDRESS, LOCAL = 1, 2
ORIGIN = time.time_ns() - time.monotonic_ns()


def say(*words):
    stamp = (ORIGIN + time.monotonic_ns()) // 1000
    os.write(1, (" ".join((str(stamp), *words)) + "\n").encode())


def attributes(data):
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        if size < 4:
            return
        yield kind, data[4:size]
        data = data[(size + 3) & ~3:]


def on_message(kind, body, wanted, held):
    family, _, _, _, index = struct.unpack_from("=BBBBI", body)
    got = dict(attributes(body[8:]))
    raw = got.get(LOCAL) or got.get(ADDRESS)
    if family not in (socket.AF_INET, socket.AF_INET6) or not raw:
        return
    addr = socket.inet_ntop(family, raw)
    key = (addr, str(index))
    if addr not in wanted or (kind == NEWADDR) == (key in held):
        return
    if kind == NEWADDR:
        held.add(key)
    else:
        held.discard(key)
    say("add" if kind == NEWADDR else "del", *key)


def read_all(sock, wanted, held):
    data = sock.recv(1 << 17)
    while len(data) >= 16:
        size, kind = struct.unpack_from("=IH", data)
        if kind in (NEWADDR, DELADDR):
            on_message(kind, data[16:size], wanted, held)
        data = data[(size + 3) & ~3:]


def main(wanted):
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_ROUTE)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    sock.bind((0, GROUPS))
    held = set()
    say("start")
    sock.send(struct.pack("=IHHIIBxxx", 20, GETADDR, DUMP, 1, 0, 0))
    while True:
        for fd in select.select([sock, 0], [], [])[0]:
            if fd == 0:
                if not os.read(0, 4096):
                    return              # whoever wanted to know is gone
                say("alive")
            else:
                read_all(sock, wanted, held)


main(sys.argv[1:])
