# Distributed under the Boost Software License, Version 1.0.
"""What one run has found, as it is kept in results.json, and the questions that the report asks of it."""

import json
import pathlib

from .cases import Case
from .figures import ratios, spread
from .plan import PLACEMENTS, Cell
from .runner import value_of

FORMAT = 1


def collect(rounds, cases, head):
    """The dictionary that results.json holds."""
    return head | {
        "format": FORMAT,
        "cases": [case.to_json() for case in cases],
        "notes": rounds.notes,
        "usual_probe_ns": rounds.usual() if rounds.probes else None,
        "failures": [{"cell": cell.to_json(), "case": name, "kind": kind, "reason": reason}
                     for (cell, name), (kind, reason) in rounds.failures.items()],
        "blocks": [block | {"cell": block["cell"].to_json()} for block in rounds.blocks],
        "histograms": [{"cell": cell.to_json(), "case": name, "bins": sorted(bins.items())}
                       for (cell, name), bins in rounds.histograms.items()],
    }


def load(path):
    data = json.loads(pathlib.Path(path).read_text())
    if data.get("format") != FORMAT:
        raise ValueError(f"{path} is not a result of this version of the benchmark")
    return Results(data)


class Results:
    """Questions to one run. A figure is a {round: value}; ratios are always taken within a round."""

    def __init__(self, data):
        self.data = data
        self.cases = {j["case"]: Case.from_json(j) for j in data["cases"]}
        self.blocks = {}
        trusted = {Cell.from_json(b["cell"]) for b in data["blocks"] if not b["disturbed"]}
        for block in data["blocks"]:
            cell = Cell.from_json(block["cell"])
            if not block["disturbed"] or cell not in trusted:  # where all are disturbed, they are better than nothing
                self.blocks.setdefault(cell, {})[block["round"]] = block
        order = list(PLACEMENTS)
        self.cells = sorted(self.blocks, key=lambda c: (order.index(c.placement), c.measure, c.batch, c.size))
        self.untrusted = [cell for cell in self.cells if cell not in trusted]

    def figure(self, cell, name, pick=None):
        """{round: value} of a case; `pick` takes another figure than the usual one out of a result."""
        found = {}
        for number, block in self.blocks.get(cell, {}).items():
            result = block["results"].get(name)
            if result:
                found[number] = pick(result) if pick else value_of(result, cell.measure)
        return found

    def names(self, cell):
        return [n for n in self.cases if any(n in b["results"] for b in self.blocks.get(cell, {}).values())]

    def spread(self, cell, name, pick=None):
        return spread(self.figure(cell, name, pick).values())

    def ratio(self, cell, name, other):
        """The spread of figure / other's figure."""
        return spread(ratios(self.figure(cell, name), self.figure(cell, other)).values())

    def bare_of(self, cell, case):
        """The bare mechanism of a case: the one that it names, or for batches the coalesced one if that is better."""
        if not case.bare:
            return None
        kin = {n for n in self.names(cell) if (b := self.cases[n]).group == "bare" and b.family == case.family}
        return self.best(cell, [n for n in kin if n == case.bare or n.endswith("coalesced")])

    def ratio_to_limit(self, cell, case):
        return self.ratio(cell, case.name, case.limit) if case.limit else None

    def best(self, cell, names):
        """The name with the best median, and None when there is none."""
        medians = {n: s.median for n in names if (s := self.spread(cell, n))}
        if not medians:
            return None
        return (min if cell.measure == "latency" else max)(medians, key=medians.get)

    def best_rival(self, cell, case):
        return self.best(cell, [n for n in self.names(cell)
                                if self.cases[n].group == "rival" and case.competes_with(self.cases[n])])

    def histogram(self, cell, name):
        wanted = cell.to_json()
        return next((h["bins"] for h in self.data["histograms"] if h["case"] == name and h["cell"] == wanted), [])

