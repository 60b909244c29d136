"""Draws what compare has measured:

    python3 plot.py [results/latest.json]

comparison.png has the ratio to raw libuv for each workload and peer, growth.png the cost of an operation against the
size of things. Both are written beside the JSON. Needs matplotlib.
"""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogFormatter, NullFormatter

# The palette of Okabe and Ito, which people tell apart whose eyes see colours differently.
COLOURS = {
    "asyncio-swift": "#0072B2", "libuv": "#000000", "dispatch": "#E69F00", "nio": "#D55E00", "uvloop": "#009E73",
    "asyncio": "#CC79A7",
}
HATCHES = {"stream": "///", "stream-loop": "..."}
STYLES = {None: "-", "protocol": "-", "stream": "--"}
BY_CPU = {"call_later", "sleep"}

plt.rcParams.update({
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
})


def medians(lines, key, value):
    """The median over the rounds for each key, in the order of the first round."""
    samples = {}
    for line in sorted(lines, key=lambda line: line["round"]):
        number = value(line)
        if number is not None:
            samples.setdefault(key(line), []).append(number)
    return {name: statistics.median(numbers) for name, numbers in samples.items()}


def label(peer, mode=None):
    return peer if mode is None else f"{peer}, {mode}"


def plain(number, _=None):
    return f"{number:g}"


def bars(axes, groups, title, base, logarithmic):
    """`groups` maps a group's name to the value of each column, a pair of peer and mode. Bars begin at `base`."""
    columns = columns_of({column for values in groups.values() for column in values})
    width = 0.86 / max(len(columns), 1)
    for index, (peer, mode) in enumerate(columns):
        places, heights = [], []
        for place, ratios in enumerate(groups.values()):
            if (peer, mode) in ratios:
                places.append(place + (index - (len(columns) - 1) / 2) * width)
                heights.append(ratios[peer, mode] - base)
        axes.bar(places, heights, width, bottom=base, label=label(peer, mode), color=COLOURS.get(peer, "#999999"),
                 hatch=HATCHES.get(mode), edgecolor="white", linewidth=0.3)
    if base <= 1:
        axes.axhline(1, color="black", linewidth=0.8, linestyle=":")
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(range(len(groups)), list(groups))
    axes.set_title(title, loc="left", fontsize=10)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.legend(ncols=6, fontsize=7, frameon=False, loc="upper left", bbox_to_anchor=(0, -0.13))


def columns_of(found):
    """Pairs of peer and mode, in the order of the colours; without libuv, which is the line at one."""
    order = list(COLOURS)
    return sorted((c for c in found if c[0] != "libuv"), key=lambda c: (order.index(c[0]), c[1] or ""))


def micro_groups(lines):
    """The ratios of what libuv has too, and the nanoseconds of the rest."""

    def value(line):
        return line.get("cpu_per_op_ns" if line.get("bench") in BY_CPU else "per_op_ns")

    cost = medians(lines, lambda line: (line.get("bench"), line["peer"]), value)
    ratios, times = {}, {}
    for (bench, peer), number in cost.items():
        reference = cost.get((bench, "libuv"))
        name = bench.replace("_soon_", "_soon\n")
        if reference is None:
            times.setdefault(name, {})[peer, None] = number
        elif peer != "libuv":
            ratios.setdefault(name, {})[peer, None] = number / reference
    return ratios, times


def network_groups(results):
    groups = {}
    for kind in ("echo", "unix", "http", "churn"):
        lines = [line for line in results.get(kind, {}).get("lines", []) if "rps" in line]
        rates = medians(lines, lambda line: (line["size"], line["conns"], line["peer"], line["mode"]),
                        lambda line: line["rps"])
        for (size, connections, peer, mode), rate in rates.items():
            reference = rates.get((size, connections, "libuv", "protocol"))
            if not reference or peer == "libuv":
                continue
            amount = f"{size // 1024} KiB × {connections}" if size % 1024 == 0 else f"× {connections}"
            groups.setdefault(f"{kind}\n{amount}", {})[peer, mode] = rate / reference
    return groups


def draw_comparison(results, path):
    ratios, times = micro_groups(results.get("micro", {}).get("lines", []))
    parts = [
        (ratios, "Time for an operation, relative to raw libuv in C (lower is better)", 1, True),
        (times, "Tasks: nanoseconds for an operation (lower is better)", 10, True),
        (network_groups(results), "Requests per second, relative to raw libuv in C (higher is better)", 0, False),
    ]
    parts = [part for part in parts if part[0]]
    if not parts:
        return
    figure, rows = plt.subplots(len(parts), 1, figsize=(11, 3.9 * len(parts)), squeeze=False)
    for axes, part in zip(rows[:, 0], parts):
        bars(axes, *part)
    save(figure, path)


GROWTH = [
    ("call_soon_queued", "callbacks queued", "ns for a callback", "per_op_ns"),
    ("timers_alive", "timers alive", "ns to replace one", "per_op_ns"),
    ("connections", "connections, echo of 1 KiB", "CPU µs for a request", "server_us_per_req"),
    ("size", "bytes in a message, 10 connections", "CPU µs for a request", "server_us_per_req"),
]


def draw_growth(results, path):
    lines = results.get("growth", {}).get("lines", [])
    if not lines:
        return
    figure, axes_grid = plt.subplots(2, 2, figsize=(10, 7))
    for axes, (curve, x_label, y_label, field) in zip(axes_grid.flat, GROWTH):
        cost = medians([line for line in lines if line.get("curve") == curve],
                       lambda line: (line["peer"], line.get("mode"), line["x"]), lambda line: line.get(field))
        for peer, mode in sorted({(peer, mode) for peer, mode, _ in cost}, key=str):
            points = sorted((x, y) for (p, m, x), y in cost.items() if (p, m) == (peer, mode))
            axes.plot(*zip(*points), STYLES.get(mode, "-"), marker="o", markersize=3, color=COLOURS.get(peer),
                      label=label(peer, mode))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(color="#dddddd", linewidth=0.6)
        if cost:
            axes.legend(fontsize=7, frameon=False)
    save(figure, path)


def save(figure, path):
    figure.tight_layout(h_pad=2)
    figure.savefig(path, dpi=100, bbox_inches="tight", pil_kwargs={"optimize": True})
    plt.close(figure)
    print(path)


def main():
    here = pathlib.Path(__file__).parent
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "results" / "latest.json"
    results = json.loads(source.read_text())
    draw_comparison(results, source.parent / "comparison.png")
    draw_growth(results, source.parent / "growth.png")


main()
