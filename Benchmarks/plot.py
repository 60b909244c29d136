"""Draws what compare has measured:

    .build/python-venv/bin/python3 plot.py [results/latest.json]

summary.png is for the first screen of a page, comparison.png has the ratio to raw libuv for each workload and peer,
growth.png the cost of an operation against the size of things. They are written beside the JSON; what was not measured
is left out. Needs matplotlib.
"""

import json
import pathlib
import statistics
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogFormatter, MaxNLocator, NullFormatter

# The palette of Okabe and Ito, which people tell apart whose eyes see colours differently.
COLOURS = {
    "asyncio-swift": "#0072B2", "libuv": "#000000", "dispatch": "#E69F00", "nio": "#D55E00", "uvloop": "#009E73",
    "asyncio": "#CC79A7",
}
HATCHES = {"buffered": "\\\\\\", "stream": "///", "stream-loop": "..."}
STYLES = {None: "-", "protocol": "-", "buffered": ":", "stream": "--"}
BY_CPU = {"call_later", "sleep"}
NETWORK = ("echo", "unix", "http", "churn")

plt.rcParams.update({
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
    "hatch.linewidth": 0.6,
})


# What the rounds say, as compare has it in its tables


def lines_of(results, kind):
    return results.get(kind, {}).get("lines", [])


def is_held_down(line):
    """Whether something else on the machine kept the server and its load from working."""
    sides = [line[side] for side in ("server_cpu", "loadgen_cpu") if side in line]
    return len(sides) == 2 and max(sides) < 0.85


def samples(lines, key, value):
    """For each key the values by round, in the order of the first one; those held down only if there are no others."""
    good, held_down = {}, {}
    for line in sorted(lines, key=lambda line: line["round"]):
        number = value(line)
        if number is not None:
            good.setdefault(key(line), {})
            (held_down if is_held_down(line) else good).setdefault(key(line), {})[line["round"]] = number
    return {name: rounds or held_down[name] for name, rounds in good.items()}


def median(rounds):
    return statistics.median(rounds.values())


def ratio(rounds, reference):
    """The median of the rounds' ratios; that of the medians if no round has both."""
    ratios = [value / reference[number] for number, value in rounds.items() if reference.get(number)]
    return statistics.median(ratios) if ratios else median(rounds) / median(reference)


def micro_samples(results):
    def value(line):
        return line.get("cpu_per_op_ns" if line.get("bench") in BY_CPU else "per_op_ns")

    return samples(lines_of(results, "micro"), lambda line: (line.get("bench"), line["peer"]), value)


def rates(results, kind):
    """Requests per second for each case, peer and mode."""
    return samples(lines_of(results, kind), lambda line: (line["case"], line["peer"], line["mode"]),
                   lambda line: line.get("rps"))


# summary.png


SHOWN = {"asyncio-swift": "this library", "nio": "SwiftNIO", "uvloop": "uvloop"}


def micro_panel(results, bench):
    found = micro_samples(results)
    return {peer: median(found[bench, peer]) for peer in SHOWN if (bench, peer) in found}


def stream_rates(results):
    """A case, and for each peer the rate of its streams relative to raw libuv: the better one if there are two ways."""
    found = rates(results, "echo")
    cases = list(dict.fromkeys(case for case, _, _ in found))
    case = next((case for case in ("10 KiB × 100", "1 KiB × 1000", *cases) if case in cases), None)
    best = {}
    for (this, peer, mode), rounds in found.items():
        reference = found.get((case, "libuv", "protocol"))
        if this == case and peer in SHOWN and mode.startswith("stream") and reference:
            best[peer] = max(best.get(peer, 0), ratio(rounds, reference))
    return case, best


def stream_memory(results):
    found = samples(lines_of(results, "idle"), lambda line: (line["peer"], line["mode"]),
                    lambda line: line.get("kib_per_conn"))
    best = {}
    for (peer, mode), rounds in found.items():
        if peer in SHOWN and mode.startswith("stream"):
            best[peer] = min(best.get(peer, float("inf")), median(rounds))
    return best


def draw_summary(results, path):
    case, relative = stream_rates(results)
    panels = [
        (micro_panel(results, "call_soon"), "a callback (callSoon), in ns", "lower is better", "{:,.0f}"),
        (micro_panel(results, "task_switch"), "a task switch, in ns", "lower is better", "{:,.0f}"),
        (relative, f"echo by streams, {case}", "req/s to raw libuv, higher is better", "{:.2f}"),
        (stream_memory(results), "an idle stream connection, in KiB", "lower is better", "{:.1f}"),
    ]
    panels = [panel for panel in panels if panel[0]]
    if not panels:
        return
    figure, row = plt.subplots(1, len(panels), figsize=(9, 1.65), squeeze=False, sharey=True)
    for axes, (values, title, sense, form) in zip(row[0], panels):
        for place, peer in enumerate(SHOWN):
            if peer not in values:
                axes.text(0, place, " not measured", va="center", fontsize=8, color="#888888")
                continue
            axes.barh(place, values[peer], 0.62, color=COLOURS[peer])
            axes.text(values[peer], place, " " + form.format(values[peer]), va="center",
                      fontweight="bold" if place == 0 else "normal")
        axes.set_title(f"{title}\n", loc="left", fontsize=9.5)
        axes.text(0, 1.04, sense, transform=axes.transAxes, fontsize=8, color="#555555")
        # Room for the number at the longest bar.
        axes.set_xlim(0, 1.28 * max(values.values()))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    row[0][0].set_yticks(range(len(SHOWN)), SHOWN.values())
    row[0][0].invert_yaxis()
    figure.tight_layout(w_pad=1.2)
    save(figure, path, dpi=200)


