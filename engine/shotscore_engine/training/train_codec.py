"""Trains the codec: `python -m shotscore_engine.training.train_codec --songs FILE --out FOLDER --minutes N`.

Resumes from FOLDER/codec.safetensors and its state where they exist; stops by itself after the minutes given. Once a
denoiser was trained on the latents they must stay as they are: `--decoder-only` goes on with the decoder alone, and
`--noise` teaches it to forgive latents that are a little off, as a denoiser's are.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

from ..roll import PARTS
from .checkpoint import append_json, load_state, save_state, save_weights
from .data import Song, load_songs
from .model import Codec, CodecConfig
from .rolls import Corpus
from .split import split_of

SHARES = {"pop": 0.55, "lieder": 0.25, "quartet": 0.20}


def split_of_song(song: Song) -> str:
    """train, validation or test; None-like songs that belong to no split are "excluded"."""
    if song.corpus == "pop":
        return split_of(song.id) or "excluded"
    # OpenScore's numbers carry no order of quality: every 25th is kept aside.
    return "test" if int(song.id[2:]) % 25 == 0 else "train"


def onset_f1(codec: Codec, roll: torch.Tensor) -> list[float]:
    """F1 of decoded onsets against the roll, per part."""
    with torch.no_grad():
        mean, _ = codec.encoder(roll)
        onset, _, _, rest = codec.decoder(mean)
    target = roll.view(*roll.shape[:3], 3, 4, -1)[:, :, :, 0] > 0.5
    guess = onset > 0
    voice = torch.cat([rest[:, :, 0, :, None], onset[:, :, 0]], -1).argmax(-1)
    guess[:, :, 0] = torch.nn.functional.one_hot(voice, onset.shape[-1] + 1)[..., 1:].bool()
    hit = (guess & target).sum((0, 1, 3, 4)).float()
    return (2 * hit / (guess.sum((0, 1, 3, 4)) + target.sum((0, 1, 3, 4))).clamp(min=1)).tolist()


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="train_codec", description=__doc__)
    parser.add_argument("--songs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--beats", type=int, default=64)
    parser.add_argument("--rate", type=float, default=8e-4)
    parser.add_argument("--kl", type=float, default=0.001)
    parser.add_argument("--decoder-only", action="store_true", help="leave the encoder, and so the latents, alone")
    parser.add_argument("--noise", type=float, default=0.0, help="most noise on latents, in their standard deviations")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)

    fabric = Fabric(precision="bf16-mixed")
    fabric.launch()
    fabric.seed_everything(options.seed + fabric.global_rank)
    options.out.mkdir(parents=True, exist_ok=True)
    songs = load_songs(options.songs)
    corpus = Corpus([s for s in songs if split_of_song(s) == "train"], SHARES)
    held_out = Corpus([s for s in songs if split_of_song(s) == "validation"], {"pop": 1.0})
    model = Codec(CodecConfig())
    trained = model.decoder if options.decoder_only else model
    model.encoder.requires_grad_(not options.decoder_only)
    optimizer = torch.optim.AdamW(trained.parameters(), lr=options.rate, betas=(0.9, 0.95), weight_decay=0.01)
    codec, optimizer = fabric.setup(model, optimizer)
    codec.mark_forward_method("loss")
    spread = torch.ones(len(PARTS), CodecConfig.latent)
    if options.decoder_only:
        step = 0
        model.load_state_dict(load_file(options.out / "codec.safetensors"))
        spread = load_file(options.out / "latent_statistics.safetensors")["scale"].view_as(spread)
    else:
        step = load_state(options.out / "codec", model, optimizer)
    rng = np.random.default_rng(options.seed + step)

    def batch(source: Corpus, size: int, generator: np.random.Generator) -> torch.Tensor:
        crops = []
        for _ in range(size):
            song = source.draw(generator)
            start = int(generator.integers(0, max(1, song.song.beats - options.beats)))
            crops.append(song.crop(start, options.beats, int(generator.integers(-6, 7))))
        return torch.from_numpy(np.stack(crops))

    def save() -> None:
        if options.decoder_only:  # the optimizer's state is of other parameters: only the weights are kept
            save_weights(options.out / "codec.safetensors", model.state_dict())
        else:
            save_state(options.out / "codec", model, optimizer, step)

    check = batch(held_out, 12, np.random.default_rng(0))
    begun, log = time.monotonic(), options.out / "codec.log.jsonl"
    while (elapsed := (time.monotonic() - begun) / 60) < options.minutes:
        step += 1
        left = 1 - elapsed / options.minutes
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, step / 100) * min(1.0, 0.05 + left * 2.5)
        optimizer.zero_grad(set_to_none=True)
        rolls = fabric.to_device(batch(corpus, options.batch, rng))
        noise = None
        if options.noise > 0:
            strength = options.noise * torch.rand(len(rolls), 1, 1, 1)
            noise = fabric.to_device(strength * torch.randn(*rolls.shape[:3], CodecConfig.latent) * spread)
        loss, terms = codec.loss(rolls, options.kl, noise)
        fabric.backward(loss)
        fabric.clip_gradients(codec, optimizer, max_norm=1.0)
        optimizer.step()
        if step % 50 == 0 and fabric.is_global_zero:
            with fabric.autocast():
                scores = onset_f1(model, check) if step % 250 == 0 else []
            row = {"step": step, "minutes": elapsed, "loss": float(loss), **terms, "f1": scores}
            append_json(log, row)
        if step % 500 == 0:
            save()
    save()
    print(f"The codec is trained; its weights and its log are in {options.out}.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
