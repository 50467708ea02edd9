"""Store a network's large weights as int8: a quarter of the file, and still multiplied in float.

Symmetric, one scale per output channel, a DequantizeLinear in front of each use. Unlike 8-bit arithmetic (dynamic
quantisation) this gives the same numbers on every processor: 8-bit products saturate where VNNI is missing.
"""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

QUANTISED_FROM = 4_000
"""Weights of fewer numbers stay as they are; they are too small to matter."""
MULTIPLYING = ("Gather", "Conv", "Gemm", "MatMul")
FAN_IN_FROM = 64
"""Convolutions that add up fewer numbers (the stem, filters of one channel) stay too: their errors do not average out,
and they are few."""


def _channel_axis(users: list[NodeProto], name: str) -> int:
    """Where the output channels of a weight lie, by the operation that uses it."""
    user = users[0]
    if user.op_type in ("Gather", "Conv"):
        return 0
    if user.op_type == "Gemm" and user.input[1] == name and any(a.name == "transB" and a.i for a in user.attribute):
        return 0
    return 1


def _whole(weight: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(int8 weight, scale per channel): weight is nearly whole * scale."""
    others = tuple(i for i in range(weight.ndim) if i != axis)
    scale = np.maximum(np.abs(weight).max(axis=others), 1e-12).astype(np.float32) / 127
    shape = [1] * weight.ndim
    shape[axis] = -1
    return np.round(weight / scale.reshape(shape)).clip(-127, 127).astype(np.int8), scale


def store_as_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` changed in place and checked; matrices, convolutions and look-up tables become int8."""
    graph = model.graph
    for initialiser in list(graph.initializer):
        weight = numpy_helper.to_array(initialiser)
        name = initialiser.name
        users = [node for node in graph.node if name in node.input and node.op_type in MULTIPLYING]
        if weight.dtype != np.float32 or weight.ndim < 2 or weight.size < QUANTISED_FROM or not users:
            continue
        if users[0].op_type == "Conv" and weight[0].size < FAN_IN_FROM:
            continue
        axis = _channel_axis(users, name)
        whole, scale = _whole(weight, axis)
        graph.initializer.remove(initialiser)
        graph.initializer.append(numpy_helper.from_array(whole, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        if all(node.op_type == "Gather" for node in users):
            _look_up_then_scale(graph, users, name)
        else:
            node = helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis)
            graph.node.insert(0, node)
    onnx.checker.check_model(model, full_check=True)
    return model


def _look_up_then_scale(graph: GraphProto, users: list[NodeProto], name: str) -> None:
    """Gather(table) -> Gather(int8 table) * Gather(scale): only the rows in use are multiplied out."""
    graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), f"{name}_last_axis"))
    for gather in users:
        at = list(graph.node).index(gather)
        ids, out = gather.input[1], gather.output[0]
        new = [
            helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"]),
            helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{name}_scale", ids], [f"{out}_scale"]),
            helper.make_node("Unsqueeze", [f"{out}_scale", f"{name}_last_axis"], [f"{out}_column"]),
            helper.make_node("Mul", [f"{out}_float", f"{out}_column"], [out]),
        ]
        graph.node.remove(gather)
        for offset, node in enumerate(new):
            graph.node.insert(at + offset, node)


def without_traces(model: onnx.ModelProto, note: str) -> onnx.ModelProto:
    """`model` changed in place: what the exporter noted of its own machine is dropped, `note` says what it is."""
    del model.metadata_props[:]
    model.doc_string = note
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    return model
