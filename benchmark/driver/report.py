# Distributed under the Boost Software License, Version 1.0.
"""Puts the report together: text for the terminal, Markdown for a reader."""

from . import tables
from .goals import Goals
from .plan import Cell


def limits_of_trust(results):
    """Sentences about what was left out, failed or was disturbed."""
    d = results.data
    lines = [f"Left out: {text}." for text in d["left_out"]] + [f"Note: {text}." for text in d["notes"]]
    disturbed = [b for b in d["blocks"] if b["disturbed"]]
    if disturbed:
        lines.append(f"Disturbed: {len(disturbed)} of {len(d['blocks'])} blocks, not counted where others are there; "
                     f"the first: {disturbed[0]['disturbed']}.")
    if results.untrusted:
        titles = "; ".join(cell.title for cell in results.untrusted)
        share = f"{len(results.untrusted)} of {len(results.cells)} tables"
        lines.append(f"Untrusted, every round was disturbed: {share}: {titles}.")
    return lines + failures(d["failures"])


def failures(found):
    """A sentence for each case and kind of failure; a size that a mechanism does not carry is none."""
    grouped = {}
    for f in found:
        if f["kind"] != "not applicable":
            grouped.setdefault((f["case"], f["kind"]), []).append(f)
    return [f"{kind.capitalize()} in {len(group)} cells: {name}; the first: {Cell.from_json(group[0]['cell']).title}: "
            f"{group[0]['reason']}" for (name, kind), group in grouped.items()]


def head(results):
    d, m = results.data, results.data["machine"]
    probe = d["usual_probe_ns"]
    return [f"{d['when']}, {d['mode']} mode, {d['rounds']} rounds planned, {d['took']:.0f} s.",
            f"{m['cpu']}, {m['cpus']} CPUs{' of a virtual machine' if m['virtual'] else ''}, kernel {m['kernel']}, "
            f"cores used: {', '.join(map(str, m['used_cpus']))}"
            + (f"; a cache line takes {probe:.0f} ns one way." if probe else ".")]


def legend():
    return ("Figures are medians of the rounds; ratios are medians of the ratios taken within a round.\n"
            "WIN and LOSS: every round says so; even: the rounds disagree, or less than 2 % apart.\n"
            "A rival is the best among those of the same job, way of waiting and copying; of a serialization, among "
            "those\nthat decode into the same kind of object: one that is reused, or a new one.")


def text(results):
    parts = ["\n".join(head(results)), legend()]
    parts += [tables.cell_table(results, cell).text() for cell in results.cells]
    parts += [tables.score(results).text(), Goals(results).table().text()]
    trust = limits_of_trust(results)
    return "\n\n".join(parts + (["\n".join(trust)] if trust else [])) + "\n"


def markdown(results, plots):
    parts = ["# Benchmark of strait", " ".join(head(results)), legend(), "The method is in `benchmark/README.md`."]
    trust = limits_of_trust(results)
    if trust:
        parts += ["## What to doubt", "\n".join(f"* {line}" for line in trust)]
    parts += ["## Goals and rivals", Goals(results).table().markdown(), tables.score(results).markdown()]
    if plots:
        parts += ["## Plots", "\n\n".join(f"![{p.stem}](plots/{p.name})" for p in plots)]
    parts += ["## Figures", *(tables.cell_table(results, cell).markdown() for cell in results.cells)]
    parts += ["## Settings", tables.settings(results).markdown()]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"
