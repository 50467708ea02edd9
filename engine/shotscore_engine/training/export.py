"""Exports codec and denoiser to ONNX: `python -m shotscore_engine.training.export --codec FOLDER --denoiser FOLDER`.

Weights are stored as half floats and widened when a session loads them, so the files are half as large and the
arithmetic is single precision. Each file is checked against torch (with the same rounded weights) before it is kept.
Inputs and outputs are named, batch and beats are dynamic, and what the sampler must know (latent width, statistics,
configuration, training steps) stands in the metadata.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file
from torch import nn

from ..conditions import FRAME_WIDTH
from ..errors import ModelError
from ..features import LANGUAGE_WIDTH, VISUAL_WIDTH
from ..roll import PARTS
from .latents import load_codec
from .model import CELLS, Denoise, Denoiser, DenoiserConfig, describe_config

OPSET = 18
TOLERANCE = 1e-4
MODELS = Path(__file__).parents[1] / "models"


def halve(module: nn.Module) -> nn.Module:
    """Rounds every weight to half precision, in place, keeping single-precision arithmetic."""
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return module


def store_half(model: onnx.ModelProto, smallest: int = 1024) -> None:
    """Replaces large float initializers by half ones with a Cast behind each; ONNX Runtime folds the casts at load."""
    graph = model.graph
    casts = []
    for initializer in list(graph.initializer):
        if initializer.data_type != TensorProto.FLOAT or np.prod(initializer.dims) < smallest:
            continue
        values = numpy_helper.to_array(initializer).astype(np.float16)
        stored = numpy_helper.from_array(values, initializer.name + ".half")
        casts.append(helper.make_node("Cast", [stored.name], [initializer.name], to=TensorProto.FLOAT))
        graph.initializer.remove(initializer)
        graph.initializer.append(stored)
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


_GELU = ["Pow", "Mul", "Add", "Mul", "Tanh", "Add", "Mul", "Mul"]


def fuse_gelu(model: onnx.ModelProto) -> None:
    """Makes one FastGelu of the eight nodes a GELU is exported as; ONNX Runtime does not find the pattern by itself."""
    graph = model.graph
    for first in [node for node in graph.node if node.op_type == "Pow"]:
        x, out, chain = first.input[0], first.output[0], [first]
        while len(chain) < len(_GELU):
            users = [node for node in graph.node if out in node.input]
            if len(users) != 1:
                break
            chain.append(users[0])
            out = users[0].output[0]
        if [node.op_type for node in chain] != _GELU or x not in chain[-1].input:
            continue
        at = list(graph.node).index(first)
        for node in chain:
            graph.node.remove(node)
        graph.node.insert(at, helper.make_node("FastGelu", [x], [out], domain="com.microsoft"))
    if any(node.domain == "com.microsoft" for node in graph.node):
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))


def export(
    module: nn.Module,
    path: Path,
    inputs: dict[str, torch.Tensor],
    outputs: Sequence[str],
    metadata: dict[str, str],
) -> float:
    """Writes `module` to `path`; returns the largest difference from torch on a longer input.

    Every tensor input whose second axis is beats gets it as a dynamic axis. Raises ModelError past TOLERANCE.
    """
    import onnxruntime

    halve(module.eval())
    beats = torch.export.Dim("beats", min=2, max=8192)
    batch = torch.export.Dim("batch", min=1, max=64)
    shapes = tuple(
        {0: batch} | ({1: beats} if tensor.ndim > 1 else {}) | ({2: beats} if name == "sac_mask" else {})
        for name, tensor in inputs.items()
    )
    dynamic_shapes = (*shapes[:2], tuple(shapes[2:])) if isinstance(module, Denoise) else shapes
    program = torch.onnx.export(
        module, tuple(inputs.values()), dynamo=True, opset_version=OPSET, input_names=list(inputs),
        output_names=list(outputs), dynamic_shapes=dynamic_shapes, verbose=False,
    )  # fmt: skip
    assert program is not None
    model = program.model_proto
    fuse_gelu(model)
    store_half(model)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for name, value in metadata.items():
        model.metadata_props.add(key=name, value=value)
    onnx.save(model, path)

    longer = {
        name: torch.cat([tensor, tensor], dim=1) if tensor.ndim > 1 and name != "sac_mask" else tensor
        for name, tensor in inputs.items()
    }
    if "sac_mask" in inputs:
        mask = inputs["sac_mask"]
        longer["sac_mask"] = torch.cat([torch.cat([mask, ~mask], 2), torch.cat([~mask, mask], 2)], 1)
    with torch.no_grad():
        expected = module(*longer.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    got = session.run(list(outputs), {name: tensor.numpy() for name, tensor in longer.items()})
    worst = max(float(np.abs(g - e.numpy()).max()) for g, e in zip(got, expected, strict=True))
    if worst > TOLERANCE:
        path.unlink()
        raise ModelError(f"{path.name} differs from torch by {worst:.2e}, more than {TOLERANCE}; it is not kept.")
    return worst


def denoiser_inputs(beats: int, latents: int, batch: int = 2) -> dict[str, torch.Tensor]:
    """Random inputs of the denoiser's shape."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator)

    ids = torch.arange(beats) // 8
    return {
        "x_t": normal(batch, beats, latents),
        "t": torch.linspace(900.0, 100.0, batch),
        "known": normal(batch, beats, latents),
        "known_mask": (normal(batch, beats, len(PARTS)) > 0).float(),
        "frame": normal(batch, beats, FRAME_WIDTH),
        "language": normal(batch, beats, LANGUAGE_WIDTH),
        "visual": normal(batch, beats, VISUAL_WIDTH),
        "language_on": torch.tensor([1.0, 0.0])[:batch],
        "visual_on": torch.tensor([0.0, 1.0])[:batch],
        "sac_mask": (ids[:, None] == ids[None, :]).expand(batch, -1, -1).clone(),
        "estimate": normal(batch, beats, latents),
    }


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="export", description=__doc__)
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--out", type=Path, default=MODELS)
    parser.add_argument("--weights", default="denoiser.ema.safetensors")
    options = parser.parse_args(arguments)

    options.out.mkdir(parents=True, exist_ok=True)
    codec = load_codec(options.codec)
    statistics = load_file(options.codec / "latent_statistics.safetensors")
    shared = {
        "codec": json.dumps(describe_config(codec.config)),
        "latent_mean": json.dumps([round(v, 6) for v in statistics["mean"].tolist()]),
        "latent_scale": json.dumps([round(v, 6) for v in statistics["scale"].tolist()]),
    }
    latent = codec.config.latent
    roll = (torch.rand(2, 16, len(PARTS), 3 * CELLS, generator=torch.Generator().manual_seed(1)) < 0.02).float()
    worst = export(codec.encoder, options.out / "codec_encoder.onnx", {"roll": roll}, ("mean", "log_variance"), shared)
    print(f"codec_encoder.onnx: within {worst:.1e} of torch")
    z = torch.randn(2, 16, len(PARTS), latent, generator=torch.Generator().manual_seed(2))
    names = ("onset", "sustain", "velocity", "rest")
    worst = export(codec.decoder, options.out / "codec_decoder.onnx", {"z": z}, names, shared)
    print(f"codec_decoder.onnx: within {worst:.1e} of torch")
    if options.denoiser is not None:
        weights = load_file(options.denoiser / options.weights)
        width = weights["null"].shape[0]
        layers = 1 + max(int(name.split(".")[1]) for name in weights if name.startswith("blocks."))
        denoiser = Denoiser(DenoiserConfig(latent=latent, width=width, heads=width // 64, layers=layers))
        denoiser.start_from(weights)
        metadata = shared | {"denoiser": json.dumps(describe_config(denoiser.config))}
        inputs = denoiser_inputs(24, latent * len(PARTS))
        worst = export(Denoise(denoiser), options.out / "denoiser.onnx", inputs, ("x_0",), metadata)
        print(f"denoiser.onnx: within {worst:.1e} of torch")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
