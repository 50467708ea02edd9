"""Musicnn as ONNX, for P@K: `python -m shotscore_engine.training.export_musicnn WHEEL_OR_FOLDER [OUT.onnx]`.

Musicnn (Pons and Serra, ISMIR 2019 late-breaking; PyPI package `musicnn`, ISC licence) tags music from mel
spectrograms of three seconds. Its weights come as a TensorFlow 1 checkpoint. TensorFlow is not needed here: the
checkpoint's index is a LevelDB table of protocol buffers, its data plain little-endian floats, and the network is
written down below layer by layer, batch normalisations folded into scale and offset.

    pip download --no-deps musicnn==0.1.0
    python -m shotscore_engine.training.export_musicnn musicnn-0.1.0-py3-none-any.whl

Only the part up to the penultimate layer is exported (200 numbers a patch); its input is named `mel`
(patches, 187 frames, 96 bands), its output `penultimate` (patches, 200).
"""

import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from ..metrics.retrieval import FEATURES, MEL_BANDS, MUSICNN_PATH, PATCH_FRAMES

CHECKPOINT = "musicnn/MSD_musicnn"
"""The model trained on the Million Song Dataset, the package's usual choice."""

_TABLE_MAGIC = 0xDB4775248B80FB57
_FOOTER_BYTES = 48
_FLOAT = 1
_BATCH_NORM_EPSILON = 1e-3

Weights = dict[str, NDArray[np.float32]]


# --- TensorFlow's checkpoint ------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A base-128 number and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block: keys share a prefix with the key before them."""
    if table[offset + size] != 0:
        raise ModelError("The checkpoint's index is compressed; only plain ones can be read.")
    data = table[offset : offset + size]
    restarts = int.from_bytes(data[-4:], "little")
    end, at, key = len(data) - 4 * (restarts + 1), 0, b""
    while at < end:
        shared, at = _varint(data, at)
        fresh, at = _varint(data, at)
        length, at = _varint(data, at)
        key = key[:shared] + data[at : at + fresh]
        yield key, data[at + fresh : at + fresh + length]
        at += fresh + length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Fields of a protocol buffer: their number, and a whole number or bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        value: int | bytes
        match tag & 7:
            case 0:
                value, at = _varint(message, at)
            case 2:
                size, at = _varint(message, at)
                value, at = message[at : at + size], at + size
            case 5:
                value, at = message[at : at + 4], at + 4
            case 1:
                value, at = message[at : at + 8], at + 8
            case other:
                raise ModelError(f"The checkpoint's index holds a field of unknown kind {other}.")
        yield tag >> 3, value


def read_checkpoint(index: bytes, data: bytes) -> Weights:
    """The float variables of a checkpoint of one shard, by name.

    Raises ModelError where `index` is no checkpoint's index.
    """
    if len(index) < _FOOTER_BYTES or int.from_bytes(index[-8:], "little") != _TABLE_MAGIC:
        raise ModelError(f"The index of {len(index)} bytes is not a TensorFlow checkpoint's; name the musicnn package.")
    footer = index[-_FOOTER_BYTES:]
    at = 0
    for _ in range(2):  # the handle of the table's own metadata
        _, at = _varint(footer, at)
    offset, at = _varint(footer, at)
    size, at = _varint(footer, at)
    weights: Weights = {}
    for _key, handle in _block(index, offset, size):
        block_offset, after = _varint(handle, 0)
        block_size, _ = _varint(handle, after)
        for name, entry in _block(index, block_offset, block_size):
            fields = dict(_fields(entry))
            if not name or fields.get(1) != _FLOAT:
                continue
            shape_message = fields.get(2, b"")
            assert isinstance(shape_message, bytes)
            shape = [
                dict(_fields(dim)).get(1, 0)
                for number, dim in _fields(shape_message)
                if number == 2 and isinstance(dim, bytes)
            ]
            begin, length = fields.get(4, 0), fields.get(5, 0)
            assert isinstance(begin, int)
            assert isinstance(length, int)
            weights[name.decode()] = np.frombuffer(data[begin : begin + length], "<f4").reshape(shape)  # type: ignore[arg-type]
    return weights


def read_package(package: Path) -> Weights:
    """The weights in the musicnn wheel, or in the folder it was unpacked to.

    Raises ModelError where they are not there.
    """
    names = [f"{CHECKPOINT}/.index", f"{CHECKPOINT}/.data-00000-of-00001"]
    try:
        if package.is_dir():
            index, data = ((package / name).read_bytes() for name in names)
        else:
            with zipfile.ZipFile(package) as archive:
                index, data = (archive.read(name) for name in names)
    except (OSError, KeyError, zipfile.BadZipFile) as problem:
        raise ModelError(
            f"{package} does not hold {names[0]}; name the musicnn wheel from PyPI or its folder."
        ) from problem
    return read_checkpoint(index, data)