# comparison.png


def label(peer, mode=None):
    return peer if mode is None else f"{peer}, {mode}"


def plain(number, _=None):
    return f"{number:g}"


def columns_of(found):
    """Pairs of peer and mode, in the order of the colours; without libuv, which is the line at one."""
    order = list(COLOURS)
    return sorted((c for c in found if c[0] != "libuv"), key=lambda c: (order.index(c[0]), c[1] or ""))


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


def micro_groups(results):
    """The ratios of what libuv has too, and the nanoseconds of the rest."""
    found = micro_samples(results)
    ratios, times = {}, {}
    for (bench, peer), rounds in found.items():
        reference = found.get((bench, "libuv"))
        name = bench.replace("_soon_", "_soon\n")
        if reference is None:
            times.setdefault(name, {})[peer, None] = median(rounds)
        elif peer != "libuv":
            ratios.setdefault(name, {})[peer, None] = ratio(rounds, reference)
    return ratios, times


def network_groups(results):
    groups = {}
    for kind in NETWORK:
        found = rates(results, kind)
        for (case, peer, mode), rounds in found.items():
            reference = found.get((case, "libuv", "protocol"))
            if reference and peer != "libuv":
                groups.setdefault(f"{kind}\n{case}".replace(", ", "\n"), {})[peer, mode] = ratio(rounds, reference)
    return groups


def draw_comparison(results, path):
    ratios, times = micro_groups(results)
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
    figure.tight_layout(h_pad=2)
    save(figure, path)


# growth.png


COSTS = [
    ("call_soon_queued", "callbacks queued", "ns for a callback", "per_op_ns"),
    ("timers_alive", "timers alive", "ns to replace one", "per_op_ns"),
    ("connections", "connections, echo of 1 KiB", "server's CPU µs for a request", "server_us_per_req"),
    ("size", "bytes in a message, 10 connections", "server's CPU µs for a request", "server_us_per_req"),
    ("loops", "loops of a server, echo of 1 KiB, 100 connections", "server's CPU µs for a request",
     "server_us_per_req"),
]


def curve(lines, name, field):
    """For each peer and mode the points of a curve."""
    found = samples([line for line in lines if line.get("curve") == name],
                    lambda line: (line["peer"], line.get("mode"), line["x"]), lambda line: line.get(field))
    points = {}
    for (peer, mode, x), rounds in found.items():
        points.setdefault((peer, mode), []).append((x, median(rounds)))
    return {column: sorted(points[column]) for column in sorted(points, key=str)}


def draw_costs(axes, lines, name, x_label, y_label, field):
    curves = curve(lines, name, field)
    for (peer, mode), points in curves.items():
        axes.plot(*zip(*points), STYLES.get(mode, "-"), marker="o", markersize=3, color=COLOURS.get(peer),
                  label=label(peer, mode))
    if name == "loops":
        over_loops(axes)
    elif name == "connections":
        # Hardly anything grows: an axis that does not begin at zero would make much of it.
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
    else:
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(plain))
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1, 0.5)))
    finish(axes, curves, x_label, y_label)


def draw_loops_in_process(axes, lines):
    """Relative to one loop, so that callbacks and task switches fit into one picture."""
    curves = {what: curve(lines, "loops_in_process", field).get(("asyncio-swift", None))
              for what, field in (("callbacks", "callbacks_per_s"), ("task switches", "switches_per_s"))}
    curves = {what: points for what, points in curves.items() if points}
    for (what, points), style in zip(curves.items(), ("-", "--")):
        axes.plot([x for x, _ in points], [rate / points[0][1] for _, rate in points], style, marker="o", markersize=3,
                  color=COLOURS["asyncio-swift"], label=f"{what}, {points[0][1] / 1e6:.1f} million/s on one loop")
    over_loops(axes)
    finish(axes, curves, "loops at once, without a load", "rate of all loops, of one = 1")


def over_loops(axes):
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylim(bottom=0)
    axes.margins(x=0.2)


def finish(axes, curves, x_label, y_label):
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.grid(color="#dddddd", linewidth=0.6)
    if curves:
        axes.legend(fontsize=7, frameon=False)
    else:
        axes.set_visible(False)


def draw_growth(results, path):
    lines = lines_of(results, "growth")
    if not lines:
        return
    figure, grid = plt.subplots(2, 3, figsize=(14, 7))
    for axes, cost in zip(grid.flat, COSTS):
        draw_costs(axes, lines, *cost)
    draw_loops_in_process(grid[1, 2], lines)
    figure.tight_layout(h_pad=2)
    save(figure, path)


def save(figure, path, dpi=100):
    figure.savefig(path, dpi=dpi, bbox_inches="tight", pil_kwargs={"optimize": True})
    plt.close(figure)
    print(path)


def main():
    here = pathlib.Path(__file__).parent
    source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "results" / "latest.json"
    results = json.loads(source.read_text())
    draw_summary(results, source.parent / "summary.png")
    draw_comparison(results, source.parent / "comparison.png")
    draw_growth(results, source.parent / "growth.png")


main()
