#!/usr/bin/python3
"""make_mib: writes YOKE-MIB to standard output from schema/mib.def (objects) and
schema/events.def (notifications). The file in packaging/mib is its output; a
test holds it to that."""
import os
import re
import sys
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
TYPES = {
    "STRING": "SnmpAdminString (SIZE (0..255))",
    "BOOL": "TruthValue",
    "NUM": "Gauge32",
    "COUNT": "Counter64",
    "BIG": "CounterBasedGauge64",
    "MAYBE": "Integer32 (-1..2147483647)",
}
HEAD = '''YOKE-MIB DEFINITIONS ::= BEGIN

-- Written by packaging/mib/make_mib.py from schema/mib.def and
-- schema/events.def of yoke; edit those.

IMPORTS
    MODULE-IDENTITY, OBJECT-TYPE, NOTIFICATION-TYPE, enterprises,
    Integer32, Unsigned32, Gauge32, Counter64
        FROM SNMPv2-SMI
    MODULE-COMPLIANCE, OBJECT-GROUP, NOTIFICATION-GROUP
        FROM SNMPv2-CONF
    TEXTUAL-CONVENTION, TruthValue
        FROM SNMPv2-TC
    SnmpAdminString
        FROM SNMP-FRAMEWORK-MIB
    CounterBasedGauge64
        FROM HCNUM-TC;

yokeMIB MODULE-IDENTITY
    LAST-UPDATED "202611210000Z"
    ORGANIZATION "yoke"
    CONTACT-INFO "The maintainers of yoke."
    DESCRIPTION
        "A pair of LVS directors under yoke, as one of them sees it: roles and
         their changes, the peer, the paths between them, virtual addresses,
         services and real servers, the replica and the checkpoint of the
         table.

         yoke has no enterprise number. These objects are below
         netSnmpPlaypen, which Net-SNMP sets aside for experiments, and will
         move when it gets one."
    REVISION "202611210000Z"
    DESCRIPTION "First version."
    ::= { enterprises 8072 9999 9999 5481 }

yokeNotifications OBJECT IDENTIFIER ::= { yokeMIB 0 }
yokeObjects       OBJECT IDENTIFIER ::= { yokeMIB 1 }
yokeConformance   OBJECT IDENTIFIER ::= { yokeMIB 2 }
'''
# What notifications carry beside objects; see daemons/snmpd/trap.c.
EVENT_OBJECTS = (
    (1, "yokeEventName", "Name of the event, as yoke-notifyd(8) has it."),
    (2, "yokeEventLevel", "How bad it is: notice, warning or error."),
    (3, "yokeEventSubject", "The service, service/server, path or alarm."),
    (4, "yokeEventFrom", "Role before, of a change of role."),
    (5, "yokeEventWhy", "Reason of a change of role, a word."),
    (6, "yokeEventText", "What happened, for people."),
)
CARRIED = ("yokeInstance", "yokeNode", "yokeRole", "yokeEpoch")


def read(name):
    with open(os.path.join(ROOT, "schema", name)) as f:
        return re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)


def camel(word):
    parts = word.split("-")
    return parts[0] + "".join(p.capitalize() for p in parts[1:])


def rows():
    """(kind, fields) of mib.def in order."""
    pattern = r'^(ENUM|SCALARS|TABLE|OBJ)\(((?:[^"\n]|"[^"]*")*)\)\s*$'
    for kind, text in re.findall(pattern, read("mib.def"), re.M):
        fields = re.findall(r'"([^"]*)"|([\w.]+)', text)
        yield kind, [a or b for a, b in fields]


def events():
    return re.findall(r'^EVENT\((\w+),\s*"([^"]+)",\s*(\w+),\s*"([^"]+)"\)',
                      read("events.def"), re.M)


def quoted(text):
    text = text[0].upper() + text[1:]
    text += "" if text.endswith(".") else "."
    return "\n".join(textwrap.wrap('"' + text + '"', 66,
                                   initial_indent=" " * 8,
                                   subsequent_indent=" " * 9))


def enum(name, words):
    out = "Yoke" + name.capitalize() + "Value"
    values = ["other(0)"] + [f"{camel(w)}({i})"
                             for i, w in enumerate(words.split(), 1)]
    body = ",\n".join(f"        {v}" for v in values)
    TYPES[name] = out
    return (f"\n{out} ::= TEXTUAL-CONVENTION\n    STATUS current\n"
            f"    DESCRIPTION \"{name.capitalize()}; other: not known.\"\n"
            f"    SYNTAX INTEGER {{\n{body}\n    }}\n")


def object_type(name, syntax, access, text, place, more=""):
    return (f"\n{name} OBJECT-TYPE\n    SYNTAX      {syntax}\n"
            f"    MAX-ACCESS  {access}\n    STATUS      current\n"
            f"    DESCRIPTION\n{quoted(text)}\n{more}    ::= {place}\n")


