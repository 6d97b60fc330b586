# Distributed under the Boost Software License, Version 1.0.
"""The plots, as SVG and PNG, by matplotlib."""

import itertools

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402: the backend comes first

from .plan import Cell, size_name  # noqa: E402

plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "strait", "font.size": 9, "axes.grid": True,
                     "grid.alpha": 0.3})

LINES = {"strait": "-", "bare": "--", "rival": "-.", "limit": ":"}
MARKS = {"strait": "o", "bare": "sDv<>p", "rival": "^", "limit": "x+1"}
GREY = {"bare": "#666666", "limit": "#000000"}
FAMILIES = {
    "shared-memory": ("Shared memory and threads", ("memory", "threads")),
    "kernel": ("Pipes, queues and sockets of one host", ("kernel",)),
    "tcp": ("TCP and UDP over loopback", ("network", "lossy network")),
}


def styles(results, names):
    """A colour for each strait case and rival; the bare loops and limits are grey and differ by their marks."""
    maps = ("tab10", "Dark2", "Set1")
    colours = iter([c for m in maps for c in plt.get_cmap(m).colors if len(set(c)) > 1] * 2)
    marks = {group: itertools.cycle(several) for group, several in MARKS.items()}
    found = {}
    for name in sorted(names):
        group = results.cases[name].group
        found[name] = {"linestyle": LINES[group], "marker": next(marks[group]), "markersize": 4, "label": name,
                       "color": GREY.get(group) or next(colours), "linewidth": 1.8 if group == "strait" else 1.1}
    return found


def chosen(results, jobs):
    """The cases of some jobs, and the limits that they name."""
    names = {n for n, c in results.cases.items() if c.job in jobs and c.group != "limit"}
    return names | {c.limit for n, c in results.cases.items() if n in names and c.limit in results.cases}


def save(figure, folder, name):
    figure.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=7, frameon=False)
    figure.tight_layout()
    paths = [folder / f"{name}.svg", folder / f"{name}.png"]
    for path in paths:
        metadata = {"Date": None} if path.suffix == ".svg" else None
        figure.savefig(path, bbox_inches="tight", dpi=130, metadata=metadata)
    plt.close(figure)
    return paths[0]


def against_size(results, folder, key, measure, batch):
    title, jobs = FAMILIES[key]
    sizes = sorted({c.size for c in results.cells if (c.placement, c.measure, c.batch) == ("apart", measure, batch)})
    figure, axes = plt.subplots(figsize=(8, 5))
    scale = 1.0 if measure == "latency" else 1e-6
    drawn = 0
    for name, style in styles(results, chosen(results, jobs)).items():
        points = [(s, spread) for s in sizes if (spread := results.spread(Cell("apart", measure, batch, s), name))]
        if not points:
            continue
        drawn += 1
        x = [s for s, _ in points]
        y = [spread.median * scale for _, spread in points]
        below = [(spread.median - spread.low) * scale for _, spread in points]
        above = [(spread.high - spread.median) * scale for _, spread in points]
        axes.errorbar(x, y, yerr=[below, above], capsize=2, elinewidth=0.7, **style)
    if not drawn:
        plt.close(figure)
        return None
    unit = "one way, ns (median of the rounds' p50)" if measure == "latency" else "million messages per second (median)"
    axes.set(xscale="log", yscale="log", xlabel="size of a message", ylabel=unit,
             title=f"{title}: {measure}" + (f", batches of {batch}" if batch > 1 else ""))
    axes.set_xticks(sizes, [size_name(s) for s in sizes], rotation=30)
    axes.minorticks_off()
    return save(figure, folder, f"{measure}{'-batches' if batch > 1 else ''}-{key}")


def distribution(results, folder, key, size):
    """The share of round trips that took longer than x: the tail that a median hides."""
    title, jobs = FAMILIES[key]
    cell = Cell("apart", "latency", 1, size)
    figure, axes = plt.subplots(figsize=(8, 5))
    drawn = 0
    for name, style in styles(results, chosen(results, jobs)).items():
        bins = results.histogram(cell, name)
        total = sum(count for _, count in bins)
        if not total:
            continue
        drawn += 1
        x, y, left = [], [], total
        for upper, count in bins:
            left -= count
            x.append(upper)
            y.append(left / total if left else None)
        axes.plot(x, y, drawstyle="steps-post", **(style | {"marker": None}))
    if not drawn:
        plt.close(figure)
        return None
    axes.set(xscale="log", yscale="log", ylim=(1e-5, 1.2), xlabel="one way, ns",
             ylabel="share of messages that took longer",
             title=f"{title}: distribution of latency, {size_name(size)}")
    return save(figure, folder, f"distribution-{key}")


def draw(results, folder):
    """All plots that this run has figures for; the paths of the SVG files."""
    folder.mkdir(parents=True, exist_ok=True)
    kinds = dict.fromkeys((c.measure, c.batch) for c in results.cells if c.placement == "apart")
    latencies = [c.size for c in results.cells if c.placement == "apart" and c.measure == "latency"]
    paths = []
    for key in FAMILIES:
        paths += [against_size(results, folder, key, measure, batch) for measure, batch in kinds]
        if latencies:
            paths.append(distribution(results, folder, key, 64 if 64 in latencies else latencies[0]))
    return [p for p in paths if p]
