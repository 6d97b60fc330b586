# Distributed under the Boost Software License, Version 1.0.
"""The daemon that iceoryx needs."""

import pathlib
import shutil
import subprocess
import time

# Mempools up to the largest message; otherwise the daemon's defaults. Its own advice: one pool for each size in use.
POOLS = ((128, 10000), (512, 5000), (2048, 2000), (8192, 1000), (66048, 300), (1049088, 60), (4194816, 30))


def config():
    pools = "".join(f"[[segment.mempool]]\nsize = {size}\ncount = {count}\n" for size, count in POOLS)
    return f"[general]\nversion = 1\n\n[[segment]]\n{pools}"


class RouDi:
    """A context in which iox-roudi runs; `missing` says why when it does not."""

    def __init__(self, folder, wanted):
        self.folder, self.wanted, self.process, self.missing = pathlib.Path(folder), wanted, None, ""

    def __enter__(self):
        if not self.wanted:
            return self
        program = shutil.which("iox-roudi")
        if not program:
            self.missing = "its daemon iox-roudi is not installed"
            return self
        path = self.folder / "roudi.toml"
        path.write_text(config())
        log = self.folder / "roudi.log"
        with log.open("wb") as out:
            self.process = subprocess.Popen([program, "-c", str(path)], stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=subprocess.STDOUT, start_new_session=True)
        if not self.ready(log, 10):
            self.stop()
            self.missing = f"its daemon iox-roudi did not become ready (does another one run? see {log})"
        return self

    def ready(self, log, patience):
        end = time.monotonic() + patience
        while time.monotonic() < end and self.process.poll() is None:
            if b"ready for clients" in log.read_bytes():
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, *_):
        if self.process and self.process.returncode is None:
            self.stop()
