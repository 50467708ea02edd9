"""The wheel: what a `pip install` brings."""

import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("shotscore_engine", "shotscore_exporters", "shotscore_ui", "shotscore_plugin")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "-q",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    assert wheel.stat().st_size < 95e6
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        unpacked = sum(entry.file_size for entry in archive.infolist())
    assert unpacked < 200e6
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    for package in PACKAGES:
        assert f"{package}/py.typed" in names
    tracked = subprocess.run(
        ["git", "ls-files", "engine", "exporters", "ui", "plugin"], cwd=ROOT, check=True, capture_output=True
    )
    expected = {name.split("/", 1)[1] for name in tracked.stdout.decode().splitlines()}
    assert expected - set(names) == set()
    assert not any(name.endswith((".pyc", ".pt", ".pth", ".ckpt", ".pkl")) for name in names)


def test_every_model_has_its_card(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        cards = {name: archive.read(name).decode() for name in names if "/models/" in name and name.endswith(".md")}
    models = {name for name in names if "/models/" in name and name.endswith(".onnx")}
    assert "shotscore_engine/models/denoiser.onnx" in models
    for model in models:
        stem = Path(model).stem
        card = cards.get(f"shotscore_engine/models/{stem}.md") or next(
            (text for text in cards.values() if f"{stem}.onnx" in text), ""
        )
        assert "icen" in card, f"{model} has no card that names its licence"  # licence, Licence, License


def test_what_it_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        headers = Parser().parsestr(archive.read(metadata).decode())
        assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())
    needs = headers.get_all("Requires-Dist") or []
    always = [need for need in needs if "extra ==" not in need]
    assert headers["License-Expression"] == "Apache-2.0"
    assert not [need for need in always if need.lower().startswith(("torch", "onnx>", "matplotlib"))]
    assert [need for need in needs if need.startswith("torch") and 'extra == "train"' in need.replace("'", '"')]
    assert [need for need in needs if need.startswith("onnxruntime-gpu[cuda,cudnn]")]
    # Two builds of one import name must never meet.
    assert {"scenedetect", "opencv-python"}.isdisjoint(need.split(">")[0].strip() for need in always)
