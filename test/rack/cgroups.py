"""cgroups: a group with a memory limit for each real server of a rack, version 1
or 2, whichever the machine has its memory controller in.

    with MemoryGroup("rs1", 40 << 20) as group:
        rack.ns_popen("rs1", group.argv(["memserver", ...]))
        group.used(), group.kills()
"""
import contextlib
import os

V1 = "/sys/fs/cgroup/memory"
V2 = "/sys/fs/cgroup"
FILES = {   # of version: limit, used, where kills are counted, swap's limit
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes",
        "memory.oom_control", "memory.memsw.limit_in_bytes"),
    2: ("memory.max", "memory.current", "memory.events", "memory.swap.max"),
}
INACTIVE = {1: "total_inactive_file", 2: "inactive_file"}


def version():
    if os.path.exists(f"{V1}/memory.limit_in_bytes"):
        return 1
    with contextlib.suppress(OSError), open(f"{V2}/cgroup.controllers") as f:
        if "memory" in f.read():
            return 2
    raise RuntimeError("no memory controller of control groups here")


class MemoryGroup:
    def __init__(self, name, limit):
        self.version, self.limit = version(), limit
        self.base = V1 if self.version == 1 else V2
        self.path = f"{self.base}/yoke-{os.getpid()}-{name}"

    def __enter__(self):
        reap(self.base)
        if self.version == 2:
            with open(f"{V2}/cgroup.subtree_control", "w") as f:
                f.write("+memory")
        os.mkdir(self.path)
        limit, _, _, swap = FILES[self.version]
        self.write(limit, self.limit)
        with contextlib.suppress(OSError):      # no swap here: nothing to limit
            self.write(swap, self.limit if self.version == 1 else 0)
        return self

    def __exit__(self, *exc):
        for _ in range(50):
            for pid in self.pids():
                with contextlib.suppress(OSError):
                    os.kill(pid, 9)
            try:
                return os.rmdir(self.path)
            except OSError:
                os.sched_yield()

    def write(self, file, value):
        with open(f"{self.path}/{file}", "w") as f:
            f.write(str(value))

    def read(self, file):
        with open(f"{self.path}/{file}") as f:
            return f.read()

    def numbers(self, file):
        return {w[0]: int(w[1]) for w in map(str.split,
                self.read(file).splitlines()) if len(w) == 2}

    def pids(self):
        with contextlib.suppress(OSError):
            return [int(p) for p in self.read("cgroup.procs").split()]
        return []

    def argv(self, argv):
        """The words of a command that runs in the group."""
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"',
                f"{self.path}/cgroup.procs", *argv]

    def left(self):
        """Of its limit, 0 to 1; page cache that can go is left."""
        used = int(self.read(FILES[self.version][1])) - self.numbers(
            "memory.stat").get(INACTIVE[self.version], 0)
        return min(1, max(0, 1 - used / self.limit))

    def kills(self):
        return self.numbers(FILES[self.version][2]).get("oom_kill", 0)


def reap(base):
    """Removes groups of benches that were killed."""
    for name in os.listdir(base):
        part = name.split("-")
        if (part[0] == "yoke" and len(part) == 3 and part[1].isdigit()
                and not os.path.exists(f"/proc/{part[1]}")):
            with contextlib.suppress(OSError):
                os.rmdir(f"{base}/{name}")
