"""How long something takes."""

import time
from collections.abc import Callable


def best(times: int, work: Callable[[], object]) -> float:
    """Seconds of the quickest of `times` runs."""

    def once() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    return min(once() for _ in range(times))
