# Distributed under the Boost Software License, Version 1.0.
"""Tests of what decides: statistics, the plan, the questions to a run, the comparison of two.

python3 -m unittest discover -s benchmark/driver -t benchmark
"""

import os
import sys
import unittest

from . import compare, machine, plan, runner, tables
from .cases import Case
from .figures import moved, ratios, spread, verdict
from .goals import Check, Goals
from .plan import Cell
from .results import Results

CELL = Cell("apart", "latency", 1, 64)
CODING = Cell("alone", "serialization", 1, plan.CODED)


def case(name, group="strait", **changes):
    base = {"case": name, "group": group, "family": "shared memory", "waiting": "spin",
            "measures": ["latency", "throughput"], "batches": [1], "min_size": 8, "max_size": 4096}
    return base | changes


def coding_case(name, group="strait", **changes):
    return case(name, group, family="serialization", waiting="none", measures=["serialization"], min_size=plan.CODED,
                max_size=plan.CODED, **changes)


def coding_run_of(figures):
    """A run of the serialization alone from {case: [messages per second of each round]}."""
    rounds = len(next(iter(figures.values())))
    blocks = [{"round": r, "cell": CODING.to_json(), "probe_ns": [150, 150], "stolen": 0, "disturbed": "", "results": {
        n: {"messages_per_second": v[r], "encode_ns": 20.0, "decode_ns": 50.0, "encoded_bytes": 253.4}
        for n, v in figures.items()}} for r in range(rounds)]
    return Results({"cases": [coding_case(n, n.split("/")[0]) for n in figures], "blocks": blocks,
                    "usual_probe_ns": 150, "machine": {"cpu": "x"}, "failures": [], "histograms": []})


def run_of(figures, cases=None, disturbed=()):
    """A run of one cell from {case: [p50 of each round]}."""
    rounds = len(next(iter(figures.values())))
    blocks = [{"round": r, "cell": CELL.to_json(), "probe_ns": [150, 150], "stolen": 0,
               "disturbed": "a test" if r in disturbed else "",
               "results": {n: {"one_way_ns": {"p50": v[r]}} for n, v in figures.items()}} for r in range(rounds)]
    return Results({"cases": cases or [case(n) for n in figures], "blocks": blocks, "usual_probe_ns": 150,
                    "machine": {"cpu": "x"}, "failures": [], "histograms": []})


class Figures(unittest.TestCase):
    def test_a_ratio_is_taken_within_a_round(self):
        self.assertEqual(ratios({0: 10.0, 1: 30.0, 2: 1.0}, {0: 5.0, 1: 10.0}), {0: 2.0, 1: 3.0})

    def test_a_win_needs_every_round(self):
        self.assertEqual(verdict(spread([0.8, 0.9, 0.95]), lower_is_better=True), "WIN")
        self.assertEqual(verdict(spread([0.8, 0.9, 0.95]), lower_is_better=False), "LOSS")
        self.assertEqual(verdict(spread([0.8, 0.9, 1.01]), lower_is_better=True), "even")
        self.assertEqual(verdict(spread([0.990, 0.991]), lower_is_better=True), "even")
        self.assertEqual(verdict(spread([0.5]), lower_is_better=True), "")

    def test_what_overlaps_has_not_moved(self):
        self.assertEqual(moved([10, 11, 12, 13, 14], [13, 15, 16, 17, 18]), 0.0)

    def test_what_is_apart_has_moved(self):
        self.assertAlmostEqual(moved([10, 10.1, 9.9, 10, 10], [12, 12.1, 11.9, 12, 12]), 0.2)

    def test_three_rounds_must_be_far_apart(self):
        self.assertEqual(moved([10, 11, 12], [13, 14, 15]), 0.0)
        self.assertNotEqual(moved([10, 11, 12], [14.5, 15, 16]), 0.0)

    def test_a_small_change_does_not_count_however_sure(self):
        self.assertEqual(moved([100, 100.1, 100.2], [102, 102.1, 102.2]), 0.0)

    def test_two_rounds_say_nothing(self):
        self.assertIsNone(moved([1, 1], [2, 2]))

    def test_a_missed_goal_says_by_how_much(self):
        self.assertEqual(Check("", None, "", 1.05, True).verdict(1.05), "met")
        self.assertEqual(Check("", None, "", 1.0, True).verdict(1.3), "MISSED by 30%")
        self.assertEqual(Check("", None, "", 1.5, False).verdict(0.5), "MISSED by a factor of 3.0")

    def test_a_goal_that_is_missed_in_some_rounds_says_so(self):
        def verdict(*found):
            return Check("", spread(found), "", 1.0, True).row()[-1]
        self.assertEqual(verdict(0.9, 1.3, 1.4), "MISSED by 30%; not in each round")
        self.assertEqual(verdict(1.1, 1.3, 1.4), "MISSED by 30%")
        self.assertEqual(verdict(0.8, 0.9, 1.4), "met")


