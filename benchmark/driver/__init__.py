# Distributed under the Boost Software License, Version 1.0.
"""The driver of the benchmark: runs the measuring programs in interleaved rounds, and reports. Method: ../README.md."""
