"""The paper's sampler on this machine: a network of the released U-Net's shape, timed for a few steps.

Written for this benchmark from the published figures alone (64 channels, multipliers 1, 2, 4, 4, attention at the two
lowest levels, 4 heads, condition width 512, rolls of 2 x 128 x 128: 8 bars of 4/4 at sixteenths); its weights are
random, since what they are changes nothing about the time. Guidance needs two evaluations a step, run as one batch of
two. Prints JSON; the whole sampler's time is a step's, times the steps.
"""

import argparse
import json
import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS, MULTIPLIERS, ATTENTION_LEVELS = 64, (1, 2, 4, 4), (2, 3)
HEADS, CONDITION, BLOCKS = 4, 512, 2
BARS, SIXTEENTHS, PITCHES, PLANES = 8, 128, 128, 2
DDPM_STEPS, DDIM_STEPS = 1000, 50


class ResBlock(nn.Module):
    """Two convolutions, the timestep added in between."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(32, before), nn.SiLU(), nn.Conv2d(before, after, 3, padding=1))
        self.time = nn.Sequential(nn.SiLU(), nn.Linear(4 * CHANNELS, after))
        self.second = nn.Sequential(nn.GroupNorm(32, after), nn.SiLU(), nn.Conv2d(after, after, 3, padding=1))
        self.past = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor, time: Tensor, _context: Tensor) -> Tensor:
        """(batch, before, h, w) -> (batch, after, h, w)."""
        inner = self.first(x) + self.time(time)[:, :, None, None]
        answer: Tensor = self.past(x) + self.second(inner)
        return answer


class Attention(nn.Module):
    """Queries from one sequence, keys and values from another."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.query = nn.Linear(width, width, bias=False)
        self.key, self.value = (nn.Linear(context, width, bias=False) for _ in range(2))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """(batch, n, width), (batch, m, context) -> (batch, n, width)."""
        query, key, value = (
            made.unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for made in (self.query(x), self.key(context), self.value(context))
        )
        seen = functional.scaled_dot_product_attention(query, key, value)
        answer: Tensor = self.out(seen.transpose(1, 2).flatten(2))
        return answer


class TransformerBlock(nn.Module):
    """Self-attention, attention to the condition, and a gated feed-forward over all places of the picture."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, width)
        self.enter, self.leave = (nn.Conv2d(width, width, 1) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.self_attention, self.cross_attention = Attention(width, width), Attention(width, CONDITION)
        self.gate, self.down = nn.Linear(width, 8 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, _time: Tensor, context: Tensor) -> Tensor:
        """(batch, width, h, w) -> the same."""
        rows = self.enter(self.norm(x)).flatten(2).transpose(1, 2)
        normed = self.norms[0](rows)
        rows = rows + self.self_attention(normed, normed)
        rows = rows + self.cross_attention(self.norms[1](rows), context)
        value, gate = self.gate(self.norms[2](rows)).chunk(2, dim=-1)
        rows = rows + self.down(value * functional.gelu(gate))
        answer: Tensor = x + self.leave(rows.transpose(1, 2).unflatten(2, x.shape[2:]))
        return answer


class Halve(nn.Conv2d):
    """A strided convolution."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, 3, stride=2, padding=1)


class Double(nn.Module):
    """The nearest neighbour, then a convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.smooth = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, h, w) -> (batch, width, 2 h, 2 w)."""
        answer: Tensor = self.smooth(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        return answer


class UNet(nn.Module):
    """`noise(x_t, t, condition)`."""

    def __init__(self) -> None:
        super().__init__()
        widths = [CHANNELS * times for times in MULTIPLIERS]
        self.time = nn.Sequential(nn.Linear(CHANNELS, 4 * CHANNELS), nn.SiLU(), nn.Linear(4 * CHANNELS, 4 * CHANNELS))
        self.enter = nn.Conv2d(PLANES, CHANNELS, 3, padding=1)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        skips, width = [CHANNELS], CHANNELS
        for level, after in enumerate(widths):
            for _ in range(BLOCKS):
                self.down.append(self._stage(level, width, after))
                width = after
                skips.append(width)
            if level + 1 < len(widths):
                self.down.append(nn.ModuleList([Halve(width)]))
                skips.append(width)
        self.middle = nn.ModuleList([ResBlock(width, width), TransformerBlock(width), ResBlock(width, width)])
        for level, after in reversed(list(enumerate(widths))):
            for block in range(BLOCKS + 1):
                stage = self._stage(level, width + skips.pop(), after)
                width = after
                if level and block == BLOCKS:
                    stage.append(Double(width))
                self.up.append(stage)
        self.leave = nn.Sequential(nn.GroupNorm(32, width), nn.SiLU(), nn.Conv2d(width, PLANES, 3, padding=1))

    @staticmethod
    def _stage(level: int, before: int, after: int) -> nn.ModuleList:
        attends = [TransformerBlock(after)] if level in ATTENTION_LEVELS else []
        return nn.ModuleList([ResBlock(before, after), *attends])

    def forward(self, x: Tensor, t: Tensor, context: Tensor) -> Tensor:
        """(batch, 2, 128, 128), (batch,), (batch, 32, 512) -> (batch, 2, 128, 128)."""
        half = CHANNELS // 2
        turns = t[:, None] * torch.exp(-9.21 * torch.arange(half) / half)[None]
        time = self.time(torch.cat([turns.cos(), turns.sin()], dim=-1))
        x = self.enter(x)
        skips = [x]
        for stage in self.down:
            x = self._run(stage, x, time, context)
            skips.append(x)
        x = self._run(self.middle, x, time, context)
        for stage in self.up:
            x = self._run(stage, torch.cat([x, skips.pop()], dim=1), time, context)
        answer: Tensor = self.leave(x)
        return answer

    @staticmethod
    def _run(stage: nn.Module, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        assert isinstance(stage, nn.ModuleList)
        for layer in stage:
            x = layer(x) if isinstance(layer, Halve | Double) else layer(x, time, context)
        return x


def main() -> None:
    """Time a few guided steps and print what the whole sampler would take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5, help="guided steps that are timed (%(default)s)")
    options = parser.parse_args()
    torch.manual_seed(0)
    network = UNet().eval()
    x, context = torch.randn(2, PLANES, SIXTEENTHS, PITCHES), torch.randn(2, SIXTEENTHS // 4, CONDITION)
    took = []
    with torch.inference_mode():
        for step in range(options.steps + 1):
            begun = time.perf_counter()
            network(x, torch.full((2,), float(DDPM_STEPS - 1 - step)), context)
            took.append(time.perf_counter() - begun)
    a_step = statistics.median(took[1:])  # the first one also makes room in memory
    answer = {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "bars": BARS,
        "steps_timed": options.steps,
        "seconds_a_guided_step": a_step,
        "seconds_a_bar_ddpm": a_step * DDPM_STEPS / BARS,
        "seconds_a_bar_ddim": a_step * DDIM_STEPS / BARS,
        "threads": torch.get_num_threads(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
