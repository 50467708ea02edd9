"""The networks: a codec from rolls to latents, and the denoiser of those latents.

Codec
    Each part is encoded and decoded alone: 24 numbers per part and beat, so that a known part or bar can be given
    to the denoiser as it is. The melody is decoded by a choice of one pitch or none per step, as a voice has it;
    counter and harmony by one yes or no per pitch.
Denoiser
    A transformer over beats. In every block: self-attention over time, segment-aware cross-attention from beats to
    the selected features under a (T, T) mask (Eq. 1 of the Diff-BGM supplement), a gated feed-forward layer; the
    timestep enters by adaptive layer norm with one shared projection (PixArt-alpha's adaLN-single).

Symbols: B batch, T beats, P = 3 parts, S = 4 steps a beat, K = 88 keys, D width.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from ..conditions import FRAME_WIDTH
from ..diffusion import MAX_T, log_alpha_bar
from ..features import LANGUAGE_WIDTH, VISUAL_WIDTH
from ..roll import KEYS, PARTS
from ..tempo import STEPS_PER_BEAT

CELLS = STEPS_PER_BEAT * KEYS


@dataclass(frozen=True)
class CodecConfig:
    """Shape of the codec."""

    latent: int = 24
    width: int = 192
    heads: int = 4
    encoder_layers: int = 2
    decoder_layers: int = 3
    reach: int = 2
    """Beats either way that one layer attends to."""


@dataclass(frozen=True)
class DenoiserConfig:
    """Shape of the denoiser."""

    latent: int = 24
    width: int = 384
    heads: int = 6
    layers: int = 8


def rotary_tables(beats: int, head_width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, head_width / 2) of rotary positions (Su et al., 2021)."""
    frequency = 10000.0 ** (-torch.arange(0, head_width, 2, device=device) / head_width)
    angle = torch.arange(beats, device=device)[:, None] * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, tables: tuple[Tensor, Tensor]) -> Tensor:
    """Rotates (B, heads, T, head width) by position."""
    cos, sin = (table.to(x.dtype) for table in tables)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


MASKED = -40.0
"""Score of a place that is not looked at: exp(-40) leaves no trace in single precision. Much lower ones make softmax
write denormal numbers, on which processors are slow."""


def attention_bias(mask: Tensor) -> Tensor:
    """`mask`, True where a query may look, as what is added to the scores."""
    return torch.where(mask, 0.0, MASKED)


