# Distributed under the Boost Software License, Version 1.0.
"""What can be measured: the cases that each measuring program says it has."""

import json
import pathlib
import subprocess
from dataclasses import dataclass, field

GROUPS = ("limit", "bare", "strait", "rival")

# Which families do the same job. A rival is "the best" only among those of the same job, the same way of waiting, and
# the same handling of the payload: a copying case is never compared with one that touches 8 bytes in place.
JOBS = {
    "shared memory": "memory",
    "in_process": "threads",
    "pipe": "kernel",
    "anonymous pipe": "kernel",
    "mqueue": "kernel",
    "sysv queue": "kernel",
    "unix socket": "kernel",
    "unix datagram": "kernel",
    "unix seqpacket": "kernel",
    "signal": "kernel",
    "tcp": "network",
    "udp": "lossy network",
}


@dataclass(frozen=True)
class Case:
    """One way of moving messages, as its measuring program describes it."""

    name: str
    group: str
    family: str
    waiting: str
    measures: tuple
    batches: tuple
    min_size: int
    max_size: int
    max_senders: int = 1
    max_receivers: int = 1
    bare: str | None = None
    limit: str | None = None
    title: str = ""
    settings: str = ""
    program: str = field(default="", compare=False)

    @property
    def in_place(self):
        return "in_place" in self.name.split("/")

    @property
    def strings(self):
        """Messages whose size varies."""
        return "strings" in self.name.split("/")

    @property
    def new(self):
        """Decodes into a new object each time, and not into one whose memory is reused."""
        return "new" in self.name.split("/")

    @property
    def job(self):
        return JOBS.get(self.family, self.family)

    @property
    def many(self):
        return min(self.max_senders, self.max_receivers) > 1

    def runs_batch(self, batch):
        return batch in self.batches if batch == 1 else max(self.batches) > 1

    def competes_with(self, other):
        return ((self.job, self.waiting, self.in_place, self.new)
                == (other.job, other.waiting, other.in_place, other.new))

    @staticmethod
    def from_json(j, program=""):
        known = {k: j[k] for k in Case.__dataclass_fields__ if k in j and k not in ("name", "program")}
        known["measures"], known["batches"] = tuple(known["measures"]), tuple(known["batches"])
        return Case(name=j["case"], **known, program=program)

    def to_json(self):
        others = (k for k in self.__dataclass_fields__ if k not in ("name", "program"))
        return {"case": self.name} | {k: getattr(self, k) for k in others}


def list_cases(program, timeout=20):
    """The cases of one program. Raises RuntimeError with a sentence when it cannot say."""
    try:
        done = subprocess.run([program, "list"], capture_output=True, text=True, timeout=timeout, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(f"{error}") from error
    if done.returncode != 0:
        raise RuntimeError(f"its list ended with {done.returncode}: {last_line(done.stderr)}")
    try:
        return [Case.from_json(json.loads(line), str(program)) for line in done.stdout.splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f"its list cannot be read: {error}") from error


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def discover(folder, wanted):
    """All cases of the programs `wanted` below folder, and a sentence for each program that is left out."""
    cases, left_out = [], []
    for name in wanted:
        program = pathlib.Path(folder) / name
        if not program.exists():
            left_out.append(f"{name}: not built, because its package is not installed")
            continue
        try:
            cases += list_cases(program)
        except RuntimeError as error:
            left_out.append(f"{name}: {error}")
    return cases, left_out
