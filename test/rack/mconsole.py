"""mconsole: orders to a User Mode Linux itself, not to what runs in it.

    ask(socket, "config ssl0=tty:/dev/pts/3")

One datagram each way: struct mconsole_request and mconsole_reply of
arch/um/drivers/mconsole.h. The 6.1 seen here may answer nothing more after one
order to change a device.
"""
import os
import socket
import struct
import tempfile

MAGIC, VERSION, BYTES = 0xcafebabe, 2, 512
ANSWER_S = 2


class Refused(Exception):
    """What it said."""


def ask(path, order):
    """What it answers. Refused; TimeoutError."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as here, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{here}/s")
        sock.settimeout(ANSWER_S)
        text = order.encode()
        sock.sendto(struct.pack("=III", MAGIC, VERSION, len(text)) +
                    text.ljust(BYTES, b"\0"), path)
        reply = sock.recv(4096)
    failed, _, size = struct.unpack_from("=iII", reply)
    said = reply[12:12 + size].decode(errors="replace").rstrip("\0")
    if failed:
        raise Refused(said)
    return said
