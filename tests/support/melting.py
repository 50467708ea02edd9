"""melt, the player of MLT: it tells what a document sounds like."""

import subprocess
import time
from pathlib import Path

import pytest

_PATIENCE_SECONDS = 3.0


def melt(document: Path | str, played: Path, *options: str) -> None:
    """Play a document to a WAV file of 48 kHz stereo.

    melt 7.12 now and then waits for ever on a consumer thread that has ended before it began (its main loop alone is
    left): it is asked again then.
    """
    consumer = ["-consumer", f"avformat:{played}", "ar=48000", "ac=2", "acodec=pcm_s16le", "vn=1", "real_time=-1"]
    command = ["melt", "-silent", str(document), *options, *consumer]
    nothing = subprocess.DEVNULL
    for _ in range(10):
        played.unlink(missing_ok=True)
        with subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing) as program:
            try:
                if _ends(program, played):
                    assert program.returncode == 0
                    return
            finally:
                program.kill()
    pytest.fail(f"melt did not play {document} in ten attempts")


def _ends(program: subprocess.Popen[bytes], played: Path, seconds: float = 600.0) -> bool:
    """Wait for the end; False as soon as there is nobody left to come to it."""
    end = time.monotonic() + seconds
    busy = time.monotonic()
    while program.poll() is None:
        alone = played.exists() and len(list(Path(f"/proc/{program.pid}/task").glob("*"))) == 1
        busy = busy if alone else time.monotonic()
        if time.monotonic() - busy > _PATIENCE_SECONDS:
            return False
        assert time.monotonic() < end, f"melt plays for more than {seconds:g} s"
        time.sleep(0.1)
    return True
