# Distributed under the Boost Software License, Version 1.0.
"""The machine: which cores to use, whether it is idle, what it is."""

import os
import pathlib
import platform
import resource
import time


def read(path):
    try:
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return ""


def choose_cpus():
    """Allowed CPUs, one of each physical core first, so that two ends never share a core unless there is only one."""
    allowed = sorted(os.sched_getaffinity(0))
    firsts, seen = [], set()
    for cpu in allowed:
        siblings = read(f"/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list") or str(cpu)
        if siblings not in seen:
            seen.add(siblings)
            firsts.append(cpu)
    return firsts + [cpu for cpu in allowed if cpu not in firsts]


def cpus_for(placement, cpus):
    """The CPUs to pass to a measuring program: sender, receiver, sender, receiver."""
    first, second = cpus[0], cpus[1 % len(cpus)]
    if placement in ("same core", "alone"):
        return [first, first]
    if placement == "2:2":
        return cpus[:4] if len(cpus) >= 4 else [first, second, first, second]
    return [first, second]


class CpuTimes:
    """What became of the time of some CPUs since the last look: the shares of all programs, of the host's other guests,
    and of programs that this one did not start."""

    def __init__(self, cpus):
        self.names = {f"cpu{cpu}" for cpu in cpus}
        self.last = self.now()

    def now(self):
        lines = (line.split() for line in read("/proc/stat").splitlines())
        fields = [[int(n) for n in line[1:9]] for line in lines if line[0] in self.names]
        spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        own = sum(usage.ru_utime + usage.ru_stime for usage in spent) * os.sysconf("SC_CLK_TCK")
        return [sum(column) for column in zip(*fields)] + [own]

    def shares(self):
        now = self.now()
        *spent, own = (n - l for n, l in zip(now, self.last))
        self.last = now
        if len(spent) < 8 or not sum(spent):
            return 0.0, 0.0, 0.0
        total, stolen = sum(spent), spent[7]
        busy = total - spent[3] - spent[4]  # all but idle and iowait
        return busy / total, stolen / total, max(busy - stolen - own, 0) / total


def wait_for_idle(cpus, patience, say, share=0.08):
    """Waits until other programs leave the CPUs alone, at most `patience` seconds; says it when they do not."""
    end = time.monotonic() + patience
    times = CpuTimes(cpus)
    while True:
        time.sleep(0.25)
        busy, _, _ = times.shares()
        if busy <= share:
            return None
        if time.monotonic() >= end:
            return f"other programs used {busy:.0%} of the cores when it began"
        say(f"waiting for an idle machine ({busy:.0%} busy)")


def describe(cpus):
    info = read("/proc/cpuinfo")
    model = next((line.split(":", 1)[1].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    return {
        "cpu": model,
        "cpus": len(os.sched_getaffinity(0)),
        "used_cpus": cpus[:4],
        "virtual": "hypervisor" in info,
        "kernel": platform.release(),
        "governor": read(f"/sys/devices/system/cpu/cpu{cpus[0]}/cpufreq/scaling_governor") or "not visible",
        "load_before": os.getloadavg()[0],
    }
