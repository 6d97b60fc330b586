# Distributed under the Boost Software License, Version 1.0.
"""The interleaved rounds. A block is one cell in one round: every case of it once, back to back, in random order."""

import collections
import random
import statistics
import time

from . import runner
from .machine import CpuTimes, cpus_for
from .plan import Cell

PROBE = "limit/cache_line"
OFF = 0.4  # a cache line that takes this much more or less than usual: the host has moved a core
STOLEN = 0.05  # a share of the CPU time that other guests of the host took, above which a block is not trusted
OTHERS = 0.1  # the same for other programs of this machine, on the cores in use
STRIKES = 2  # failures after which a case is not tried again in a cell
HOPELESS = 4  # failures after which a case that has never worked is not tried again at all


class Rounds:
    """Runs the plan {cell: cases} until it is done or the time is up."""

    def __init__(self, plan, mode, cpus, deadline, progress, seed=None):
        self.plan, self.mode, self.cpus, self.deadline, self.progress = plan, mode, cpus, deadline, progress
        self.random = random.Random(seed)
        self.patience = 3.0 if mode.total < 600 else 10.0
        self.blocks, self.notes, self.probes = [], [], []
        self.failures = {}
        self.strikes = collections.Counter()  # by cell and case
        self.never_worked = collections.Counter()  # failures by case; -infinity once it has worked
        self.histograms = collections.defaultdict(collections.Counter)
        self.overhead = 0.05
        self.times = CpuTimes(cpus[:4])
        all_cases = {case.name: case for cases in plan.values() for case in cases}
        self.probe_case = all_cases.get(PROBE)

    def run(self):
        todo = [(number, cell) for number in range(self.mode.rounds) for cell in self.shuffled()]
        self.points_left = sum(len(self.plan[cell]) for _, cell in todo)
        if not self.probe_case:
            self.notes.append(f"no case {PROBE}: a change of the cores' distance would not be noticed")
        self.probe()
        for position, (number, cell) in enumerate(todo):
            if not self.fits(cell):
                done = position / len(self.plan)
                self.notes.append(f"the time was up after {done:.1f} of {self.mode.rounds} rounds")
                break
            self.block(number, cell)
        self.judge()
        self.repeat_disturbed()
        self.progress.done()

    def shuffled(self):
        cells = list(self.plan)
        self.random.shuffle(cells)
        return cells

    def seconds(self):
        """How long one point may take, so that all that is left fits into the time that is left."""
        each = (self.deadline - time.monotonic()) / max(self.points_left, 1) - self.overhead
        return min(max(each, self.mode.shortest), self.mode.longest)

    def fits(self, cell):
        return time.monotonic() + len(self.plan[cell]) * (self.mode.shortest + self.overhead) < self.deadline

    def probe(self):
        """The latency of a bare cache line, retried for a moment while it is far from the usual."""
        if not self.probe_case:
            return None
        cell = Cell("apart", "latency", 1, self.probe_case.min_size)
        value = None
        for attempt in range(3):
            outcome = runner.run(self.probe_case, cell, cpus_for("apart", self.cpus), 0.02, self.patience)
            if outcome.kind == "ok":
                value = runner.value_of(outcome.result, "latency")
                self.probes.append(value)
                if not self.off(value):
                    break
            time.sleep(0.3 * attempt)
        return value

    def usual(self):
        return statistics.median(self.probes)

    def off(self, value):
        return abs(value / self.usual() - 1.0) > OFF

    def block(self, number, cell):
        before = self.probe()
        self.times.shares()
        results = {}
        cases = list(self.plan[cell])
        self.random.shuffle(cases)
        for case in cases:
            self.points_left -= 1
            if not self.worth_it(cell, case):
                continue
            result = self.point(number, cell, case)
            if result:
                results[case.name] = result
        _, stolen, others = self.times.shares()
        self.blocks.append({"round": number, "cell": cell, "probe_ns": [before, self.probe()],
                            "stolen": round(stolen, 4), "others": round(others, 4), "disturbed": "",
                            "results": results})

    def worth_it(self, cell, case):
        return (time.monotonic() < self.deadline and self.strikes[cell, case.name] < STRIKES
                and self.never_worked[case.name] < HOPELESS)

    def point(self, number, cell, case):
        seconds = self.seconds()
        left = max(self.deadline - time.monotonic(), 0)
        self.progress.say(f"round {number + 1} of {self.mode.rounds}, {left:.0f} s left: {cell.title}: {case.name}")
        outcome = runner.run(case, cell, cpus_for(cell.placement, self.cpus), seconds, self.patience)
        if outcome.kind == "ok":
            self.never_worked[case.name] = float("-inf")
            self.overhead += 0.05 * (max(outcome.wall - seconds, 0.0) - self.overhead)
            result = dict(outcome.result)
            histogram = result.pop("histogram", None)
            for upper, count in histogram or ():
                self.histograms[cell, case.name][upper] += count
            return result
        self.failures[cell, case.name] = (outcome.kind, outcome.reason)
        if outcome.kind == "not applicable":
            self.strikes[cell, case.name] = STRIKES
        else:
            self.strikes[cell, case.name] += 1
            self.never_worked[case.name] += 1
            self.progress.note(f"{outcome.kind}: {case.name}, {cell.title}: {outcome.reason}")
        return None

    def judge(self):
        """Marks the blocks that cannot be trusted, by what was usual over the whole run."""
        for block in self.blocks:
            wrong = [p for p in block["probe_ns"] if p is not None and self.off(p)]
            if wrong:
                block["disturbed"] = f"a cache line took {wrong[0]:.0f} ns instead of {self.usual():.0f} ns"
            elif block["stolen"] > STOLEN:
                block["disturbed"] = f"the host took {block['stolen']:.0%} of the CPU time away"
            elif block["others"] > OTHERS:
                block["disturbed"] = f"other programs used {block['others']:.0%} of the cores"

    def repeat_disturbed(self):
        again = [(b["round"], b["cell"]) for b in self.blocks if b["disturbed"]]
        self.points_left = sum(len(self.plan[cell]) for _, cell in again)
        for number, cell in again:
            if not self.fits(cell):
                break
            self.block(number, cell)
        if again:
            self.judge()