# --- the network ------------------------------------------------------------------------------------------------


class _Graph:
    """An ONNX graph being written, tensors in ONNX's order (batch, channels, time, bands)."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self._convolutions = self._norms = 0

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def convolve(self, x: str, pads: tuple[int, int]) -> str:
        """The next convolution in order, zeros before and after in time, and its rectifier."""
        name = "conv2d" + (f"_{self._convolutions}" if self._convolutions else "")
        self._convolutions += 1
        kernel = self.weights[f"{name}/kernel"].transpose(3, 2, 0, 1)
        inputs = [x, self.constant(f"{name}_w", kernel), self.constant(f"{name}_b", self.weights[f"{name}/bias"])]
        return self.node("Relu", [self.node("Conv", inputs, pads=[pads[0], 0, pads[1], 0])])

    def normalise(self, x: str, axes: int) -> str:
        """The next batch normalisation in order, as scale and offset of channels followed by `axes` axes."""
        name = "batch_normalization" + (f"_{self._norms}" if self._norms else "")
        self._norms += 1
        gamma, beta, mean, variance = (
            self.weights[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + _BATCH_NORM_EPSILON)
        shape = (-1,) + (1,) * axes
        scaled = self.node("Mul", [x, self.constant(f"{name}_scale", scale.reshape(shape))])
        return self.node("Add", [scaled, self.constant(f"{name}_offset", (beta - mean * scale).reshape(shape))])


def build(weights: Weights) -> Any:
    """The ONNX model from mel patches to the penultimate layer."""
    import onnx
    from onnx import TensorProto, helper

    g = _Graph(weights)
    one = g.constant("axis_1", np.array([1], np.int64))
    three = g.constant("axis_3", np.array([3], np.int64))
    x = g.normalise(g.node("Unsqueeze", ["mel", one]), 2)
    fronts = []
    # Two shapes for timbre (7 frames by 0.4 and 0.7 of the bands), three for rhythm (128, 64, 32 frames). "Same"
    # padding of an even kernel puts the odd frame behind.
    for pads in ((3, 3), (3, 3), (63, 64), (31, 32), (15, 16)):
        y = g.normalise(g.convolve(x, pads), 2)
        fronts.append(g.node("ReduceMax", [y, three], keepdims=0))
    front = g.node("Concat", fronts, axis=1)  # (batch, channels, time)
    layers = [front]

    def across(y: str) -> str:
        """The channels as bands of an image with one channel: (batch, 1, time, channels)."""
        return g.node("Unsqueeze", [g.node("Transpose", [y], perm=[0, 2, 1]), one])

    for layer in range(3):
        y = g.normalise(g.convolve(across(layers[-1]), (3, 3)), 2)
        y = g.node("Squeeze", [y, three])
        layers.append(y if layer == 0 else g.node("Add", [y, layers[-1]]))
    middle = g.node("Concat", layers, axis=1)
    two = g.constant("axis_2", np.array([2], np.int64))
    largest = g.node("ReduceMax", [middle, two], keepdims=0)
    mean = g.node("ReduceMean", [middle, two], keepdims=0)
    # Flattened channel by channel: maximum, mean, maximum, mean …
    pairs = g.node("Concat", [g.node("Unsqueeze", [y, two]) for y in (largest, mean)], axis=2)
    y = g.normalise(g.node("Flatten", [pairs], axis=1), 0)
    kernel, bias = g.constant("dense_w", weights["dense/kernel"]), g.constant("dense_b", weights["dense/bias"])
    y = g.normalise(g.node("Relu", [g.node("Gemm", [y, kernel, bias])]), 0)
    g.nodes.append(helper.make_node("Identity", [y], ["penultimate"]))
    graph = helper.make_graph(
        g.nodes,
        "musicnn",
        [helper.make_tensor_value_info("mel", TensorProto.FLOAT, ["patches", PATCH_FRAMES, MEL_BANDS])],
        [helper.make_tensor_value_info("penultimate", TensorProto.FLOAT, ["patches", FEATURES])],
        g.initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def main(arguments: list[str]) -> None:
    """Writes the model and says how large it is."""
    import onnx

    out = Path(arguments[1]) if len(arguments) > 1 else MUSICNN_PATH
    onnx.save(build(read_package(Path(arguments[0]))), str(out))
    print(f"{out}: {out.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
