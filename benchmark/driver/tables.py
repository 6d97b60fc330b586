# Distributed under the Boost Software License, Version 1.0.
"""The tables of the report, as plain text and as Markdown."""

from .cases import GROUPS
from .figures import verdict


# Columns of words; the others are aligned to the right.
LEFT = {"case", "cell", "best rival", "lost at", "what it is", "settings", "compared", "worst at", "verdict", "against"}


class Table:
    """Rows of texts. A row of one text is a heading inside the table."""

    def __init__(self, title, header, note=""):
        self.title, self.header, self.note, self.rows = title, header, note, []

    def add(self, *cells):
        self.rows.append([str(c) for c in cells])

    def text(self):
        full = [row for row in [self.header, *self.rows] if len(row) > 1]
        widths = [max(len(row[i]) for row in full) for i in range(len(self.header))]

        def line(row):
            padded = (c.ljust(w) if h in LEFT else c.rjust(w) for c, w, h in zip(row, widths, self.header))
            return row[0] if len(row) == 1 else "  ".join(padded).rstrip()

        lines = [self.title, *([self.note] if self.note else []), line(self.header), line(["-" * w for w in widths])]
        return "\n".join(lines + [line(row) for row in self.rows]) + "\n"

    def markdown(self):
        def line(row):
            if len(row) == 1:
                row = [f"**{row[0]}**"] + [""] * (len(self.header) - 1)
            return "| " + " | ".join(c.replace("|", "\\|") for c in row) + " |"

        rule = "|" + "|".join(":--" if h in LEFT else "--:" for h in self.header) + "|"
        lines = [f"### {self.title}", "", *([self.note, ""] if self.note else []), line(self.header), rule]
        return "\n".join(lines + [line(row) for row in self.rows]) + "\n"


def number(value):
    """Three significant digits, no exponent."""
    if value >= 99.95:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1e}"


def ratio_number(value):
    """Two decimals, more of small ones."""
    return f"{value:.2f}" if 0.1 <= value < 99.95 else number(value)


def from_to(spread, scale=1.0):
    return f"{number(spread.low * scale)}..{number(spread.high * scale)}"


def judged(ratio, lower_is_better, words=True):
    if ratio is None:
        return "-"
    word = verdict(ratio, lower_is_better) if words else ""
    return f"{ratio_number(ratio.median)} {word}".strip()


def cell_table(results, cell):
    """One cell: every case with its spread and ratios, the best first."""
    latency = cell.measure == "latency"
    coding = cell.measure == "serialization"
    if coding:
        table = Table(cell.title, ["case", "M msg/s", "min..max", "encode ns", "decode ns", "bytes", "/ bare",
                                   "/ best rival", "best rival"], "Higher is better, of ratios too.")
    elif latency:
        table = Table(cell.title, ["case", "p50 ns", "min..max", "p99", "p99.9", "/ bare", "/ limit", "/ best rival",
                                   "best rival"], "Lower is better, of ratios too.")
    else:
        table = Table(cell.title, ["case", "M msg/s", "min..max", "GB/s", "/ bare", "/ limit", "/ best rival",
                                   "best rival"], "Higher is better, of ratios too.")
    names = results.names(cell)
    names.sort(key=lambda n: results.spread(cell, n).median, reverse=not latency)
    for name in names:
        case = results.cases[name]
        rival = results.best_rival(cell, case) if case.group != "limit" else None
        rival = None if rival == name else rival
        bare = results.bare_of(cell, case)
        tail = [judged(results.ratio(cell, name, bare) if bare else None, latency, case.group == "strait"),
                *([] if coding else [judged(results.ratio_to_limit(cell, case), latency, words=False)]),
                judged(results.ratio(cell, name, rival), latency, case.group == "strait") if rival else "-",
                rival or "-"]
        s = results.spread(cell, name)
        if coding:
            each = [results.spread(cell, name, lambda r, k=k: r[k]) for k in ("encode_ns", "decode_ns", "encoded_bytes")]
            table.add(name, number(s.median / 1e6), from_to(s, 1e-6), *(number(e.median) for e in each), *tail)
        elif latency:
            tails = [results.spread(cell, name, lambda r, k=k: r["one_way_ns"][k]) for k in ("p99", "p999")]
            table.add(name, number(s.median), from_to(s), *(number(t.median) for t in tails), *tail)
        else:
            moved = "-" if case.in_place else number(s.median * cell.size / 1e9)  # in place nobody moved the bytes
            table.add(name, number(s.median / 1e6), from_to(s, 1e-6), moved, *tail)
    return table


def score(results):
    """How often each strait case wins and loses against its best rival."""
    table = Table("strait against the best rival of the same job and way of waiting",
                  ["case", "cells", "WIN", "even", "LOSS", "lost at"])
    for name, case in results.cases.items():
        if case.group != "strait":
            continue
        words = {}
        for cell in results.cells:
            rival = results.best_rival(cell, case)
            word = verdict(results.ratio(cell, name, rival), cell.measure == "latency") if rival else ""
            if word:
                words[cell] = word
        if words:
            counts = [list(words.values()).count(w) for w in ("WIN", "even", "LOSS")]
            lost = "; ".join(short(cell) for cell, word in words.items() if word == "LOSS")
            table.add(name, len(words), *counts, lost or "-")
    return table


def short(cell):
    return cell.title.replace(", each end on a core of its own", "").replace("one-way ", "")


def settings(results):
    table = Table("How each case is configured", ["case", "what it is", "settings"])
    for case in sorted(results.cases.values(), key=lambda c: (GROUPS.index(c.group), c.name)):
        table.add(case.name, case.title or "-", case.settings or "-")
    return table
