"""What a piece of work took: seconds by stage, and the most memory the process ever held."""

import sys
import time

from .progress import Progress, silent


class Stopwatch:
    """A `Progress` that passes everything on and notes how long each stage was at work.

    Time counts for the stage last named, from its first call to the first call of another.
    """

    def __init__(self, inner: Progress = silent) -> None:
        self._inner = inner
        self._stage: str | None = None
        self._since = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def __call__(self, stage: str, done: float) -> None:
        """Count the time until now for the stage before, and pass the call on."""
        self._settle()
        self._stage = stage
        self._inner(stage, done)

    def seconds(self) -> dict[str, float]:
        """Seconds by stage, up to now."""
        self._settle()
        return dict(self._seconds)

    def _settle(self) -> None:
        now = time.perf_counter()
        if self._stage is not None:
            self._seconds[self._stage] = self._seconds.get(self._stage, 0.0) + now - self._since
        self._since = now


def peak_memory_bytes() -> int:
    """The most memory this process has held at once; 0 where the system does not say."""
    if sys.platform == "win32":
        return _windows_peak()
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # kibibytes everywhere but on macOS


def _windows_peak() -> int:
    import ctypes

    class Counters(ctypes.Structure):
        """PROCESS_MEMORY_COUNTERS of psapi.h."""

        _fields_ = (
            ("size", ctypes.c_uint32),
            ("page_faults", ctypes.c_uint32),
            *((name, ctypes.c_size_t) for name in ("peak", "now", "pp", "p", "pnp", "np", "pagefile", "peak_pagefile")),
        )

    counters = Counters(size=ctypes.sizeof(Counters))
    kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined,unused-ignore]  # Windows only
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    kernel.K32GetProcessMemoryInfo.argtypes = (ctypes.c_void_p, ctypes.POINTER(Counters), ctypes.c_uint32)
    kernel.K32GetProcessMemoryInfo(kernel.GetCurrentProcess(), ctypes.byref(counters), counters.size)
    return int(counters.peak)
