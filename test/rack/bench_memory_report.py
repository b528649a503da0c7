"""bench_memory_report: P3's experiments as tables and plots."""
import shutil
import subprocess

from bench_memory import CONNECTIONS, EXPERIMENTS


def text(results):
    out = []
    for name, runs in sorted(results.items()):
        out += ["", f"P3 ({name}): {EXPERIMENTS[name]['title']}; a client is "
                f"{CONNECTIONS} connections",
                f"{'':14} {'answers/s by clients':32} {'killed':>7} {'lost':>6}"
                f" {'turned':>7}   least memory left, %",
                f"{'':14} " + "".join(f"{n:>8}" for n in numbers(runs)) +
                f"{'servers':>{41 - 8 * len(numbers(runs))}} {'':>6} {'away':>7}"]
        for run in EXPERIMENTS[name]["runs"]:
            if run in runs:
                out.append(line(run, runs[run]))
        out += spread(runs)
    return out


def spread(runs):
    """Of steps that were made more than once."""
    return [f"{run}, {s['clients']} clients, {s['runs']} runs: "
            f"{' '.join(f'{r:.1f}' for r in s['rates'])}"
            for run, steps in runs.items() for s in steps
            if s.get("runs", 1) > 1]


def numbers(runs):
    return sorted({s["clients"] for steps in runs.values() for s in steps})


def total(steps, key):
    return sum(s[key] for s in steps)


def line(run, steps):
    least = [min(c) for c in zip(*(s["least_left"] for s in steps))]
    return (f"{run:14} " + "".join(f"{s['rate']:8.1f}" for s in steps) +
            f"{total(steps, 'killed'):>{41 - 8 * len(steps)}}"
            f" {total(steps, 'lost'):>6} {total(steps, 'turned_away'):>7}   " +
            " ".join(f"{100 * v:3.0f}" for v in least))


def plot(png, title, labels, curves, style):
    """curves: [(name, [(x, y)])]."""
    script = (f"set terminal png size 1000,500\nset output '{png}'\n"
              f"set title '{title}'\nset xlabel '{labels[0]}'\n"
              f"set ylabel '{labels[1]}'\nset yrange [0:*]\nset key outside\n"
              "plot " + ", ".join(f"'-' with {style} lw 2 title '{n}'"
                                  for n, _ in curves) + "\n")
    for _, points in curves:
        script += "".join(f"{x} {y}\n" for x, y in points) + "e\n"
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def left_curves(steps):
    """Of each server, the steps one after the other."""
    names, at = [[] for _ in steps[0]["least_left"]], 0
    for s in steps:
        for t, left in s["left"]:
            for curve, v in zip(names, left):
                curve.append((round(at + t, 1), round(100 * v, 1)))
        at += s["left"][-1][0] if s["left"] else 0
    return [(f"rs{i}", c) for i, c in enumerate(names, 1)]


def plots(results, out):
    if not shutil.which("gnuplot"):
        return ["no plots: gnuplot-nox is not installed"]
    made = []
    for name, runs in sorted(results.items()):
        made.append(f"{out}/weights-p3{name}.png")
        plot(made[-1], f"P3 ({name})", ("clients", "answers/s"),
             [(run, [(s["clients"], s["rate"]) for s in steps])
              for run, steps in runs.items()], "linespoints")
        for run, steps in runs.items():
            word = run.split("(")[0].lower()
            made.append(f"{out}/weights-p3{name}-left-{word}.png")
            plot(made[-1], f"P3 ({name}), {run}: memory left", ("seconds", "%"),
                 left_curves(steps), "lines")
    return ["plots: " + " ".join(made)]
