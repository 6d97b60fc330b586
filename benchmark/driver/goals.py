# Distributed under the Boost Software License, Version 1.0.
"""The goals of the project, each with what this run measured: met, or by how much missed.

A goal that speaks of several sizes or rounds is judged by its worst one. Ratios are medians of those taken within a
round, with their minimum and maximum.
"""

import re
from dataclasses import dataclass

from .figures import ratios, spread
from .plan import CODED, STRINGS, Cell, size_name
from .tables import Table, ratio_number

MiB = 1024 * 1024


def latency(size, placement="apart"):
    return Cell(placement, "latency", 1, size)


def throughput(size, batch=1):
    return Cell("apart", "throughput", batch, size)


def nanoseconds_each(result):
    return 1e9 / result["messages_per_second"]


@dataclass(frozen=True)
class Check:
    """One measured line: what it compares, the worst spread found and where, and its target."""

    compared: str
    found: object  # a Spread, or None: not in this run
    where: str
    target: float
    at_most: bool
    by: str = "median"  # which part of the spread is held to the target

    def row(self):
        target = f"{'<=' if self.at_most else '>='} {ratio_number(self.target)}"
        if self.found is None:
            return ["  " + self.compared, "", "-", target, "not measured in this run"]
        s = self.found
        text = f"{ratio_number(s.median)} ({ratio_number(s.low)}..{ratio_number(s.high)})"
        verdict = self.verdict(getattr(s, self.by))
        if verdict != "met" and self.verdict(s.low if self.at_most else s.high) == "met":
            verdict += "; not in each round"
        return ["  " + self.compared, self.where, text, target, verdict]

    def verdict(self, value):
        away = value / self.target if self.at_most else self.target / value
        if away <= 1.0:
            return "met"
        return f"MISSED by {away - 1:.0%}" if away < 2 else f"MISSED by a factor of {away:.1f}"


