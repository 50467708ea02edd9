"""Trains the denoiser on the codec's latents.

`python -m shotscore_engine.training.train_denoiser --songs FILE --codec FOLDER --out FOLDER --minutes N`

Resumes from FOLDER where a run was stopped or killed, and warm-starts from `--start` weights otherwise. The rate is
held and falls over the last share of the minutes given. One model serves Tables 1 and 2: for each example the
selector's choice, the mask kind and its k are drawn at random, and so is what is known of the music (infilling).
"""

import argparse
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from ..diffusion import MAX_T, log_alpha_bar
from ..errors import InputError
from ..masks import sac_mask
from ..roll import PARTS
from .checkpoint import append_json, load_state, save_state
from .data import load_songs
from .latents import Latents, load_codec, read_latents, standardise
from .model import Denoiser, DenoiserConfig
from .pairs import Pair, bridges, curves, make_pair, measure_scale, withhold
from .scene_bank import encode_words, load_bank
from .train_codec import SHARES, split_of_song

TIMESTEP_POWER = 1.5
SELF_CONDITIONED = 0.3
"""Share of the steps in which the network hears its own first answer."""
LENGTHS = (64, 128, 256)
LENGTH_SHARES = (0.3, 0.4, 0.3)


class Examples:
    """Draws training examples: latents of a crop with the conditions made for it."""

    def __init__(
        self, latents: list[Latents], shares: dict[str, float], words: dict[str, np.ndarray] | None = None
    ) -> None:
        self.latents, self.words = latents, words
        self.bank = load_bank()
        measured = [curves(entry.song) for entry in latents]
        scales = {
            corpus: measure_scale([c for c, e in zip(measured, latents, strict=True) if e.song.corpus == corpus])
            for corpus in {entry.song.corpus for entry in latents}
        }
        self.bridges = [bridges(e.song, c, scales[e.song.corpus]) for c, e in zip(measured, latents, strict=True)]
        self.weights = {}
        for length in LENGTHS:
            weight = np.zeros(len(latents))
            for corpus, share in shares.items():
                of_it = np.array([e.song.corpus == corpus and e.song.beats >= length for e in latents])
                root = np.sqrt([e.song.beats for e in latents]) * of_it
                weight += share * root / max(root.sum(), 1e-9)
            if weight.sum() > 0:
                self.weights[length] = weight / weight.sum()
        if not self.weights:
            raise InputError(f"No song of {LENGTHS[0]} beats is left; training and validation each need some.")

    def draw(self, length: int, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        """One example of `length` beats, arrays named as the denoiser's inputs, and `x_0`."""
        index = int(rng.choice(len(self.latents), p=self.weights[length]))
        entry = self.latents[index]
        last = entry.song.beats - length
        # Beginnings and endings are a small part of a song, and the two things every cue has.
        start = int(rng.choice(np.array([0, last, rng.integers(0, last + 1)]), p=[0.1, 0.1, 0.8]))
        pair = make_pair(self.bridges[index], self.bank, rng, start=start, end=start + length, words=self.words)
        known_mask = draw_known(length, rng)
        given = np.zeros((length, len(PARTS), 1), np.float32)
        if known_mask.any():
            given = entry.dense.crop(start, length, entry.shift) * known_mask[:, :, None]
        language_on, visual_on = ((1, 0), (0, 1), (1, 1), (0, 0))[rng.choice(4, p=[0.36, 0.36, 0.2, 0.08])]
        frame = withhold(pair.frame, rng)
        if frame.density is None and frame.minor is None and frame.valence is None:
            language_on, visual_on = 0, 0  # the unconditional branch of guidance
        return {
            "x_0": entry.values[start : start + length],
            "given": given,
            "known_mask": known_mask,
            "frame": frame.matrix(),
            "language": pair.language,
            "visual": pair.visual,
            "language_on": np.array(language_on, np.float32),
            "visual_on": np.array(visual_on, np.float32),
            "sac_mask": draw_mask(pair, length, rng),
        }


def draw_known(beats: int, rng: np.random.Generator) -> np.ndarray:
    """(T, P): 1 where the music is given: nothing, all but a range, some parts, or some parts of a range's outside."""
    known = np.zeros((beats, len(PARTS)), np.float32)
    kind = rng.random()
    if kind < 0.45:
        return known
    if kind < 0.8:
        length = int(rng.integers(4, max(5, 3 * beats // 4)))
        start = int(rng.integers(-length // 2, beats - length // 2))
        known[:] = 1
        known[max(0, start) : max(0, start + length)] = 0
    if kind >= 0.7:
        keep = rng.random(len(PARTS)) < 0.5
        if keep.all() or not keep.any():
            keep = np.arange(len(PARTS)) == rng.integers(len(PARTS))
        known = np.maximum(known, keep.astype(np.float32)) if rng.random() < 0.7 or kind >= 0.8 else known * keep
    return known


def draw_mask(pair: Pair, beats: int, rng: np.random.Generator) -> np.ndarray:
    """A SAC mask of a random kind and k over the crop."""
    kind = str(rng.choice(["fixed", "fixed", "dynamic", "shot", "aligned", "aligned"]))
    return sac_mask(kind, beats, k=int(rng.choice([4, 8, 8, 16, 32])), cut_beats=pair.cuts.tolist())  # type: ignore[arg-type]


def v_loss(model: torch.nn.Module, batch: dict[str, Tensor], t: Tensor, *, twice: bool) -> Tensor:
    """Mean squared error of v over what is not known; (B,).

    `twice` predicts first without an estimate of x_0, then with that first answer as the estimate, as in sampling.
    """
    x_0 = batch["x_0"]
    alpha_bar = torch.exp(log_alpha_bar(t))[:, None, None]
    noise = torch.randn_like(x_0)
    alpha, sigma = torch.sqrt(alpha_bar), torch.sqrt(1 - alpha_bar)
    known = batch["known_mask"].repeat_interleave(x_0.shape[-1] // len(PARTS), dim=-1)
    x_t = (alpha * x_0 + sigma * noise) * (1 - known)

    def predict(estimate: Tensor) -> Tensor:
        v: Tensor = model(
            x_t, t, batch["known"], batch["known_mask"], batch["frame"], batch["language"], batch["visual"],
            batch["language_on"], batch["visual_on"], batch["sac_mask"], estimate,
        )  # fmt: skip
        return v.float()

    estimate = torch.zeros_like(x_0)
    if twice:
        with torch.no_grad():
            estimate = (alpha * x_t - sigma * predict(estimate)) * (1 - known)
    error = (predict(estimate) - (alpha * noise - sigma * x_0)) ** 2 * (1 - known)
    return error.sum((1, 2)) / (1 - known).sum((1, 2)).clamp(min=1)


@torch.no_grad()
def update_ema(ema: torch.nn.Module, model: torch.nn.Module, step: int, decay: float) -> None:
    """Moves `ema` toward `model`; faster in the first steps."""
    decay = min(decay, (1 + step) / (10 + step))
    for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):
        slow.lerp_(fast, 1 - decay)


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="train_denoiser", description=__doc__)
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--codec", type=Path, required=True, help="folder of train_codec's result")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="weights (.safetensors) to begin from")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--beats-per-batch", type=int, default=2048)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--ema", type=float, default=0.9995)
    parser.add_argument("--width", type=int, default=DenoiserConfig.width)
    parser.add_argument("--layers", type=int, default=DenoiserConfig.layers)
    parser.add_argument("--fall", type=float, default=0.3, help="share of the minutes over which the rate falls")
    parser.add_argument("--compile", action="store_true", help="compile the network first (needs a C++ compiler)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)

    fabric = Fabric(precision="bf16-mixed")
    fabric.launch()
    fabric.seed_everything(options.seed + fabric.global_rank)
    options.out.mkdir(parents=True, exist_ok=True)
    songs = load_songs(options.songs)
    latents = read_latents(songs, options.codec)
    encoder, statistics = load_codec(options.codec).encoder, load_file(options.codec / "latent_statistics.safetensors")
    words = encode_words(songs, options.songs.with_suffix(".words.npz"))
    examples = Examples([entry for entry in latents if split_of_song(entry.song) == "train"], SHARES, words)
    watched = Examples([entry for entry in latents if split_of_song(entry.song) == "validation"], {"pop": 1.0})
    config = DenoiserConfig(width=options.width, layers=options.layers, heads=options.width // 64)
    model, ema = Denoiser(config), Denoiser(config)
    if options.start is not None:
        model.start_from(load_file(options.start))
    ema.load_state_dict(model.state_dict())
    ema.requires_grad_(False)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}],
        lr=options.rate, betas=(0.9, 0.98), fused=True,
    )  # fmt: skip
    if options.compile:
        model.compile(dynamic=True)
    network, optimizer = fabric.setup(model, optimizer)
    step = load_state(options.out / "denoiser", model, optimizer, ema=ema)
    rng = np.random.default_rng([options.seed, step, fabric.global_rank])

    def batch(source: Examples, length: int, generator: np.random.Generator) -> dict[str, Tensor]:
        drawn = [source.draw(length, generator) for _ in range(max(1, options.beats_per_batch // length))]
        given = [example.pop("given") for example in drawn]
        stacked = {name: torch.from_numpy(np.stack([d[name] for d in drawn])) for name in drawn[0]}
        stacked["known"] = torch.zeros_like(stacked["x_0"])
        some = [i for i, roll in enumerate(given) if roll.shape[-1] > 1]
        if some:
            # What is known is encoded without the rest beside it, as it will be in use: nothing leaks at the seam.
            with torch.no_grad(), fabric.autocast():
                mean, _ = encoder(torch.from_numpy(np.stack([given[i] for i in some])))
            values = torch.from_numpy(standardise(mean.float().flatten(2).numpy(), statistics))
            each = stacked["known_mask"][some].repeat_interleave(values.shape[-1] // len(PARTS), dim=-1)
            stacked["known"][some] = values * each
        return {name: fabric.to_device(tensor) for name, tensor in stacked.items()}

    def timesteps(count: int, generator: np.random.Generator, power: float = 1.0) -> Tensor:
        even = (np.arange(count) + generator.random()) / count  # stratified: less noise in the loss
        # Leaning toward the music, as the sampler's steps do: most of the noisy half tells hardly more than t = 1000.
        return fabric.to_device(torch.from_numpy((MAX_T * (1 - even) ** power).astype(np.float32)))

    usual = 128 if 128 in watched.weights else min(watched.weights)
    checks = [batch(watched, usual, np.random.default_rng(i)) for i in range(2)]
    lengths = [length for length in LENGTHS if length in examples.weights]
    length_shares = np.array([share for length, share in zip(LENGTHS, LENGTH_SHARES, strict=True) if length in lengths])
    length_shares /= length_shares.sum()
    log = options.out / "denoiser.log.jsonl"
    begun, running, slept = time.monotonic(), 0.0, time.monotonic()
    while (elapsed := (time.monotonic() - begun) / 60) < options.minutes:
        step += 1
        left = 1 - elapsed / options.minutes
        rate = options.rate * min(1.0, step / 300) * min(1.0, 0.02 + 0.98 * left / options.fall)
        for group in optimizer.param_groups:
            group["lr"] = rate
        length = int(rng.choice(lengths, p=length_shares))
        examples_now = batch(examples, length, rng)
        optimizer.zero_grad(set_to_none=True)
        t = timesteps(len(examples_now["x_0"]), rng, TIMESTEP_POWER)
        loss = v_loss(network, examples_now, t, twice=bool(rng.random() < SELF_CONDITIONED)).mean()
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=1.0)
        optimizer.step()
        update_ema(ema, model, step, options.ema)
        running += float(loss.detach())
        if step % 50 == 0 and fabric.is_global_zero:
            row = {"step": step, "minutes": elapsed, "loss": running / 50, "rate": rate}
            row["seconds_per_step"] = (time.monotonic() - slept) / 50
            running, slept = 0.0, time.monotonic()
            if step % 500 == 0:
                with torch.no_grad(), fabric.autocast():
                    torch.manual_seed(0)
                    at = [timesteps(len(c["x_0"]), np.random.default_rng(0)) for c in checks]
                    losses = [v_loss(ema, c, t, twice=False) for c, t in zip(checks, at, strict=True)]
                    again = [v_loss(ema, c, t, twice=True) for c, t in zip(checks, at, strict=True)]
                    torch.manual_seed(options.seed + step)
                row["validation"] = float(torch.cat(losses).mean())
                row["validation_with_estimate"] = float(torch.cat(again).mean())
            append_json(log, row)
        if not math.isfinite(running):
            raise FloatingPointError(f"The loss is no longer a number at step {step}; lower --rate and resume.")
        if step % 250 == 0 and fabric.is_global_zero:
            save_state(options.out / "denoiser", model, optimizer, step, ema=ema)
    if fabric.is_global_zero:
        save_state(options.out / "denoiser", model, optimizer, step, ema=ema)
    print(f"The denoiser is trained; its weights and its log are in {options.out}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
