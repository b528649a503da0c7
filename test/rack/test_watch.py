#!/usr/bin/python3
"""Those who look at yoked, on a live pair: notifyd, metricsd (as a member of group
yoke, no root), snmpd's subagent and yoke top, through a power cut and a server
that goes down."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pair import Pair, BIN, CONF                            # noqa: E402
from rack import Rack, wait_for                             # noqa: E402
from tap import T                                           # noqa: E402

t = T()
ROOT = "1.3.6.1.4.1.8072.9999.9999.5481"
EXTRA = """
notify all {{ command = {dir}/tell }}
metrics {{ listen = 127.0.0.1:5481 }}
snmp {{ agentx = /run/agentx }}
"""
TELL = """#!/bin/sh
exec cat >>{dir}/$YOKE_NODE.told
"""
SNMPD = """agentAddress udp:127.0.0.1:161
rocommunity public 127.0.0.1
master agentx
agentXSocket unix:/run/agentx
"""
SCRAPE = ("/usr/bin/python3 -c \"import urllib.request as u; "
          "print(u.urlopen('http://127.0.0.1:5481/metrics').read().decode())\"")


def told(rack, node):
    try:
        with open(f"{rack.dir}/{node}.told") as f:
            return [json.loads(line) for line in f]
    except OSError:
        return []


def events(rack, node):
    return [e["event"] for e in told(rack, node)]


def start_watchers(rack, pair, node):
    pair.start_daemon(node, "yoke-notifyd")
    pair.start_daemon(node, "yoke-metricsd", wrap="setpriv --reuid=65534 "
                      "--regid=yoke --clear-groups ")
    rack.put(node, "/etc/snmp/yoke.conf", SNMPD)
    pair.start_daemon(node, "yoke-snmpd")
    rack.spawn(node, "MIBS= exec /usr/sbin/snmpd -f -C -c /etc/snmp/yoke.conf "
               "-Le", log=f"{rack.dir}/{node}/snmpd.log")


def metric(rack, node, line):
    return line in rack.run(node, SCRAPE, check=False, timeout=15).split("\n")


def snmp(rack, node, oid):
    return rack.run(node, f"MIBS= snmpget -v2c -c public -r 0 -OnQ 127.0.0.1 "
                    f"{ROOT}.{oid} 2>&1", check=False, timeout=15).strip()


def survivor(rack, pair, b):
    """What the one that took over tells, in every way."""
    wait_for(lambda: "role-active" in events(rack, b), 10, "the event")
    e = [e for e in told(rack, b) if e["event"] == "role-active"][-1]
    t.is_((e["why"], e["from"], e["role"]), ("silence", "standby", "active"),
          "the event says how and why")
    t.ok(e["silence_us"] > 0 and e["took_us"] > 0, "and what it took", e)
    wait_for(lambda: events(rack, b).count("path-down") == 2, 10, "paths down")
    t.ok(True, "and both paths went down")
    wait_for(lambda: metric(rack, b, 'yoke_role{yoke_role="active"} 1'), 10,
             "the metric")
    t.ok(metric(rack, b, 'yoke_path_up{path="net1"} 0'), "metrics of paths")
    wait_for(lambda: snmp(rack, b, "1.1.5.0").endswith("= 4"), 15, "SNMP")
    t.ok('"silence"' in snmp(rack, b, "1.14.1.6.1") or
         '"silence"' in snmp(rack, b, "1.14.1.6.2"), "and why, by SNMP")
    out = pair.yoke(b, "top")
    t.ok("ACTIVE" in out and "silent" in out and
         "standby -> taking-over: silence" in out,
         "yoke top shows it", out)


def main():
    with Rack() as rack:
        with open(f"{rack.dir}/tell", "w") as f:
            f.write(TELL.format(dir=rack.dir))
        os.chmod(f"{rack.dir}/tell", 0o755)
        pair = Pair(rack, extra=EXTRA.format(dir=rack.dir))
        for node in rack.NODES:
            rack.run(node, "getent group yoke || groupadd -r yoke")
        pair.start()
        a, b = pair.wait_settled()
        for node in rack.NODES:
            start_watchers(rack, pair, node)
        wait_for(lambda: "role-standby" in events(rack, b) and
                 "role-active" in events(rack, a), 15, "the first look")
        t.ok(all(e.get("initial") for e in told(rack, b)
                 if e["event"] == "role-standby"), "which is no news")
        wait_for(lambda: metric(rack, b, 'yoke_role{yoke_role="standby"} 1'),
                 15, "metrics, without being root")
        t.ok(True, "metrics, without being root")
        wait_for(lambda: snmp(rack, b, "1.1.5.0").endswith("= 2"), 15, "SNMP")
        t.is_(snmp(rack, b, "1.13.1.3.1.1").split("= ")[-1].strip('"'), "rs1",
              "the standby serves its tables too")
        rack.rs_stop("rs3")
        wait_for(lambda: "server-down" in events(rack, a), 15, "the event")
        t.ok(any(e.get("server") == "rs3" for e in told(rack, a)),
             "the active tells of a server")
        t.ok("server-down" not in events(rack, b), "and the standby does not")
        rack.power_cut(a)
        pair.wait_role(b, "active")
        survivor(rack, pair, b)
    return t.done()


if __name__ == "__main__":
    sys.exit(main())