class Goals:
    """Fills the table of goals from one run."""

    def __init__(self, results):
        self.r = results

    def names(self, pattern):
        return [n for n in self.r.cases if re.fullmatch(pattern, n)]

    def sizes(self, measure, batch=1):
        return [c.size for c in self.r.cells if (c.placement, c.measure, c.batch) == ("apart", measure, batch)]

    def in_lines(self, cell, name):
        """Latencies in those of a cache line at the same time: a host that moves a core changes both."""
        return ratios(self.r.figure(cell, name), self.r.figure(cell, "limit/cache_line"))

    def worst(self, compared, pairs, target, at_most, by="median", figure=None):
        """The worst of (cell, name, other cell, other name), and which one it was."""
        figure = figure or self.r.figure
        worst, where = None, ""
        for cell, name, other_cell, other in pairs:
            s = spread(ratios(figure(cell, name), figure(other_cell, other)).values())
            if s and (worst is None or (getattr(s, by) > getattr(worst, by)) == at_most):
                worst, where = s, f"{size_name(cell.size)}: {name}" + (f" / {other}" if other != name else "")
        return Check(compared, worst, where, target, at_most, by)

    def same_cell(self, cell, names, others):
        return [(cell, n, cell, o) for n in names for o in others if o]

    def best(self, cell, pattern):
        """The best case of a pattern in a cell, as a list of none or one."""
        best = self.r.best(cell, self.names(pattern))
        return [best] if best else []

    # Each of these returns the checks of one row of the goals.

    def small_latency(self, size, target):
        pairs = self.same_cell(latency(size), self.names("strait/shm_ring/(busy_spin|adaptive)"),
                               self.names("limit/cache_line"))
        return [self.worst("shm_ring / cache line", pairs, target, True)]

    def small_throughput(self):
        rings = "bare/ring|rival/.*(lockfree|atomic).*"
        ours = self.names("strait/shm_ring/busy_spin")
        rivals = "rival/.*(lockfree|atomic).*"
        pairs, rival = ([p for size in (8, 64)
                         for p in self.same_cell(throughput(size), ours, self.best(throughput(size), pattern))]
                        for pattern in (rings, rivals))
        return [self.worst("shm_ring / best ring", pairs, 0.95, False),
                self.worst("its worst round / best ring", pairs, 0.5, False, by="low"),
                self.worst("shm_ring / best rival ring (rigtorp::SPSCQueue is not in Debian)", rival, 1.0, False)]

    def crash_safety(self):
        ours = self.names("strait/shm_ring/busy_spin")
        bare = self.names("bare/ring")
        near = [p for size in (8, 64) for p in self.same_cell(latency(size), ours, bare)]
        rate = [p for size in (8, 64) for p in self.same_cell(throughput(size), ours, bare)]
        return [self.worst("latency, shm_ring / the same ring without", near, 1.05, True),
                self.worst("throughput, shm_ring / the same ring without", rate, 0.95, False)]

    def adaptive(self):
        pairs = [p for size in (8, 64) for p in self.same_cell(throughput(size), self.names("strait/shm_ring/adaptive"),
                                                                self.names("strait/shm_ring/busy_spin"))]
        return [self.worst("adaptive / busy_spin", pairs, 0.9, False)]

    def asleep(self):
        sleeping = self.names("strait/shm_ring/(asleep|sleeping)")
        pairs = [p for s in (8, 64) for p in self.same_cell(latency(s), sleeping, self.names("limit/futex"))]
        one_core = [p for s in (8, 64)
                    for p in self.same_cell(latency(s, "same core"), self.names("strait/shm_ring/adaptive"),
                                            self.names("bare/pipe/block"))]
        return [self.worst("shm_ring asleep / futex", pairs, 1.15, True),
                self.worst("shm_ring adaptive / pipe, both ends on one core", one_core, 2.0, True)]

    def in_place(self):
        ours = self.names("strait/shm_ring/(busy_spin|adaptive)/in_place")
        sizes = [s for s in self.sizes("latency") if s >= 64]
        flat = [(latency(s), n, latency(64), n) for s in sizes if s > 64 for n in ours]
        near = [p for s in sizes for p in self.same_cell(latency(s), ours, self.names("limit/cache_line"))]
        loan = [(latency(s), o, latency(s), n) for s in sizes for n in self.names("strait/shm_ring/busy_spin/in_place")
                for o in self.names("rival/iceoryx.*in_place")]
        return [self.worst("in place at any size / at 64 B, both in cache lines of their time", flat, 1.15, True,
                           figure=self.in_lines),
                self.worst("in place / cache line", near, 1.1, True),
                self.worst("iceoryx's loan / in place", loan, 8.0, False)]

    def many(self):
        checks = []
        for placement, named in (("apart", "1:1"), ("2:2", "2:2")):
            pairs = [p for size in (8, 64)
                     for p in self.same_cell(Cell(placement, "throughput", 1, size), self.names("strait/shm_ring_mpmc/adaptive"),
                                             self.names("rival/(boost_lockfree_queue|atomic_queue/mpmc)"))]
            checks.append(self.worst(f"shm_ring<mpmc> / boost::lockfree::queue, atomic_queue, {named}", pairs, 1.0, False))
        return checks

    def large(self):
        pairs = self.same_cell(latency(MiB), self.names("strait/shm_ring/(busy_spin|adaptive)"),
                               self.names("bare/ring"))
        return [self.worst("shm_ring / whole-message copy (bare ring)", pairs, 0.7, True)]

    def strings(self):
        ours = self.names("strait/shm_ring/strings/in_place")
        cell = throughput(STRINGS)
        rate = [s for n in ours if (s := self.r.spread(cell, n, lambda r: r["messages_per_second"] / 1e6))]
        pairs = self.same_cell(cell, ours, self.names("strait/shm_ring/busy_spin"))
        return [Check("40-byte strings in place, M/s", rate[0] if rate else None, ours[0] if ours else "", 80, False),
                self.worst("the same / fixed slots of 40 B", pairs, 0.4, False)]

    def serialization(self):
        cell = Cell("alone", "serialization", 1, CODED)
        decoded = [p for n in self.names("strait/serialization/(reused|new)")
                   for p in self.same_cell(cell, [n], [self.r.best_rival(cell, self.r.cases[n])])]
        in_place = self.same_cell(cell, self.names("strait/serialization/reused"),
                                  self.names("rival/serialization/flatbuffers/in_place"))
        return [self.worst("decoded / best rival that decodes into an object alike", decoded, 1.0, False),
                self.worst("decoded / FlatBuffers, verified and read in place", in_place, 1.0, False)]

    def awaited(self):
        socket, ring = self.names("strait/async/unix_stream"), self.names("strait/async/shm_ring")
        by_hand = [p for s in (8, 64) for p in self.same_cell(latency(s), socket, self.names("bare/asio/unix_stream"))]
        idle = [p for s in (8, 64) for p in self.same_cell(latency(s), ring, socket)]
        traffic = [p for s in (8, 64) for p in self.same_cell(throughput(s), ring, socket)]
        slept = [spread(ratios(self.r.figure(latency(s), a), self.r.figure(throughput(s), b, nanoseconds_each)).values())
                 for s in (8, 64) for a in socket for b in ring]
        slept = min((s for s in slept if s), key=lambda s: s.median, default=None)
        return [Check("one way over an awaited unix_stream / a message that waits in an awaited shm_ring", slept, "", 10.0, False),
                self.worst("latency, awaited unix_stream / hand-written Asio", by_hand, 1.1, True),
                self.worst("latency, awaited shm_ring / awaited unix_stream", idle, 1.0, True),
                self.worst("throughput, awaited shm_ring / awaited unix_stream", traffic, 10.0, False)]

    def calls(self):
        ring = [p for s in (8, 64) for p in self.same_cell(latency(s), self.names("strait/rpc/shm_ring"),
                                                           self.names("strait/shm_ring/busy_spin"))]
        socket = [p for s in (8, 64) for p in self.same_cell(latency(s), self.names("strait/rpc/unix_stream"),
                                                             self.names("strait/unix_stream/block"))]
        return [self.worst("a call over shm_ring, busy_spin / two messages", ring, 1.3, True),
                self.worst("a call over unix_stream / two messages", socket, 1.3, True)]

    def against_bare(self, measure, batch, target, only, at_most):
        """Every kernel transport against its own bare loop, at every size of this run."""
        pairs = []
        for cell in self.r.cells:
            if (cell.placement, cell.measure, cell.batch) == ("apart", measure, batch):
                for name in self.names(only):
                    pairs += self.same_cell(cell, [name], [self.r.bare_of(cell, self.r.cases[name])])
        return pairs, target, at_most

    def one_by_one(self):
        checks = []
        for transport, rate in (("anonymous_pipe", 1.0), ("named_pipe", 1.5), ("posix_mqueue", 1.0), ("sysv_mqueue", 1.0), ("unix_stream", 1.0),
                                ("unix_datagram", 1.0), ("unix_seqpacket", 1.0), ("tcp", 1.0), ("udp", 1.0)):
            for waiting in ("block", "spin"):
                only = f"strait/{transport}/{waiting}"
                for measure, target, at_most in (("latency", 1.05, True), ("throughput", rate, False)):
                    checks.append(self.worst(f"{measure}, {transport} {waiting} / hand-written",
                                             *self.against_bare(measure, 1, target, only, at_most)))
        return checks

    def batches(self):
        checks = []
        for transport in ("anonymous_pipe", "named_pipe", "posix_mqueue", "sysv_mqueue", "unix_stream", "unix_datagram",
                          "unix_seqpacket",
                          "tcp", "udp"):
            # The largest: a coalescing loop makes a call when its buffer is full, whatever the caller's batches are.
            batch = max((c.batch for c in self.r.cells), default=64)
            pairs = self.against_bare("throughput", batch, 0.9, f"strait/{transport}/(block|spin)", False)
            checks.append(self.worst(f"{transport} / best coalesced loop", *pairs))
        return checks

    def packed(self):
        batch = max((c.batch for c in self.r.cells), default=64)
        pairs = [(throughput(64, batch), n, throughput(64), n) for n in self.names("strait/unix_seqpacket/(block|spin)")]
        return [self.worst("unix_seqpacket in batches / one by one", pairs, 50.0, False)]

    def brokers(self):
        checks = []
        for transport, kind in (("unix_stream", "ipc"), ("tcp", "tcp")):
            rivals = self.names(f"rival/(zeromq|nng).*{kind}.*")
            ours = self.names(f"strait/{transport}/block")
            for measure, target, at_most in (("latency", 1 / 3, True), ("throughput", 1.0, False)):
                pairs = [p for cell in self.r.cells
                         if (cell.placement, cell.measure, cell.batch) == ("apart", measure, 1)
                         for p in self.same_cell(cell, ours, [self.r.best(cell, rivals)])]
                checks.append(self.worst(f"{measure}, {transport} / best of ZeroMQ and nng over {kind}", pairs, target,
                                         at_most))
        return checks

    def table(self):
        table = Table("Goals", ["compared", "worst at", "median (min..max)", "goal", "verdict"],
                      "Ratios are taken within a round. Of several sizes or cases the worst is shown and judged.")
        for goal, checks in (
            ("shm_ring, 8 B one way: at most 1.05 x the cache line", self.small_latency(8, 1.05)),
            ("shm_ring, 64 B one way: at most 1.3 x the cache line", self.small_latency(64, 1.3)),
            ("throughput one by one, 8 B and 64 B: at least 0.95 x the best ring, worst round 0.5 x",
             self.small_throughput()),
            ("crash safety, checks and sleeping: at most 5 % of the ring without them", self.crash_safety()),
            ("adaptive throughput: at least 0.9 x busy_spin", self.adaptive()),
            ("asleep: at most 1.15 x the futex; on one core at most 2 x a pipe", self.asleep()),
            ("claim and borrow: within 1.15 x of 64 B, 1.1 x the cache line, 8 x faster than iceoryx's loan",
             self.in_place()),
            ("1 MiB copied: at most 0.7 x the whole-message copy", self.large()),
            ("40-byte strings read in place: at least 80 M/s, 0.4 x fixed slots", self.strings()),
            ("mpmc: ahead of atomic_queue and boost::lockfree::queue, 1:1 and 2:2 (rigtorp::MPMCQueue is not in Debian)",
             self.many()),
            ("kernel transports one by one: latency at most 1.05 x, throughput at least 1.0 x, pipes 1.5 x",
             self.one_by_one()),
            ("kernel transports in batches: at least 0.9 x the best coalesced loop", self.batches()),
            ("packed seqpacket: at least 50 x one by one at 64 B", self.packed()),
            ("unix_stream, tcp: a third of the latency of ZeroMQ and nng, more throughput", self.brokers()),
            ("async: at most 1.1 x hand-written Asio; over a ring no slower than over unix_stream, with traffic 10 x faster",
             self.awaited()),
            ("rpc: a call at most 1.3 x two messages of the same transport", self.calls()),
            ("serialisation of an aggregate with strings: at least as fast as the fastest of cereal, "
             "Boost.Serialization, Protobuf, FlatBuffers", self.serialization()),
        ):
            table.add(goal)
            for check in checks:
                table.add(*check.row())
        return table
