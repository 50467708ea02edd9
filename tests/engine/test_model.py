"""The networks: what segment-aware cross-attention may see, what the codec loses, that a step of training learns."""

import numpy as np
import pytest
import torch
from shotscore_engine.masks import sac_mask
from shotscore_engine.training.export import denoiser_inputs, export, store_half
from shotscore_engine.training.model import CELLS, Codec, CodecConfig, Denoise, Denoiser, DenoiserConfig

SMALL = DenoiserConfig(latent=4, width=64, heads=2, layers=2)
BEATS = 24


@pytest.fixture
def denoiser() -> Denoiser:
    torch.manual_seed(0)
    model = Denoiser(SMALL).eval()
    for parameter in model.parameters():  # the zero-initialised outputs would hide every difference
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.05)
    return model


def bypass_self_attention(model: Denoiser) -> None:
    for block in model.blocks:
        block.self_attention.out.weight.data.zero_()
        block.self_attention.out.bias.data.zero_()


@pytest.mark.parametrize("feature", ["language", "visual"])
@pytest.mark.parametrize("k", [4, 8, 32])
def test_a_feature_row_reaches_only_its_window(denoiser: Denoiser, feature: str, k: int) -> None:
    bypass_self_attention(denoiser)
    inputs = denoiser_inputs(BEATS, 12)
    mask = sac_mask("fixed", BEATS, k=k)
    inputs["sac_mask"] = torch.from_numpy(mask).expand(2, -1, -1)
    inputs["language_on"], inputs["visual_on"] = torch.ones(2), torch.ones(2)
    changed = dict(inputs)
    changed[feature] = inputs[feature].clone()
    changed[feature][:, 10] += 1.0
    with torch.no_grad():
        moved = (denoiser(*inputs.values()) - denoiser(*changed.values())).abs().amax(dim=(0, 2)).numpy()
    window = mask[10]
    assert (moved[window] > 1e-5).all()
    assert (moved[~window] == 0).all()


def test_with_self_attention_a_row_reaches_everything(denoiser: Denoiser) -> None:
    inputs = denoiser_inputs(BEATS, 12)
    changed = {name: tensor.clone() for name, tensor in inputs.items()}
    changed["visual"][1, 10] += 1.0
    with torch.no_grad():
        moved = (denoiser(*inputs.values()) - denoiser(*changed.values())).abs().amax(dim=2)
    assert (moved[1] > 0).all()


@pytest.mark.parametrize(("feature", "switch"), [("language", "language_on"), ("visual", "visual_on")])
def test_a_feature_that_is_not_selected_says_nothing(denoiser: Denoiser, feature: str, switch: str) -> None:
    inputs = denoiser_inputs(BEATS, 12)
    inputs[switch] = torch.zeros(2)
    changed = dict(inputs)
    changed[feature] = inputs[feature] + 1.0
    with torch.no_grad():
        assert torch.equal(denoiser(*inputs.values()), denoiser(*changed.values()))


def test_parts_of_the_codec_do_not_hear_one_another() -> None:
    torch.manual_seed(0)
    codec = Codec(CodecConfig(latent=4, width=32, heads=2)).eval()
    roll = (torch.rand(1, 12, 3, 3 * CELLS) < 0.02).float()
    other = roll.clone()
    other[:, :, 1] = 0
    with torch.no_grad():
        a, b = codec.encoder(roll)[0], codec.encoder(other)[0]
        c, d = codec.decoder(a)[0], codec.decoder(b)[0]
    for part, equal in ((0, True), (1, False), (2, True)):
        assert torch.equal(a[:, :, part], b[:, :, part]) is equal
        assert torch.equal(c[:, :, part], d[:, :, part]) is equal


def test_the_codec_learns_a_bar() -> None:
    torch.manual_seed(0)
    codec = Codec(CodecConfig(latent=8, width=64, heads=2))
    optimizer = torch.optim.AdamW(codec.parameters(), lr=3e-3)
    roll = (torch.rand(2, 8, 3, 3, CELLS) < 0.01).float()
    roll[:, :, :, 1] *= 1 - roll[:, :, :, 0]
    roll[:, :, :, 2] = roll[:, :, :, 0] * 0.6
    roll = roll.flatten(3)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss, _terms = codec.loss(roll, 0.001)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0] / 5


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # torch's exporter, of itself
def test_exported_codec_keeps_half_floats_and_torchs_answer(tmp_path) -> None:
    import onnx

    torch.manual_seed(0)
    decoder = Codec(CodecConfig(latent=4, width=64, heads=2)).decoder
    names = ("onset", "sustain", "velocity", "rest")
    path = tmp_path / "decoder.onnx"
    worst = export(decoder, path, {"z": torch.randn(2, 8, 3, 4)}, names, {"made": "here"})
    assert worst < 1e-4
    model = onnx.load(path)
    assert {p.key: p.value for p in model.metadata_props} == {"made": "here"}
    kinds = {i.data_type for i in model.graph.initializer if np.prod(i.dims) >= 1024}
    assert kinds == {onnx.TensorProto.FLOAT16}
    before = len(model.graph.node)
    store_half(model)
    assert len(model.graph.node) == before  # nothing is left to store twice


def test_the_shipped_contract_returns_x_0(denoiser: Denoiser) -> None:
    inputs = denoiser_inputs(BEATS, 12)
    inputs["t"] = torch.tensor([1e-6, 1e-6])
    with torch.no_grad():
        out = Denoise(denoiser)(*inputs.values())
    torch.testing.assert_close(out, inputs["x_t"], atol=1e-3, rtol=0)
