"""Real Blenders for tests: the module bpy from PyPI in environments of their own, and a person's hands in them.

`tests/editors/setup_blender.sh` makes the environments; SHOTSCORE_BPY names their Pythons, parted by `os.pathsep`.
"""

import json
import os
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

_APP = ("--background", "--factory-startup", "--python-exit-code", "1", "--python")
SCRIPT = Path(__file__).parent.parent / "editors" / "in_blender.py"


def pythons(sound: bool | None = None) -> dict[str, Path]:
    """Blender's version, as the environment is called, -> its Python (or Blender itself, called "app").

    `sound`: only those built with it, or only those without: PyPI's bpy 4.2 knows no sound at all.
    """
    named = [Path(one) for one in os.environ.get("SHOTSCORE_BPY", "").split(os.pathsep) if one]
    found = {"app" if _is_app(path) else path.parent.parent.name.removeprefix("bpy-"): path for path in named}
    return {name: path for name, path in found.items() if sound in (None, not _silent(path))}


def _is_app(path: Path) -> bool:
    return path.name.startswith("blender")


def _silent(path: Path) -> bool:
    return (path.parent.parent / "silent").exists()


class BlenderApp:
    """A Blender in background mode with our add-on in it."""

    def __init__(self, python: Path, source: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.log = folder / "blender.log"
        self._log = self.log.open("wb")
        self._process = subprocess.Popen(
            [python, *(_APP if _is_app(python) else ()), SCRIPT, *(["--"] if _is_app(python) else ()), source],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "XDG_CONFIG_HOME": str(folder / "config"), **(environment or {})},
        )
        self.version = str(self._answer(300))

    def __enter__(self) -> "BlenderApp":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def do(self, what: str, within: float = 1000, **values: Any) -> Any:
        """One of `in_blender.py`'s functions."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": what, "with": values}).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer(within)

    def close(self) -> None:
        """Let Blender end by itself, or end it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def kill(self) -> None:
        """As if it crashed."""
        self._process.kill()
        self._process.wait()

    def _answer(self, seconds: float) -> Any:
        assert self._process.stdout is not None
        late = threading.Timer(seconds, self._process.kill)
        late.start()
        line = self._process.stdout.readline()
        while line and not line.startswith(b"{"):  # Blender itself greets before it runs the script
            line = self._process.stdout.readline()
        late.cancel()
        if not line:
            raise AssertionError(f"Blender ended: {self.log.read_text()[-3000:]}")
        answer = json.loads(line)
        assert "ok" in answer, answer.get("error")
        return answer["ok"]