class Plan(unittest.TestCase):
    def test_a_case_runs_only_where_it_can(self):
        small = Case.from_json(case("strait/x", max_size=64, measures=["throughput"], batches=[64]))
        self.assertTrue(plan.applies(small, Cell("apart", "throughput", 64, 64), quick=False))
        for cell in (CELL, Cell("apart", "throughput", 64, 128), Cell("apart", "throughput", 1, 64),
                     Cell("2:2", "throughput", 64, 64)):
            self.assertFalse(plan.applies(small, cell, quick=False), cell)


    def test_a_serialization_has_one_cell_of_its_own(self):
        coded, channel = Case.from_json(coding_case("strait/serialization/new")), Case.from_json(case("strait/x"))
        for mode in (plan.QUICK, plan.FULL):
            for quick in (True, False):
                planned = plan.make([coded, channel], mode.cells, quick)
                self.assertEqual([cell for cell, cases in planned.items() if coded in cases], [CODING])
                self.assertNotIn(channel, planned[CODING])

    def test_other_sizes_leave_the_serialization_alone(self):
        cells = plan.with_sizes(plan.QUICK.cells, [128])
        self.assertEqual([c for c in cells if c.measure == "serialization"], [CODING])
        self.assertEqual({c.size for c in cells if c.measure != "serialization"}, {128})

    def test_a_serialization_uses_one_core(self):
        self.assertEqual(machine.cpus_for("alone", [4, 5]), [4, 4])


class Serialization(unittest.TestCase):
    def test_what_is_reused_does_not_compete_with_what_is_new(self):
        run = coding_run_of({"strait/serialization/new": [1.0], "strait/serialization/reused": [2.0],
                             "rival/a/reused": [9.0], "rival/a/new": [3.0], "rival/b/in_place": [8.0]})
        self.assertEqual(run.best_rival(CODING, run.cases["strait/serialization/new"]), "rival/a/new")
        self.assertEqual(run.best_rival(CODING, run.cases["strait/serialization/reused"]), "rival/a/reused")

    def test_the_goal_is_judged_by_the_worse_of_both(self):
        decoded, in_place = Goals(coding_run_of({
            "strait/serialization/reused": [40.0, 20.0, 40.0], "strait/serialization/new": [8.0, 16.0, 8.0],
            "rival/a/reused": [20.0, 10.0, 20.0], "rival/a/new": [10.0, 20.0, 10.0], "rival/b/new": [1.0, 1.0, 1.0],
            "rival/serialization/flatbuffers/in_place": [10.0, 5.0, 10.0]})).serialization()
        self.assertAlmostEqual(decoded.found.median, 0.8)
        self.assertEqual(decoded.verdict(decoded.found.median), "MISSED by 25%")
        self.assertAlmostEqual(in_place.found.median, 4.0)

    def test_without_rivals_the_goal_is_not_measured(self):
        for check in Goals(coding_run_of({"strait/serialization/reused": [1.0]})).serialization():
            self.assertIsNone(check.found)

    def test_its_table_has_both_halves_and_the_bytes(self):
        run = coding_run_of({"strait/serialization/reused": [2e6, 2e6], "rival/a/reused": [1e6, 1e6]})
        best, worse = tables.cell_table(run, CODING).rows
        self.assertEqual(best, ["strait/serialization/reused", "2", "2..2", "20", "50", "253", "-", "2.00 WIN",
                                "rival/a/reused"])
        self.assertEqual(worse[-2:], ["-", "-"])

    def test_fewer_messages_are_slower(self):
        before = coding_run_of({"strait/serialization/new": [10.0, 10.0, 10.0]})
        after = coding_run_of({"strait/serialization/new": [8.0, 8.0, 8.0]})
        _, slower, _, _ = compare.compare(before, after)
        self.assertEqual(slower, [("strait/serialization/new", CODING)])
        self.assertEqual(compare.compare(after, before)[1], [])


