# Distributed under the Boost Software License, Version 1.0.
"""Runs a measuring program once, never for longer than it may."""

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass

from .cases import last_line

NOT_APPLICABLE = 3  # the exit code of a program for a size or mode that the mechanism has not


@dataclass
class Outcome:
    """`kind` is ok, not applicable, failed or hung; result is what the program printed, reason a sentence."""

    kind: str
    result: dict | None = None
    reason: str = ""
    wall: float = 0.0


def value_of(result, measure):
    """The figure that stands for a result: nanoseconds at the median, or messages per second."""
    return result["one_way_ns"]["p50"] if measure == "latency" else result["messages_per_second"]


def end_group(process):
    """Ends a program and its children, whose process group it leads; politely first, so that it can clean up."""
    for number, patience in ((signal.SIGTERM, 0.5), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.communicate(timeout=patience)
            break
        except subprocess.TimeoutExpired:
            continue
    try:
        os.killpg(process.pid, signal.SIGKILL)  # children that outlived it
    except ProcessLookupError:
        pass


def run(case, cell, cpus, seconds, patience):
    """Measures one case in one cell for about `seconds`; it counts as hung after `patience` more."""
    many = 2 if cell.placement == "2:2" else 1
    command = [case.program, "run", case.name, "--measure", cell.measure, "--size", str(cell.size),
               "--batch", str(cell.batch), "--cpus", ",".join(map(str, cpus)), "--senders", str(many),
               "--receivers", str(many), "--seconds", f"{seconds:.3f}"]
    began = time.monotonic()
    outcome = execute(command, cell.measure, seconds + patience)
    outcome.wall = time.monotonic() - began
    return outcome


def execute(command, measure, limit):
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, start_new_session=True)
    except OSError as error:
        return Outcome("failed", reason=str(error))
    try:
        out, err = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        end_group(process)
        return Outcome("hung", reason=f"no result after {limit:.1f} s")
    except BaseException:
        end_group(process)
        raise
    if process.returncode == NOT_APPLICABLE:
        return Outcome("not applicable", reason=last_line(err))
    if process.returncode != 0:
        how = f"exit code {process.returncode}" if process.returncode > 0 else f"signal {-process.returncode}"
        return Outcome("failed", reason=f"{how}: {last_line(err)}")
    try:
        result = json.loads(last_line(out))
        if not (result["messages"] > 0 and 0 < value_of(result, measure) < float("inf")):
            raise ValueError("a result of nothing")
    except (ValueError, KeyError, TypeError) as error:
        return Outcome("failed", reason=f"its result cannot be read: {error!r}")
    return Outcome("ok", result)
