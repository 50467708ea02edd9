"""Nothing that is loaded can run code: no pickle anywhere, torch's weights only, models bounded and known by hash."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from shotscore_engine import denoiser
from shotscore_engine.denoiser import Denoiser
from shotscore_engine.errors import ModelError

ROOT = Path(__file__).parents[2]
OURS = sorted(
    path for folder in ("engine", "exporters", "ui", "plugin", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """(dotted name, call) of every call."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    """The literal given for a keyword; None where it is not given or no literal."""
    for given in call.keywords:
        if given.arg == name and isinstance(given.value, ast.Constant):
            return given.value.value
    return None


def violations(source: str) -> list[str]:
    """What in a module could run code that came with data."""
    tree = ast.parse(source)
    found = []
    for node in ast.walk(tree):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        found += [f"imports {module}" for module in modules if module.split(".")[0] in PICKLES]
    for called, call in calls(tree):
        if called in ("np.load", "numpy.load") and keyword(call, "allow_pickle") is not False:
            found.append(f"line {call.lineno}: {called} without allow_pickle=False")
        if called == "torch.load" and keyword(call, "weights_only") is not True:
            found.append(f"line {call.lineno}: torch.load without weights_only=True")
        if called in ("eval", "exec", "__import__", "os.system", "pickle.load", "pickle.loads", "torch.jit.load"):
            found.append(f"line {call.lineno}: {called}")
        if keyword(call, "shell") is True:
            found.append(f"line {call.lineno}: a shell")
        if keyword(call, "allow_pickle") is True:
            found.append(f"line {call.lineno}: allow_pickle=True")
    return found


@pytest.mark.parametrize("path", OURS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_loaded_can_run_code(path: Path) -> None:
    assert not violations(path.read_text())


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load('a.npy')",
        "np.load('a.npy', allow_pickle=True)",
        "torch.load('a.pt')",
        "torch.load('a.pt', weights_only=False)",
        "eval(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_the_look_finds_what_it_looks_for(source: str) -> None:
    assert violations(source)


def test_models_are_bounded_and_known_by_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:
        file.truncate(denoiser.LARGEST_MODEL_BYTES + 1)  # a hole: no disk is used
    with pytest.raises(ModelError, match="bytes"):
        Denoiser(path, "cpu")
    model = Denoiser(device="cpu", threads=1)
    before = model.sha256
    changed = tmp_path / "denoiser.onnx"
    changed.write_bytes(model.path.read_bytes() + b"\0")
    monkeypatch.delitem(model.__dict__, "sha256")
    model.path = changed
    assert model.sha256 != before


def test_every_model_has_a_card() -> None:
    folder = ROOT / "engine" / "shotscore_engine" / "models"
    cards = "".join(path.read_text() for path in folder.glob("*.md"))
    for path in folder.glob("*.onnx"):
        assert path.name in cards or path.with_suffix(".md").exists(), path.name