class Runs(unittest.TestCase):
    def test_a_disturbed_block_does_not_count(self):
        run = run_of({"strait/a": [10.0, 99.0, 12.0]}, disturbed=[1])
        self.assertEqual(run.figure(CELL, "strait/a"), {0: 10.0, 2: 12.0})

    def test_disturbed_blocks_count_where_there_is_nothing_else(self):
        run = run_of({"strait/a": [10.0]}, disturbed=[0])
        self.assertEqual(run.figure(CELL, "strait/a"), {0: 10.0})
        self.assertEqual(run.untrusted, [CELL])

    def test_a_rival_that_copies_does_not_compete_in_place(self):
        cases = [case("strait/a/in_place"), case("rival/copy", "rival"), case("rival/loan/in_place", "rival")]
        run = run_of({"strait/a/in_place": [1.0], "rival/copy": [2.0], "rival/loan/in_place": [3.0]}, cases)
        self.assertEqual(run.best_rival(CELL, run.cases["strait/a/in_place"]), "rival/loan/in_place")


class Comparison(unittest.TestCase):
    CASES = [case("strait/a", bare="bare/a"), case("bare/a", "bare")]

    def test_a_slower_machine_moves_no_ratio(self):
        before = run_of({"strait/a": [10, 10, 10], "bare/a": [10, 10, 10]}, self.CASES)
        after = run_of({"strait/a": [20, 20, 20], "bare/a": [20, 20, 20]}, self.CASES)
        _, slower, compared, _ = compare.compare(before, after)
        self.assertEqual((slower, compared), ([], 2))

    def test_a_slower_case_is_found(self):
        before = run_of({"strait/a": [10, 10, 10], "bare/a": [10, 10, 10]}, self.CASES)
        after = run_of({"strait/a": [13, 13, 13], "bare/a": [10, 10, 10]}, self.CASES)
        table, slower, _, _ = compare.compare(before, after)
        self.assertEqual(slower, [("strait/a", CELL)])
        self.assertEqual(len(table.rows), 1)

    def test_runs_on_other_cores_are_not_compared(self):
        before, after = run_of({"strait/a": [1.0]}), run_of({"strait/a": [1.0]})
        after.data["usual_probe_ns"] = 60
        self.assertIsNotNone(compare.different_machines(before, after))


class Programs(unittest.TestCase):
    def outcome(self, code, limit=20):
        return runner.execute([sys.executable, "-c", code], "latency", limit)

    def test_a_result_is_read(self):
        found = self.outcome("print('{\"messages\": 1, \"one_way_ns\": {\"p50\": 5}}')")
        self.assertEqual((found.kind, found.result["messages"]), ("ok", 1))

    def test_failures_have_a_reason(self):
        self.assertEqual(self.outcome("import sys; sys.exit('it broke')").reason, "exit code 1: it broke")
        self.assertEqual(self.outcome("print('nonsense')").kind, "failed")
        self.assertEqual(self.outcome("import sys; sys.exit(3)").kind, "not applicable")
        self.assertEqual(runner.execute(["/nonexistent"], "latency", 1).kind, "failed")

    def test_a_hung_program_and_its_children_are_ended(self):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        code = (f"import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); "
                f"os.write({write}, b'x'); time.sleep(600)")
        original = runner.subprocess.Popen
        try:  # the pipe ends when the last process that has it does
            runner.subprocess.Popen = lambda *a, **k: original(*a, **k, close_fds=False)
            self.assertEqual(self.outcome(code, limit=1).kind, "hung")
        finally:
            runner.subprocess.Popen = original
            os.close(write)
        while os.read(read, 100):
            pass
        os.close(read)


if __name__ == "__main__":
    unittest.main()
