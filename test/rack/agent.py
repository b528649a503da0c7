"""agent: runs commands inside a director for the rack.

One TCP connection on the management network per command. The request is a
line of JSON (op, cmd, timeout, input_bytes, ...) and input_bytes of input;
the answer is a line of JSON (rc, bytes) and that many bytes of output.
Output goes to a memory file, not a pipe, so that a daemon that a command
leaves behind cannot keep the caller waiting.
"""
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time

PORT = 77


def shell(cmd):
    return ["/bin/sh", "-c", cmd] if isinstance(cmd, str) else cmd


def wait_exit(proc, timeout):
    """True when the process ended in time. The pidfd wakes us at once."""
    fd = os.pidfd_open(proc.pid)
    try:
        return bool(select.select([fd], [], [], timeout)[0])
    finally:
        os.close(fd)


def op_run(req, data):
    with os.fdopen(os.memfd_create("out"), "r+b") as out, \
            os.fdopen(os.memfd_create("in"), "w+b", 0) as inp:
        inp.write(data)
        inp.seek(0)
        proc = subprocess.Popen(shell(req["cmd"]), stdin=inp, stdout=out,
                                stderr=subprocess.STDOUT,
                                start_new_session=True)
        late = not wait_exit(proc, req["timeout"])
        if late:
            os.killpg(proc.pid, signal.SIGKILL)
        rc = proc.wait()
        size = os.fstat(out.fileno()).st_size
        return {"rc": None if late else rc}, os.pread(out.fileno(), size, 0)


def op_spawn(req, _data):
    with open(req["log"], "ab", 0) as log:
        proc = subprocess.Popen(shell(req["cmd"]), stdin=subprocess.DEVNULL,
                                stdout=log, stderr=subprocess.STDOUT,
                                start_new_session=True)
    threading.Thread(target=proc.wait, daemon=True).start()
    return {"rc": 0, "pid": proc.pid}, b""


def op_put(req, data):
    path = req["path"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.chmod(path + ".new", req["mode"])
    os.rename(path + ".new", path)
    return {"rc": 0}, b""


def op_time(_req, _data):
    return {"rc": 0}, b"%d" % time.time_ns()


OPS = {"run": op_run, "spawn": op_spawn, "put": op_put, "time": op_time}


def serve(conn):
    with conn, conn.makefile("rwb") as chan:
        try:
            req = json.loads(chan.readline())
            head, body = OPS[req["op"]](req, chan.read(req["input_bytes"]))
        except Exception as e:      # whatever it is, the caller shall see it
            head, body = {"rc": 126}, f"agent: {e!r}\n".encode()
        head["bytes"] = len(body)
        try:
            chan.write(json.dumps(head).encode() + b"\n" + body)
            chan.flush()
        except OSError:
            pass                    # the caller went away


def main():
    node, addr, ready = sys.argv[1:]
    os.environ["NODE"] = node
    os.chdir("/")
    lsock = socket.create_server((addr, PORT), backlog=64)
    with open(ready, "w") as f:
        f.write("ready\n")
    while True:
        conn, _ = lsock.accept()
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=serve, args=(conn,), daemon=True).start()


main()