def upper(name):
    return name[0].upper() + name[1:]


def table(number, name, at, columns):
    """The table, its entry and its indices."""
    entry, row = name + "Entry", upper(name) + "Entry"
    own = name + "Index"
    outer = at.count("[]") > 1
    index = (["yokeServiceIndex"] if outer else []) + [own]
    members = [(own, "Unsigned32")] + [
        (c[2], re.sub(r" \(.*", "", TYPES[c[3]])) for c in columns]
    if outer:
        members.insert(0, (name + "Service", "Unsigned32"))
        index[0] = name + "Service"
    out = object_type(name + "Table", f"SEQUENCE OF {row}", "not-accessible",
                      f"Of {at} in the status of yoke", f"{{ yokeObjects {number} }}")
    out += object_type(entry, row, "not-accessible", "One of them",
                       f"{{ {name}Table 1 }}",
                       f"    INDEX       {{ {', '.join(index)} }}\n")
    body = ",\n".join(f"    {n:<30} {s}" for n, s in members)
    out += f"\n{row} ::= SEQUENCE {{\n{body}\n}}\n"
    for i, n in enumerate(index, 1):
        out += object_type(n, "Unsigned32 (1..4294967295)", "not-accessible",
                           "Place in the list, which follows the "
                           "configuration and may change with it",
                           f"{{ {entry} {i} }}")
    return out


def objects():
    all_rows = list(rows())
    out, accessible = "", []
    for kind, f in all_rows:
        if kind == "ENUM":
            out += enum(f[0], f[1])
    for kind, f in all_rows:
        columns = [r for k, r in all_rows if k == "OBJ" and r[0] == f[0]]
        if kind == "SCALARS":
            out += f"\n{f[1]} OBJECT IDENTIFIER ::= {{ yokeObjects {f[0]} }}\n"
        elif kind == "TABLE":
            out += table(int(f[0]), f[1], f[2], columns)
        elif kind == "OBJ":
            parent = next(r for k, r in all_rows
                          if k in ("SCALARS", "TABLE") and r[0] == f[0])
            is_table = any(k == "TABLE" and r[0] == f[0] for k, r in all_rows)
            place = parent[1] + ("Entry" if is_table else "")
            out += object_type(f[2], TYPES[f[3]], "read-only", f[5],
                               f"{{ {place} {f[1]} }}")
            accessible.append(f[2])
    out += "\nyokeEvent OBJECT IDENTIFIER ::= { yokeObjects 20 }\n"
    for number, name, text in EVENT_OBJECTS:
        out += object_type(name, TYPES["STRING"], "accessible-for-notify",
                           text, f"{{ yokeEvent {number} }}")
        accessible.append(name)
    return out, accessible


def notifications():
    out, names = "", []
    carried = ", ".join(CARRIED + tuple(e[1] for e in EVENT_OBJECTS))
    carried = textwrap.fill(carried, 60, subsequent_indent=" " * 18)
    for number, (_, name, _, text) in enumerate(events(), 1):
        names.append("yoke" + upper(camel(name)) + "Event")
        out += (f"\n{names[-1]} NOTIFICATION-TYPE\n"
                f"    OBJECTS     {{ {carried} }}\n    STATUS      current\n"
                f"    DESCRIPTION\n{quoted(text)}\n"
                f"    ::= {{ yokeNotifications {number} }}\n")
    return out, names


def group(name, kind, word, members, text, number):
    body = ",\n".join(" " * 8 + m for m in members)
    return (f"\n{name} {kind}\n    {word} {{\n{body}\n    }}\n"
            f"    STATUS      current\n    DESCRIPTION \"{text}\"\n"
            f"    ::= {{ yokeGroups {number} }}\n")


def main():
    body, accessible = objects()
    traps, names = notifications()
    tail = '''
yokeCompliances OBJECT IDENTIFIER ::= { yokeConformance 1 }
yokeGroups      OBJECT IDENTIFIER ::= { yokeConformance 2 }

yokeCompliance MODULE-COMPLIANCE
    STATUS      current
    DESCRIPTION "What yoke-snmpd serves."
    MODULE
        MANDATORY-GROUPS { yokeObjectGroup, yokeNotificationGroup }
    ::= { yokeCompliances 1 }
'''
    tail += group("yokeObjectGroup", "OBJECT-GROUP", "OBJECTS", accessible,
                  "All objects.", 1)
    tail += group("yokeNotificationGroup", "NOTIFICATION-GROUP",
                  "NOTIFICATIONS", names, "All notifications.", 2)
    sys.stdout.write(HEAD + body + traps + tail + "\nEND\n")


if __name__ == "__main__":
    main()
