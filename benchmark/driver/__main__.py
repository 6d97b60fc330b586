# Distributed under the Boost Software License, Version 1.0.
"""The command line; see ../run --help."""

import argparse
import datetime
import json
import pathlib
import re
import signal
import sys
import time

from . import compare, machine, plan, report, results
from .cases import discover
from .daemon import RouDi
from .progress import Progress
from .rounds import PROBE, Rounds

PROGRAMS = ("measure_limits", "measure_bare", "measure_strait", "measure_asio", "measure_boost", "measure_atomic_queue",
            "measure_iceoryx", "measure_zeromq", "measure_nng", "measure_cereal", "measure_boost_serialization",
            "measure_protobuf", "measure_flatbuffers")
FOR_THE_REPORT = 12.0  # seconds kept for tables and plots


def parse(arguments):
    parser = argparse.ArgumentParser(prog="benchmark/run", description="Measures strait, the bare mechanisms, the "
                                     "limits of the machine and the rivals in one interleaved run, and reports.")
    parser.add_argument("--full", action="store_true", help="all sizes and modes, 7 rounds, at most 45 minutes")
    parser.add_argument("--minutes", type=float, help="at most this long (2.7 without --full)")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (3 without --full)")
    parser.add_argument("--sizes", help="sizes in bytes, such as 8,64,4096")
    parser.add_argument("--only", metavar="REGEX", help="only cases whose name has this in it; limits stay")
    parser.add_argument("--cpus", help="the cores to use, such as 2,3; default: the first two physical ones allowed")
    parser.add_argument("--output", type=pathlib.Path, help="default: build/benchmark-results/DATE")
    parser.add_argument("--programs", type=pathlib.Path, help="folder of the measuring programs; default: as built")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build"), help=argparse.SUPPRESS)
    parser.add_argument("--left-out", action="append", default=[], help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="only say which cases there are")
    return parser.parse_args(arguments)


def mode_of(options):
    mode = plan.FULL if options.full else plan.QUICK
    cells = plan.with_sizes(mode.cells, [int(s) for s in options.sizes.split(",")]) if options.sizes else mode.cells
    return plan.Mode(mode.name, options.minutes * 60 if options.minutes else mode.total, options.rounds or mode.rounds,
                     mode.shortest, mode.longest, cells)


def choose(cases, only):
    if not only:
        return cases
    pattern = re.compile(only)
    named = [case for case in cases if pattern.search(case.name)]
    beside = {PROBE} | {case.limit for case in named} | {case.bare for case in named}
    return [case for case in cases if case in named or case.name in beside]


def measure(options):
    began = time.monotonic()
    mode = mode_of(options)
    progress = Progress()
    cases, left_out = discover(options.programs or options.build / "benchmark/benchmark", PROGRAMS)
    cases = choose(cases, options.only)
    if options.list:
        for case in cases:
            print(f"{case.name:40} {case.title}")
        return 0
    left_out += options.left_out
    for text in left_out:
        progress.note(f"left out: {text}")
    if not cases:
        print("benchmark/run: there is nothing to measure; --list shows the cases", file=sys.stderr)
        return 1
    date = datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S")
    folder = options.output or options.build / "benchmark-results" / date
    folder.mkdir(parents=True, exist_ok=True)
    cpus = [int(c) for c in options.cpus.split(",")] if options.cpus else machine.choose_cpus()
    about = machine.describe(cpus)
    notes = ["only one core: what is called apart shares it"] if len(set(cpus)) < 2 else []
    busy = machine.wait_for_idle(cpus[:4], 15 if not options.full else 120, progress.say)
    if busy:
        notes.append(busy)
    with RouDi(folder, any("iceoryx" in case.name for case in cases)) as daemon:
        if daemon.missing:
            left_out.append(f"iceoryx: {daemon.missing}")
            progress.note(f"left out: {left_out[-1]}")
            cases = [case for case in cases if "iceoryx" not in case.name]
        rounds = Rounds(plan.make(cases, mode.cells, not options.full), mode, cpus,
                        began + mode.total - FOR_THE_REPORT, progress)
        rounds.notes += notes
        rounds.run()
    data = results.collect(rounds, cases, {
        "when": datetime.datetime.now().isoformat(timespec="seconds"), "mode": mode.name, "rounds": mode.rounds,
        "took": time.monotonic() - began, "machine": about, "left_out": left_out})
    (folder / "results.json").write_text(json.dumps(data))
    return show(results.Results(data), folder)


def show(found, folder):
    """Writes report.md and the plots, prints the tables."""
    if not found.cells:
        print("benchmark/run: nothing was measured", file=sys.stderr)
        return 1
    from . import plots  # matplotlib is slow to load, and a comparison does without
    drawn = plots.draw(found, folder / "plots")
    (folder / "report.md").write_text(report.markdown(found, drawn))
    print(report.text(found))
    print(f"{folder}/report.md, results.json and plots/ hold the rest.")
    return 0


def compare_runs(arguments):
    parser = argparse.ArgumentParser(prog="benchmark/run compare", description="Says what moved between two runs "
                                     "beyond the noise. Exit code 1: a strait case became slower; 3: the runs cannot "
                                     "be compared.")
    parser.add_argument("before", type=pathlib.Path)
    parser.add_argument("after", type=pathlib.Path)
    parser.add_argument("--force", action="store_true", help="also when the machine was another one")
    options = parser.parse_args(arguments)
    before, after = results.load(options.before), results.load(options.after)
    wrong = compare.different_machines(before, after)
    if wrong and not options.force:
        print(f"benchmark/run: {wrong}; --force compares them nevertheless", file=sys.stderr)
        return 3
    table, slower, compared, too_few = compare.compare(before, after)
    if table.rows:
        print(table.text())
    print(f"{len(table.rows)} of {compared} figures moved beyond the noise; strait became slower in {len(slower)}."
          + (f" {too_few} have fewer than 3 rounds and say nothing." if too_few else ""))
    if too_few == compared:
        return 3
    return 1 if slower else 0


def report_again(arguments):
    parser = argparse.ArgumentParser(prog="benchmark/run report",
                                     description="Writes the report of an earlier run again.")
    parser.add_argument("results", type=pathlib.Path)
    options = parser.parse_args(arguments)
    return show(results.load(options.results), options.results.parent)


def main(arguments):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the daemon and the programs are ended, too
    try:
        if arguments[:1] == ["compare"]:
            return compare_runs(arguments[1:])
        if arguments[:1] == ["report"]:
            return report_again(arguments[1:])
        return measure(parse(arguments))
    except (ValueError, OSError) as error:
        print(f"benchmark/run: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


sys.exit(main(sys.argv[1:]))
