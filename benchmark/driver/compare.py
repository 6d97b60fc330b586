# Distributed under the Boost Software License, Version 1.0.
"""What moved between two runs beyond the noise.

A case is compared through its ratio to a yardstick that ran in the same blocks (its bare mechanism, else its limit), so
that a machine that is slower as a whole on the second day moves nothing. Cases without one, and the yardsticks, are
compared by their figures.
"""

from .figures import moved, ratios, spread
from .tables import Table, number

TOPOLOGY = 0.25  # cache lines that differ by more come from different distances of the cores


def yardstick(results, cell, case):
    if case.group in ("limit", "bare"):
        return None
    names = results.names(cell)
    return next((n for n in (results.bare_of(cell, case), case.limit) if n in names), None)


def figures(results, cell, case, other):
    own = results.figure(cell, case.name)
    return list((ratios(own, results.figure(cell, other)) if other else own).values())


def different_machines(before, after):
    """A sentence when the two runs cannot be compared, else None."""
    a, b = before.data.get("usual_probe_ns"), after.data.get("usual_probe_ns")
    if a and b and abs(a / b - 1) > TOPOLOGY:
        return f"a cache line took {a:.0f} ns in one run and {b:.0f} ns in the other: the cores lay differently"
    if before.data["machine"]["cpu"] != after.data["machine"]["cpu"]:
        return f"the runs come from different CPUs: {before.data['machine']['cpu']}, {after.data['machine']['cpu']}"
    return None


def compare(before, after):
    """(table of what moved, strait cases that became slower, number compared, number of those with too few rounds)."""
    table = Table("What moved beyond the noise", ["case", "cell", "before", "after", "change", "against", "verdict"])
    slower, compared, too_few = [], 0, 0
    rows = []
    for cell in before.cells:
        for name in before.names(cell):
            case = before.cases[name]
            if name not in after.names(cell):
                continue
            other = yardstick(before, cell, case)
            if other is not None and other != yardstick(after, cell, after.cases[name]):
                other = None
            old, new = figures(before, cell, case, other), figures(after, cell, case, other)
            change = moved(old, new)
            compared += 1
            too_few += change is None
            if not change:
                continue
            worse = (change > 0) == (cell.measure == "latency")
            if worse and case.group == "strait":
                slower.append((name, cell))
            unit = f"ratio to {other}" if other else "ns" if cell.measure == "latency" else "msg/s"
            rows.append((case.group != "strait", not worse, name, [
                name, cell.title, number(spread(old).median), number(spread(new).median), f"{change:+.0%}", unit,
                "SLOWER" if worse else "FASTER"]))
    for *_, row in sorted(rows, key=lambda r: r[:3]):
        table.add(*row)
    return table, slower, compared, too_few
