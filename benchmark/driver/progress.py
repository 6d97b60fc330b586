# Distributed under the Boost Software License, Version 1.0.
"""One line on stderr that says what runs and how much time is left; a line every ten seconds where that is a file."""

import sys
import time


class Progress:
    def __init__(self, out=sys.stderr):
        self.out, self.terminal = out, out.isatty()
        self.last = -10.0

    def say(self, text):
        """Overwritten by the next one."""
        now = time.monotonic()
        if now - self.last < (0.1 if self.terminal else 10):
            return
        self.last = now
        self.out.write(f"\r\033[K{text[:150]}" if self.terminal else f"{text}\n")
        self.out.flush()

    def note(self, text):
        """Stays."""
        self.out.write(f"\r\033[K{text}\n" if self.terminal else f"{text}\n")
        self.out.flush()

    def done(self):
        if self.terminal:
            self.out.write("\r\033[K")
            self.out.flush()
