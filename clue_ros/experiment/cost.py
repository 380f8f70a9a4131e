"""What an answer costs: contestants in turns on the same requests, in one process."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Mapping

import numpy as np
from tqdm import trange

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.metrics import Floats
from clue_ros.experiment.setting import Arrays

_WARM_UP = 2  # requests
SPREAD = (10, 50, 90)  # percentiles


def race(contestants: Mapping[str, Callable[[int], object]], rounds: int) -> Arrays:
    """Seconds (rounds,) of each contestant; each is called with the numbers 0..rounds-1.

    What they return must be on the host, so that nothing is still being computed.
    """
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in trange(-_WARM_UP, rounds, desc='costs', mininterval=5):
        start = number % len(names)  # another one begins each time
        for name in names[start:] + names[:start]:
            begin = time.perf_counter()
            contestants[name](max(number, 0))
            if number >= 0:
                seconds[name].append(time.perf_counter() - begin)
    return {name: np.array(values) for name, values in seconds.items()}


def relative(seconds: Floats, reference: Floats) -> Figure:
    """How many times as long as the reference it takes: median, and p10 to p90 over the rounds."""
    low, middle, high = np.percentile(seconds / reference, SPREAD)
    return Figure(float(middle), float(low), float(high), len(seconds))
