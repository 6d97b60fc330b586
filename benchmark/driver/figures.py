# Distributed under the Boost Software License, Version 1.0.
"""Figures of a few rounds: median and spread, the winner of a comparison, and what lies outside the noise."""

import statistics
from dataclasses import dataclass

# Two runs of equal speed differ by chance. That ranges do not overlap happens in 10 % of the comparisons of 3 rounds
# with 3; so with few rounds the gap must be as wide as this share of the wider range. Then it is below 1 % for normally
# distributed noise of any size (simulated).
GAP_BY_ROUNDS = {3: 1.0, 4: 0.5}
FEWEST_ROUNDS = 3
SMALLEST_CHANGE = 0.05
EVEN = 0.02  # a ratio nearer to 1 is neither a win nor a loss, however well the rounds agree


@dataclass(frozen=True)
class Spread:
    """The median of the rounds and their extremes."""

    median: float
    low: float
    high: float
    rounds: int


def spread(values):
    """The spread of some values; None when there are none."""
    values = list(values)
    if not values:
        return None
    return Spread(statistics.median(values), min(values), max(values), len(values))


def ratios(numerators, denominators):
    """Both are {round: value}; the quotients of those rounds that have both."""
    return {r: n / denominators[r] for r, n in numerators.items() if denominators.get(r)}


def verdict(ratio, lower_is_better):
    """WIN or LOSS when every round says so, else even. A single round says nothing."""
    if ratio is None or ratio.rounds < 2:
        return ""
    if ratio.low <= 1.0 <= ratio.high or abs(ratio.median - 1.0) < EVEN:
        return "even"
    return "WIN" if (ratio.high < 1.0) == lower_is_better else "LOSS"


def moved(before, after):
    """The relative change of the median if it is beyond the noise, else 0.0. None: too few rounds to say.

    Beyond the noise: the ranges of the two do not overlap, the gap between them is wide enough for the number of
    rounds, and the medians differ by SMALLEST_CHANGE or more.
    """
    fewest = min(len(before), len(after))
    if fewest < FEWEST_ROUNDS:
        return None
    old, new = spread(before), spread(after)
    gap = max(new.low - old.high, old.low - new.high)
    noise = max(new.high - new.low, old.high - old.low)
    if gap <= 0 or gap < GAP_BY_ROUNDS.get(fewest, 0.0) * noise:
        return 0.0
    change = new.median / old.median - 1.0
    return change if abs(change) >= SMALLEST_CHANGE else 0.0
