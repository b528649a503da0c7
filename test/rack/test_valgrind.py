#!/usr/bin/python3
"""yoked under valgrind over a whole life: standby, snapshot, takeover, reload,
orderly stop. No leak, no error."""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pair import Pair                                       # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()

with t.part("valgrind"), Rack(mem="512M") as rack:
    log = f"{rack.dir}/d2/valgrind.log"
    # ten times slower, so ten times the patience
    pair = Pair(rack, interval="200ms", misses=10)
    rack.each(rack.start_corosync)
    pair.start_node("d1")
    pair.wait_role("d1", "active")
    pair.start_node("d2", wrap="valgrind --leak-check=full "
                    "--child-silent-after-fork=yes --errors-for-leak-"
                    "kinds=definite,indirect,possible --error-exitcode=9 "
                    f"--log-file={log} ")
    active, standby = pair.wait_settled(60)
    t.is_(standby, "d2", "the one under valgrind is the standby")
    rack.run("d1", f"{pair.bin}/yoke batch", input="".join(
        f"server weight web rs1 {i}\n" for i in range(1, 21)))
    # What this asks is memory, not speed: the slow standby may catch up first.
    wait_for(pair.settled, 20, "the standby to be in step")
    rack.power_cut("d1")
    pair.wait_role("d2", "active", 30)
    wait_for(lambda: rack.fetch() in rack.RS, 20, "service")
    t.is_(pair.table("d2")["web"]["rs1"], 20, "it took over with the table")
    pair.configure("d2")
    t.is_(pair.yoke("d2", "reload", timeout=30).returncode, 0, "it reloads")
    pair.kill("d2", "yoked", "TERM")
    pid = pair.pids["d2", "yoked"]
    wait_for(lambda: not rack.alive("d2", pid), 30, "its end")
    with open(log) as f:
        text = f.read()
    lost = re.findall(r"(definitely|indirectly|possibly) lost: ([\d,]+) bytes",
                      text)
    none = "All heap blocks were freed -- no leaks are possible" in text
    t.ok(none or (len(lost) == 3 and all(n == "0" for _, n in lost)),
         "no block is lost", text[-2000:])
    t.ok("ERROR SUMMARY: 0 errors" in text, "no error", text[-3000:])
sys.exit(t.done())
