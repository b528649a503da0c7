#!/usr/bin/python3
"""bench_weights: weights that follow the servers, beside the papers' experiments.

    bench_weights.py [PART...] [--add] [--out DIR]
    table3   P2's table 3 (bench_table3.py): --steady S  --rate N  --ratio
    memory   P3's two experiments (bench_memory.py): --experiments a,b
             --policies RR,yoke  --clients 8,16,24,32  --seconds S
             --runs N: each step so often; the table has the median rate,
             and its spread below
    ill      one of three servers is ill (bench_ill.py): --rows 0,3

Each part writes DIR/bench-weights-PART.json, tables to standard output, and
PNG plots if gnuplot is there. --add: what the file has of other policies or rows
stays; so that a long part can be made in pieces.
"""
import argparse
import datetime
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import bench_ill                                            # noqa: E402
import bench_memory                                         # noqa: E402
import bench_memory_report                                  # noqa: E402
import bench_report                                         # noqa: E402
import bench_table3                                         # noqa: E402


def words(text):
    return [w for w in text.split(",") if w]


def before(args, path):
    """What the file has, with --add; read when there is something to add."""
    if not args.add or not os.path.exists(path):
        return {}
    with open(path) as f:
        return json.load(f)


def memory(args, path):
    new = {name: bench_memory.measure(
        name, [int(n) for n in words(args.clients)], args.seconds,
        words(args.policies), args.runs) for name in words(args.experiments)}
    results = before(args, path).get("results", {})
    for name, runs in new.items():
        results.setdefault(name, {}).update(runs)
    doc = {"what": "P3", "seconds": args.seconds, "results": results}
    return doc, [*bench_memory_report.text(results),
                 *bench_memory_report.plots(results, args.out)]


def ill(args, path):
    new = bench_ill.measure([int(n) for n in words(args.rows)])
    rows = {r["row"]: r for r in [*before(args, path).get("rows", []), *new]}
    doc = {"what": "ill servers", "rows": [rows[i] for i in sorted(rows)]}
    return doc, bench_ill.table(doc["rows"])


def table3(args, _):
    doc = bench_table3.run(args)
    return doc, [*bench_table3.text(doc), bench_table3.plot(doc, args.out)]


PARTS = {"table3": table3, "memory": memory, "ill": ill}


def part(name, args):
    path = f"{args.out}/bench-weights-{name}.json"
    doc, lines = PARTS[name](args, path)
    doc.update(date=datetime.datetime.now().astimezone().isoformat(
        "T", "seconds"), **bench_report.where())
    with open(path, "w") as f:
        json.dump(doc, f)
    print(bench_report.heading(doc), *lines, f"written to {path}", sep="\n")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("parts", nargs="*", metavar="PART", default=list(PARTS))
    p.add_argument("--steady", type=int, default=300)
    p.add_argument("--rate", type=float, default=40)
    p.add_argument("--ratio", action="store_true")
    p.add_argument("--experiments", default="a,b")
    p.add_argument("--policies", default="")
    p.add_argument("--clients", default="8,16,24,32")
    p.add_argument("--seconds", type=int, default=40)
    p.add_argument("--runs", type=int, default=1)
    p.add_argument("--rows", default="")
    p.add_argument("--add", action="store_true")
    p.add_argument("--out", default="build")
    args = p.parse_args()
    if args.runs < 1:
        p.error("--runs: one at least")
    for name in args.parts:
        if name not in PARTS:
            p.error(f"there is no part {name}: {', '.join(PARTS)}")
    os.makedirs(args.out, exist_ok=True)
    for name in args.parts:
        part(name, args)


if __name__ == "__main__":
    main()
