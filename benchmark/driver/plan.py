# Distributed under the Boost Software License, Version 1.0.
"""Which cells are measured. A cell is a measure at a size, a batch and a placement; every case that can runs in it."""

from dataclasses import dataclass

KiB, MiB = 1024, 1024 * 1024
ALL_SIZES = (8, 64, 256, KiB, 4 * KiB, 64 * KiB, MiB, 4 * MiB)
LARGE_BATCH = 1024  # of 64 bytes: as much as the hand-written loops have for a buffer
STRINGS = 40  # bytes of the messages of varying length, in cells of their own
CODED = 256  # bytes that the aggregate of the serialisation is said to have
FEW = 64 * KiB  # above this size the quick mode measures only what large messages are meant for

PLACEMENTS = {
    "apart": "each end on a core of its own",
    "same core": "both ends on one core",
    "2:2": "two senders and two receivers",
    "alone": "one process on one core, no channel",
}


@dataclass(frozen=True, order=True)
class Cell:
    """One table of the report."""

    placement: str
    measure: str
    batch: int
    size: int

    @property
    def title(self):
        if self.measure == "serialization":
            return f"serialization, encoded and decoded, about {size_name(self.size)}, {PLACEMENTS[self.placement]}"
        how = "one by one" if self.batch == 1 else f"in batches of {self.batch}"
        kind = "one-way latency" if self.measure == "latency" else f"throughput, {how}"
        return f"{kind}, {size_name(self.size)}, {PLACEMENTS[self.placement]}"

    def to_json(self):
        return {"placement": self.placement, "measure": self.measure, "batch": self.batch, "size": self.size}

    @staticmethod
    def from_json(j):
        return Cell(j["placement"], j["measure"], j["batch"], j["size"])


def size_name(size):
    if size >= MiB and size % MiB == 0:
        return f"{size // MiB} MiB"
    if size >= KiB and size % KiB == 0:
        return f"{size // KiB} KiB"
    return f"{size} B"


@dataclass(frozen=True)
class Mode:
    """How much is measured and how long. Times in seconds."""

    name: str
    total: float
    rounds: int
    shortest: float
    longest: float
    cells: tuple


def cells_of(apart, same_core, two_by_two):
    cells = []
    for placement, by_kind in (("apart", apart), ("same core", same_core), ("2:2", two_by_two)):
        for (measure, batch), sizes in by_kind.items():
            cells += [Cell(placement, measure, batch, size) for size in sizes]
    return (*cells, Cell("alone", "serialization", 1, CODED))


QUICK = Mode("quick", 160, 3, 0.02, 0.3, cells_of(
    {("latency", 1): (8, 64, 4 * KiB, MiB), ("throughput", 1): (8, 64, 4 * KiB, MiB), ("throughput", 64): (64,),
     ("throughput", LARGE_BATCH): (64,)},
    {("latency", 1): (64,)},
    {("throughput", 1): (64,)}))

FULL = Mode("full", 45 * 60, 7, 0.05, 0.5, cells_of(
    {("latency", 1): ALL_SIZES, ("throughput", 1): ALL_SIZES, ("throughput", 64): ALL_SIZES[:6],
     ("throughput", LARGE_BATCH): ALL_SIZES[:4]},
    {("latency", 1): (8, 64, 4 * KiB), ("throughput", 1): (64, 4 * KiB)},
    {("throughput", 1): (8, 64, KiB, 4 * KiB, 64 * KiB), ("throughput", 64): (64,)}))


def with_sizes(mode_cells, sizes):
    """The same kinds of cells at other sizes; the aggregate that is serialised has but one."""
    kinds = {(c.placement, c.measure, c.batch) for c in mode_cells if c.measure != "serialization"}
    return (*(Cell(*kind, size) for kind in sorted(kinds) for size in sizes),
            *(c for c in mode_cells if c.measure == "serialization"))


def applies(case, cell, quick):
    if cell.measure not in case.measures or not case.min_size <= cell.size <= case.max_size:
        return False
    if (cell.measure == "serialization") != (cell.placement == "alone"):
        return False
    if cell.measure == "throughput" and not case.runs_batch(cell.batch):
        return False
    if cell.placement == "2:2" and not case.many:
        return False
    if not quick or case.group == "limit":
        return True
    if case.strings:
        return cell.size == STRINGS
    if cell.placement == "same core":
        return case.waiting == "block" or case.group == "strait"  # a rival that spins takes a time slice per message
    return cell.size <= FEW or case.job == "memory" or case.family in ("unix socket", "tcp") and case.waiting == "block"


def make(cases, mode_cells, quick):
    """{cell: [case, ...]}, in the order of the cells."""
    planned = {cell: [case for case in cases if applies(case, cell, quick)] for cell in mode_cells}
    for measure in dict.fromkeys(c.measure for c in mode_cells):
        cell = Cell("apart", measure, 1, STRINGS)
        fitting = [case for case in cases if applies(case, cell, quick)]
        strings = [case for case in fitting if case.strings]
        if strings and cell not in planned:
            planned[cell] = strings + [case for case in fitting if case.name in ("bare/ring", "strait/shm_ring/busy_spin", "limit/cache_line")]
    return {cell: fitting for cell, fitting in planned.items() if any(case.group != "limit" for case in fitting)
            or all(case.group == "limit" for case in cases) and fitting}
