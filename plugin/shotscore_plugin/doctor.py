"""`shotscore doctor`: what works on this machine and, where something does not, the remedy."""

import importlib
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from shotscore_engine.errors import ShotscoreError
from shotscore_engine.progress import Progress, silent

from .hosts import HOSTS, program

State = Literal["ok", "limited", "broken"]


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    name: str
    state: State
    """limited: Shotscore works, but not with this, or not as well; broken: it cannot score until this is mended."""
    detail: str
    remedy: str = ""
    """What to do; empty where nothing is needed."""


def examine(folder: Path, progress: Progress = silent) -> tuple[Finding, ...]:
    """Look at everything `score` needs; `folder` is where results would be written."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        _ffmpeg,
        _onnxruntime,
        _device,
        _soundfont,
        _player,
        _qt,
        *(partial(_writable, name, place) for name, place in _folders(folder)),
        *(partial(_host, name) for name in HOSTS),
    )
    findings = []
    for number, check in enumerate(checks):
        progress("examine", number / len(checks))
        findings.append(check())
    return tuple(findings)


def _python() -> Finding:
    # An older one cannot install shotscore, so there is nothing to judge.
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()} ({sys.executable})"
    return Finding("Python", "ok", detail)


def _ffmpeg() -> Finding:
    try:
        import av
    except ImportError as problem:
        return Finding("FFmpeg libraries", "broken", f"PyAV does not load: {problem}", "pip install --upgrade av")
    version = ".".join(map(str, av.library_versions["libavcodec"]))
    missing = [name for name in ("h264", "hevc", "prores", "aac", "pcm_s16le") if name not in av.codecs_available]
    detail = f"libavcodec {version}, by PyAV {av.__version__}"
    if missing:
        return Finding(
            "FFmpeg libraries", "limited", f"{detail}, without {', '.join(missing)}", "Install PyAV from its own wheel."
        )
    return Finding("FFmpeg libraries", "ok", detail)


def _onnxruntime() -> Finding:
    try:
        import onnxruntime
    except ImportError as problem:
        return Finding("ONNX Runtime", "broken", f"does not load: {problem}", "pip install --upgrade onnxruntime")
    providers = ", ".join(onnxruntime.get_available_providers())
    if _installed("onnxruntime") and _installed("onnxruntime_gpu"):
        return Finding(
            "ONNX Runtime",
            "limited",
            "onnxruntime and onnxruntime-gpu are both installed and overwrite each other",
            "pip uninstall onnxruntime onnxruntime-gpu, then install shotscore again.",
        )
    return Finding("ONNX Runtime", "ok", f"{onnxruntime.__version__} with {providers}")


def _installed(distribution: str) -> bool:
    from importlib import metadata

    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True


def _device() -> Finding:
    """The model is loaded for real: a provider that is there may still not start."""
    from shotscore_engine.denoiser import Denoiser

    try:
        model = Denoiser()
    except ShotscoreError as problem:
        return Finding("Model", "broken", str(problem), "Install shotscore again.")
    detail = f"{model.name} {model.sha256[:12]} runs on {model.device.provider}"
    if model.device.provider != "CPUExecutionProvider":
        return Finding("Model", "ok", detail)
    return Finding("Model", "ok", f"{detail}, at the speed of the processor", model.device.reason)


def _soundfont() -> Finding:
    from shotscore_exporters.soundfont import bundled_soundfont, find_soundfont

    remedy = "Install a better one (Debian: sudo apt install musescore-general-soundfont-small)."
    try:
        font = find_soundfont()
    except ShotscoreError as problem:
        return Finding("SoundFont", "broken", str(problem), remedy)
    if font == bundled_soundfont():
        return Finding("SoundFont", "limited", f"{font} (small, sounds like it)", remedy)
    return Finding("SoundFont", "ok", str(font))


def _player() -> Finding:
    from shotscore_exporters.synth import fluidsynth_library

    library = fluidsynth_library()
    if library is not None:
        return Finding("Player", "ok", f"FluidSynth ({library})")
    return Finding(
        "Player",
        "limited",
        "the built-in sampler",
        "Install FluidSynth to render faster (Debian: libfluidsynth3).",
    )


def _qt() -> Finding:
    """Qt is loaded for real: its libraries fail late where the system lacks theirs."""
    remedy = "pip install PySide6; on Debian also libpulse0. The command line works without."
    if importlib.util.find_spec("PySide6") is None:
        return Finding("Qt", "limited", "PySide6 is not installed; only a panel needs it", remedy)
    try:
        core, *_ = (importlib.import_module(f"PySide6.{name}") for name in ("QtCore", "QtWidgets", "QtMultimedia"))
    except ImportError as problem:
        return Finding("Qt", "limited", f"PySide6 does not load: {problem}", remedy)
    return Finding("Qt", "ok", f"PySide6 with Qt {core.qVersion()}")


def _folders(folder: Path) -> tuple[tuple[str, Path], ...]:
    import platformdirs

    return (
        ("Output folder", folder),
        ("Temporary folder", Path(tempfile.gettempdir())),
        ("Cache folder", Path(platformdirs.user_cache_dir("shotscore"))),
    )


def _writable(name: str, folder: Path) -> Finding:
    place = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as problem:
        remedy = f"Give yourself the right to write to {place}, or choose another folder."
        return Finding(name, "broken", f"{folder} cannot be written to: {problem.strerror}", remedy)
    return Finding(name, "ok", f"{folder}{'' if folder == place else ' (will be made)'}")


def _host(name: str) -> Finding:
    """An editor: never broken, for Shotscore scores without any."""
    host = program(name)
    try:
        check = host.check()
    except ShotscoreError as problem:
        return Finding(host.title, "limited", str(problem), f"shotscore hosts install {name}")
    return Finding(host.title, "ok" if check.state == "ok" else "limited", check.detail, check.remedy)


def answer(findings: tuple[Finding, ...]) -> dict[str, object]:
    """The findings for `--json`."""
    rows = [{"name": f.name, "state": f.state, "detail": f.detail, "remedy": f.remedy} for f in findings]
    return {"ok": all(f.state != "broken" for f in findings), "cores": os.cpu_count(), "checks": rows}


def table(findings: tuple[Finding, ...]) -> str:
    """The findings for a person."""
    width = max(len(f.name) for f in findings)
    lines = []
    for f in findings:
        lines.append(f"{f.state:8}{f.name:{width}}  {f.detail}")
        if f.remedy:
            lines.append(f"{'':8}{'':{width}}  -> {f.remedy}")
    return "\n".join(lines)