class Attention(nn.Module):
    """Multi-head attention with rotary positions on queries and keys."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor, tables: tuple[Tensor, Tensor], bias: Tensor | None) -> Tensor:
        """x, context: (B, T, D); bias: `attention_bias`, broadcastable to (B, heads, T, T)."""
        batch, beats, width = x.shape
        shape = (batch, beats, self.heads, width // self.heads)
        q = self.query(x).view(shape).transpose(1, 2)
        k, v = (part.reshape(shape).transpose(1, 2) for part in self.key_value(context).chunk(2, dim=-1))
        q, k = rotate(q, tables), rotate(k, tables)
        # Written out: on a processor the fused kernel's backward pass costs more than these products.
        scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
        if bias is not None:
            scores = scores + bias
        y = scores.softmax(dim=-1).to(v.dtype) @ v
        return self.out(y.transpose(1, 2).reshape(batch, beats, width))


class FeedForward(nn.Module):
    """Two linear layers with a GELU between them."""

    def __init__(self, width: int, factor: int = 4) -> None:
        super().__init__()
        self.up = nn.Linear(width, factor * width)
        self.down = nn.Linear(factor * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        return self.down(F.gelu(self.up(x), approximate="tanh"))


# --- codec ------------------------------------------------------------------------------------------------------


class LocalBlock(nn.Module):
    """A pre-norm transformer block whose attention reaches a few beats either way."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_attention, self.norm_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = FeedForward(width)

    def forward(self, x: Tensor, tables: tuple[Tensor, Tensor], bias: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        y = self.norm_attention(x)
        x = x + self.attention(y, y, tables, bias)
        return x + self.mlp(self.norm_mlp(x))


class LocalStack(nn.Module):
    """Blocks that share one band mask."""

    def __init__(self, config: CodecConfig, layers: int) -> None:
        super().__init__()
        self.reach, self.head_width = config.reach, config.width // config.heads
        self.blocks = nn.ModuleList(LocalBlock(config.width, config.heads) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, D) -> (B, T, D)."""
        beat = torch.arange(x.shape[1], device=x.device)
        bias = attention_bias((beat[:, None] - beat[None, :]).abs() <= self.reach)
        tables = rotary_tables(x.shape[1], self.head_width, x.device)
        for block in self.blocks:
            x = block(x, tables, bias)
        return x


class Encoder(nn.Module):
    """Rolls to latents, every part on its own."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.latent = config.latent
        self.embed = nn.Linear(3 * CELLS, config.width)
        self.part = nn.Parameter(torch.randn(len(PARTS), config.width) * 0.02)
        self.stack = LocalStack(config, config.encoder_layers)
        self.norm = nn.LayerNorm(config.width)
        self.out = nn.Linear(config.width, 2 * config.latent)

    def forward(self, roll: Tensor) -> tuple[Tensor, Tensor]:
        """roll (B, T, P, 3 * S * K): onset, sustain, velocity / 127 -> mean, log variance (B, T, P, latent)."""
        batch, beats = roll.shape[:2]
        x = self.embed(roll) + self.part
        x = x.transpose(1, 2).reshape(batch * len(PARTS), beats, -1)
        y = self.out(self.norm(self.stack(x))).view(batch, len(PARTS), beats, -1).transpose(1, 2)
        mean, log_variance = y.chunk(2, dim=-1)
        return mean, log_variance.clamp(-12, 4)


class Decoder(nn.Module):
    """Latents to scores of onset and sustain, and velocities."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.embed = nn.Linear(config.latent, config.width)
        self.part = nn.Parameter(torch.randn(len(PARTS), config.width) * 0.02)
        self.stack = LocalStack(config, config.decoder_layers)
        self.norm = nn.LayerNorm(config.width)
        self.onset = nn.Linear(config.width, CELLS)
        self.sustain = nn.Linear(config.width, CELLS)
        self.velocity = nn.Linear(config.width, CELLS)
        self.rest = nn.Linear(config.width, STEPS_PER_BEAT)

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z (B, T, P, latent) -> onset, sustain, velocity (B, T, P, S, K) and rest (B, T, P, S).

        onset and sustain are logits; in the melody, the softmax over `rest` and the onsets of a step chooses one.
        velocity is in [0, 1].
        """
        batch, beats = z.shape[:2]
        x = self.embed(z) + self.part
        x = x.transpose(1, 2).reshape(batch * len(PARTS), beats, -1)
        x = self.norm(self.stack(x)).view(batch, len(PARTS), beats, -1).transpose(1, 2)
        shape = (batch, beats, len(PARTS), STEPS_PER_BEAT, KEYS)
        return (
            self.onset(x).view(shape),
            self.sustain(x).view(shape),
            torch.sigmoid(self.velocity(x)).view(shape),
            self.rest(x),
        )


class Codec(nn.Module):
    """Encoder and decoder together, as they are trained."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder, self.decoder = Encoder(config), Decoder(config)

    def loss(self, roll: Tensor, kl_weight: float, noise: Tensor | None = None) -> tuple[Tensor, dict[str, float]]:
        """roll (B, T, P, 3 * S * K) -> loss and its terms, each a sum over a beat, averaged over beats.

        `noise` (B, T, P, latent) is added to the latents: a decoder trained with it forgives a denoiser's errors.
        """
        mean, log_variance = self.encoder(roll)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        if noise is not None:
            z = z + noise
        onset, sustain, velocity, rest = self.decoder(z)
        target_onset, target_sustain, target_velocity = roll.view(*roll.shape[:3], 3, STEPS_PER_BEAT, KEYS).unbind(3)
        with torch.autocast(roll.device.type, enabled=False):
            onset, sustain, rest = onset.float(), sustain.float(), rest.float()
            voice = torch.cat([rest[:, :, 0, :, None], onset[:, :, 0]], dim=-1)
            choice = torch.where(target_onset[:, :, 0].any(-1), 1 + target_onset[:, :, 0].argmax(-1), 0)
            melody = F.cross_entropy(voice.flatten(0, 2), choice.flatten(), reduction="sum")
            others = F.binary_cross_entropy_with_logits(onset[:, :, 1:], target_onset[:, :, 1:], reduction="sum")
            held = F.binary_cross_entropy_with_logits(sustain, target_sustain, reduction="sum")
            # Weighted so that a velocity wrong by ten (of 127) costs about as much as a doubtful onset.
            loudness = (40.0 * target_onset * (velocity.float() - target_velocity) ** 2).sum()
            kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
            beats = roll.shape[0] * roll.shape[1]
            terms = {"melody": melody, "others": others, "sustain": held, "velocity": loudness, "kl": kl}
            loss = (melody + others + held + loudness + kl_weight * kl) / beats
        return loss, {name: float(term.detach()) / beats for name, term in terms.items()}


# --- denoiser ---------------------------------------------------------------------------------------------------


def timestep_embedding(t: Tensor, width: int) -> Tensor:
    """(B,) timesteps in 0 to 1000 -> (B, width) of sines and cosines (Vaswani et al., 2017)."""
    half = width // 2
    frequency = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / half)
    angle = t[:, None].float() * frequency
    return torch.cat([angle.cos(), angle.sin()], dim=-1)


class Block(nn.Module):
    """Self-attention over time, segment-aware cross-attention to the features, feed-forward."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_self = nn.LayerNorm(width, elementwise_affine=False)
        self.norm_cross = nn.LayerNorm(width, elementwise_affine=False)
        self.norm_mlp = nn.LayerNorm(width, elementwise_affine=False)
        self.self_attention = Attention(width, heads)
        self.cross_attention = Attention(width, heads)
        self.mlp = FeedForward(width)
        self.modulation = nn.Parameter(torch.zeros(9, width))

    def forward(
        self, x: Tensor, context: Tensor, modulation: Tensor, tables: tuple[Tensor, Tensor], sac_bias: Tensor
    ) -> Tensor:
        """x, context (B, T, D); modulation (B, 9, D); sac_bias (B, 1, T, T)."""
        shift = (modulation + self.modulation)[:, :, None].unbind(1)
        y = self.norm_self(x) * (1 + shift[0]) + shift[1]
        x = x + shift[2] * self.self_attention(y, y, tables, None)
        y = self.norm_cross(x) * (1 + shift[3]) + shift[4]
        x = x + shift[5] * self.cross_attention(y, context, tables, sac_bias)
        y = self.norm_mlp(x) * (1 + shift[6]) + shift[7]
        return x + shift[8] * self.mlp(y)


class Denoiser(nn.Module):
    """Predicts v = alpha * noise - sigma * x_0 of a cue's latents, in one pass over all its beats."""

    def __init__(self, config: DenoiserConfig) -> None:
        super().__init__()
        self.config = config
        width, latents = config.width, config.latent * len(PARTS)
        self.embed = nn.Linear(2 * latents + len(PARTS), width)
        self.estimate = nn.Linear(latents, width, bias=False)
        self.frame = nn.Sequential(nn.Linear(FRAME_WIDTH, width), nn.SiLU(), nn.Linear(width, width))
        self.language = nn.Linear(LANGUAGE_WIDTH, width)
        self.visual = nn.Sequential(nn.Linear(VISUAL_WIDTH, width), nn.SiLU(), nn.Linear(width, width))
        self.null = nn.Parameter(torch.randn(width) * 0.02)
        self.context_norm = nn.LayerNorm(width)
        self.time = nn.Sequential(nn.Linear(256, width), nn.SiLU(), nn.Linear(width, width))
        self.modulation = nn.Linear(width, 9 * width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.final_modulation = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, latents)
        for layer in (self.modulation, self.final_modulation, self.out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.estimate.weight)
        with torch.no_grad():  # every residual branch starts a little open, so that all of them learn from step one
            self.modulation.bias.view(9, width)[2::3] = 0.2

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """Takes over `weights`; inputs that an older model did not have are left unheard."""
        weights = {"estimate.weight": torch.zeros_like(self.estimate.weight), **weights}
        older = weights["frame.0.weight"]
        weights["frame.0.weight"] = F.pad(older, (0, FRAME_WIDTH - older.shape[1]))
        self.load_state_dict(weights)

    def context(self, language: Tensor, visual: Tensor, language_on: Tensor, visual_on: Tensor) -> Tensor:
        """The feature rows the selector lets through, (B, T, D); both off gives the learned null row."""
        on = torch.stack([language_on, visual_on, (1 - language_on) * (1 - visual_on)], -1)[:, None, :, None]
        rows = on[:, :, 0] * self.language(language) + on[:, :, 1] * self.visual(visual) + on[:, :, 2] * self.null
        return self.context_norm(rows)

    def forward(
        self,
        x_t: Tensor,
        t: Tensor,
        known: Tensor,
        known_mask: Tensor,
        frame: Tensor,
        language: Tensor,
        visual: Tensor,
        language_on: Tensor,
        visual_on: Tensor,
        sac_mask: Tensor,
        estimate: Tensor,
    ) -> Tensor:
        """Predicts v, (B, T, P * latent).

        x_t (B, T, P * latent): noisy latents, unit variance; t (B,): 0 to 1000; known (B, T, P * latent): clean
        latents where known_mask (B, T, P) is 1, zeros elsewhere; frame (B, T, FRAME_WIDTH): see `conditions`;
        language (B, T, 384), visual (B, T, 16): features per beat; language_on, visual_on (B,): the selector's
        choice at this timestep, 0 or 1; sac_mask (B, T, T) bool; estimate (B, T, P * latent): x_0 as the step before
        saw it, zeros at the first step and where the music is known (self-conditioning: Chen et al., 2023).
        """
        x = self.embed(torch.cat([x_t, known, known_mask], dim=-1)) + self.estimate(estimate) + self.frame(frame)
        context = self.context(language, visual, language_on, visual_on)
        time = F.silu(self.time(timestep_embedding(t, 256)))
        modulation = self.modulation(time).view(x.shape[0], 9, -1)
        tables = rotary_tables(x.shape[1], self.config.width // self.config.heads, x.device)
        bias = attention_bias(sac_mask)[:, None]
        for block in self.blocks:
            x = block(x, context, modulation, tables, bias)
        scale, shift = self.final_modulation(time)[:, None].chunk(2, dim=-1)
        return self.out(self.norm(x) * (1 + scale) + shift)


class Denoise(nn.Module):
    """The shipped contract, denoise(x_t, t, condition) -> x_0, around a `Denoiser`."""

    def __init__(self, denoiser: Denoiser) -> None:
        super().__init__()
        self.denoiser = denoiser

    def forward(self, x_t: Tensor, t: Tensor, *condition: Tensor) -> Tensor:
        """As `Denoiser.forward`, returning x_0 = alpha * x_t - sigma * v."""
        alpha_bar = torch.exp(log_alpha_bar(t))[:, None, None]
        v = self.denoiser(x_t, t, *condition)
        return torch.sqrt(alpha_bar) * x_t - torch.sqrt(1 - alpha_bar) * v


def describe_config(config: CodecConfig | DenoiserConfig) -> dict[str, int]:
    """The configuration as plain numbers, for metadata."""
    return asdict(config)


assert MAX_T == 1000
