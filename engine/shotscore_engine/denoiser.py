"""The shipped model in ONNX Runtime: from a cue's conditions to its roll.

Three files work together: `denoiser.onnx` (x_t, t, condition -> x_0), `codec_decoder.onnx` (latents -> notes) and
`codec_encoder.onnx` (notes that are known -> latents). The latent's width and statistics stand in their metadata.

What lies outside a regenerated range is kept as notes: it is given to the denoiser as known latents, and never
decoded again.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from . import cuda
from .conditions import GUIDED, FloatArray, FrameCondition
from .diffusion import (
    GUIDANCE,
    MAX_T,
    STEPS,
    OnStep,
    Selector,
    add_noise,
    dpm_solver_pp_2m,
    guided,
    guides,
    recalled,
    timesteps,
)
from .errors import ModelError, RequestError, ShotscoreError
from .features import LANGUAGE_WIDTH, VISUAL_WIDTH
from .progress import Progress, silent
from .roll import PARTS, Roll, from_logits, to_beats

MODELS = Path(__file__).parent / "models"
DEFAULT_MODEL = MODELS / "denoiser.onnx"
LARGEST_MODEL_BYTES = 512 << 20
INPUTS = (
    "x_t", "t", "known", "known_mask", "frame", "language", "visual", "language_on", "visual_on", "sac_mask",
)  # fmt: skip
RECALL = 0.95
"""Share of the noise that returns with a phrase's letter; see docs/lab-book.md for what it was chosen from."""
DeviceName = Literal["auto", "cuda", "coreml", "cpu"]
_PROVIDERS = {"cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider", "cpu": "CPUExecutionProvider"}


@dataclass(frozen=True)
class Condition:
    """All that steers one cue; T beats."""

    frame: FrameCondition
    language: FloatArray
    """(T, 384)."""
    visual: FloatArray
    """(T, 16)."""
    sac_mask: NDArray[np.bool_]
    """(T, T): which feature rows a beat may look at."""
    tonic: int = 0
    """Pitch class of the relative major's tonic: 0 for C major and A minor."""

    @property
    def beats(self) -> int:
        """T."""
        return self.frame.beats

    @property
    def shift(self) -> int:
        """Semitones from the model's own key to this one, by the shorter way."""
        return self.tonic if self.tonic <= 6 else self.tonic - 12


@dataclass(frozen=True)
class Known:
    """Music that is given and stays."""

    roll: Roll
    mask: NDArray[np.bool_]
    """(T, 3): True where the beat of a part is known."""


@dataclass(frozen=True)
class Device:
    """Where the model runs, and why not elsewhere."""

    provider: str
    reason: str = ""


def choose_device(name: DeviceName = "auto") -> Device:
    """The fastest provider of this machine's ONNX Runtime, or the one asked for.

    Raises RequestError where a provider is asked for by name and is not in this ONNX Runtime.
    """
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if name != "auto" and _PROVIDERS[name] not in available:
        raise RequestError(
            f"The device {name!r} needs {_PROVIDERS[name]}, which this ONNX Runtime does not have; use --device cpu."
        )
    if name == "cpu":
        return Device(_PROVIDERS["cpu"], "The processor was asked for.")
    if name in ("auto", "coreml") and _PROVIDERS["coreml"] in available:
        return Device(_PROVIDERS["coreml"])
    # Trying a provider that cannot start takes seconds and fills the screen.
    obstacle = cuda.obstacle()
    return Device(_PROVIDERS["cpu"], obstacle) if obstacle else Device(_PROVIDERS["cuda"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Denoiser:
    """The model, loaded."""

    def __init__(self, model: Path | None = None, device: DeviceName = "auto", *, threads: int = 0) -> None:
        """Loads `model` (the shipped one by default); the codec's two files stand beside it or are the shipped ones.

        `threads` 0 leaves the number to ONNX Runtime. Raises ModelError where a file is missing, too large, or no
        denoiser; where CUDA cannot start, the CPU takes over and `device.reason` says why.
        """
        path = DEFAULT_MODEL if model is None else model
        self.path = path
        self.device = choose_device(device)
        self._threads = threads
        self._denoiser = self._open(path)
        self._check(self._denoiser, INPUTS, path)
        self._decoder = self._open(_beside(path, "codec_decoder.onnx"))
        self._encoder_path = _beside(path, "codec_encoder.onnx")
        try:
            metadata = self._denoiser.get_modelmeta().custom_metadata_map
            self.latent = int(json.loads(metadata["codec"])["latent"])
            self._mean = np.array(json.loads(metadata["latent_mean"]), np.float32)
            self._scale = np.array(json.loads(metadata["latent_scale"]), np.float32)
        except (KeyError, ValueError, TypeError) as problem:
            raise ModelError(f"{path} carries no latent statistics ({problem}); export it again.") from problem

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @cached_property
    def sha256(self) -> str:
        """Hash of the denoiser's and decoder's files, which together decide the notes."""
        parts = _sha256(self.path) + _sha256(_beside(self.path, "codec_decoder.onnx"))
        return hashlib.sha256(parts.encode()).hexdigest()

    def _open(self, path: Path) -> Any:
        import onnxruntime

        if not path.is_file():
            raise ModelError(f"The model {path} does not exist; name an .onnx file made by `export`.")
        size = path.stat().st_size
        if not 0 < size <= LARGEST_MODEL_BYTES:
            raise ModelError(f"The model {path} has {size} bytes; it must have 1 to {LARGEST_MODEL_BYTES}.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = self._threads
        wanted = list(dict.fromkeys([self.device.provider, _PROVIDERS["cpu"]]))
        if self.device.provider == _PROVIDERS["cuda"]:
            with redirect_stdout(sys.stderr):  # it prints what it does not find; ours may be JSON
                onnxruntime.preload_dlls()
        try:
            session = onnxruntime.InferenceSession(str(path), options, providers=wanted)
        except Exception as problem:  # ONNX Runtime raises its own types, unrelated to one another
            raise ModelError(f"{path} is not a model ONNX Runtime can read: {str(problem)[:200]}") from problem
        if (ran := session.get_providers()[0]) != self.device.provider:
            reason = f"{self.device.provider} is in ONNX Runtime but did not start here; `shotscore doctor` says more."
            self.device = Device(ran, reason)
        return session

    @staticmethod
    def _check(session: Any, inputs: tuple[str, ...], path: Path) -> None:
        try:
            there = {node.name for node in session.get_inputs()}
            given = [node.name for node in session.get_outputs()]
        except UnicodeDecodeError as problem:
            raise ModelError(f"{path} is not a Shotscore denoiser: a name in it is no text ({problem}).") from problem
        missing = sorted(set(inputs) - there)
        if missing or given != ["x_0"]:
            what = f"lacks the inputs {', '.join(missing)}" if missing else "has no single output x_0"
            raise ModelError(f"{path} is not a Shotscore denoiser: it {what}.")

    def _hand_over(self, problem: Exception) -> None:
        """From a device that failed at work (a driver that was reset, no memory on the card) to the processor."""
        told = " ".join(str(problem).split())[:160]
        reason = f"{self.device.provider} failed at work ({told}); the processor took over."
        self.device = Device(_PROVIDERS["cpu"], reason)
        self._denoiser = self._open(self.path)
        self._decoder = self._open(_beside(self.path, "codec_decoder.onnx"))
        self.__dict__.pop("_encoder", None)

    @cached_property
    def _encoder(self) -> Any:
        return self._open(self._encoder_path)

    # --- latents ----------------------------------------------------------------------------------------------

    def encode(self, roll: Roll, shift: int) -> FloatArray:
        """(T, 3 * latent): standardised latents of `roll`, transposed by `shift` into the model's key first."""
        rows = to_beats(roll, shift)
        mean = self._encoder.run(["mean"], {"roll": rows[None]})[0]
        return np.asarray((mean.reshape(len(rows), -1) - self._mean) / self._scale, np.float32)

    def decode(self, x_0: FloatArray, shift: int) -> Roll:
        """The roll of latents (T, 3 * latent), transposed by `shift` out of the model's key."""
        z = (x_0 * self._scale + self._mean).reshape(1, len(x_0), len(PARTS), self.latent)
        names = ["onset", "sustain", "velocity", "rest"]
        onset, sustain, velocity, rest = self._decoder.run(names, {"z": z.astype(np.float32)})
        return from_logits(onset[0], sustain[0], velocity[0], rest[0], shift)

    # --- generation -------------------------------------------------------------------------------------------

    def generate(
        self,
        condition: Condition,
        *,
        seed: int,
        steps: int = STEPS,
        guidance: float = GUIDANCE,
        rescale: float = 0.0,
        selector: Selector | None = None,
        known: Known | None = None,
        variation: float = 1.0,
        progress: Progress = silent,
        on_roll: Callable[[float, Roll], None] | None = None,
        roll_times: tuple[float, ...] = (),
    ) -> Roll:
        """Music for `condition`: a roll of its beats, the known notes exactly as they were given.

        `steps` evaluations of the denoiser; with guidance most of them take two passes (`guides`). `variation` below 1
        starts from `known.roll` with noise added up to that share of the 1000 timesteps instead of from noise alone.
        `on_roll` is called with (t, roll) after each step that passes one of `roll_times`. The same arguments give the
        same roll on the same machine and provider. `progress` may raise `Cancelled`.
        """
        if condition.beats < 2:
            raise RequestError(f"A cue of {condition.beats} beats is too short; it needs at least 2.")

        def written() -> Roll:
            x_0 = self.sample(
                condition, seed=seed, steps=steps, guidance=guidance, rescale=rescale, selector=selector, known=known,
                variation=variation, on_step=self._watch(condition, steps, progress, on_roll, roll_times),
            )  # fmt: skip
            return self.decode(x_0, condition.shift)

        try:
            roll = written()
        except ShotscoreError:
            raise
        except Exception as problem:  # ONNX Runtime raises its own types, unrelated to one another
            if self.device.provider == _PROVIDERS["cpu"]:
                raise
            self._hand_over(problem)
            roll = written()
        return roll if known is None else _joined(roll, known)

    def _watch(
        self,
        condition: Condition,
        steps: int,
        progress: Progress,
        on_roll: Callable[[float, Roll], None] | None,
        roll_times: tuple[float, ...],
    ) -> OnStep:
        waiting = sorted(roll_times, reverse=True)

        def on_step(i: int, t: float, x_0: FloatArray) -> None:
            progress("denoise", (i + 1) / steps)
            while on_roll is not None and waiting and t <= waiting[0]:
                on_roll(waiting.pop(0), self.decode(x_0, condition.shift))

        return on_step

    def sample(
        self,
        condition: Condition,
        *,
        seed: int,
        steps: int,
        guidance: float,
        rescale: float = 0.0,
        selector: Selector | None = None,
        known: Known | None = None,
        variation: float = 1.0,
        on_step: OnStep | None = None,
    ) -> FloatArray:
        """Latents (T, 3 * latent) of the music, before they are decoded."""
        if not 0 < variation <= 1:
            raise RequestError(f"A variation of {variation:g} is outside 0 (the same) to 1 (new).")
        rng = np.random.default_rng(seed)
        network = _Bound(self, condition, guidance, rescale, selector or Selector(), known, rng, steps)
        times = timesteps(steps, start=MAX_T * variation)
        noise = rng.standard_normal((condition.beats, len(PARTS) * self.latent), dtype=np.float32)
        noise = recalled(noise, condition.frame.places, RECALL)
        if known is not None and variation < 1:
            noise = add_noise(self.encode(known.roll, -condition.shift), times[0], rng)
        return dpm_solver_pp_2m(network, noise, times, on_step)


class _Bound:
    """`denoise(x_t, t) -> x_0` for one cue, guided; to be called once for each of `steps`, from noise to music."""

    def __init__(
        self,
        model: Denoiser,
        condition: Condition,
        guidance: float,
        rescale: float,
        selector: Selector,
        known: Known | None,
        rng: np.random.Generator,
        steps: int,
    ) -> None:
        beats, width = condition.beats, len(PARTS) * model.latent
        if condition.language.shape != (beats, LANGUAGE_WIDTH) or condition.visual.shape != (beats, VISUAL_WIDTH):
            raise RequestError(
                f"Features of shape {condition.language.shape} and {condition.visual.shape} do not fit {beats} beats."
            )
        self.guidance, self.rescale, self.selector, self.rng = guidance, rescale, selector, rng
        self.step, self.steps = 0, steps
        mask = np.zeros((beats, len(PARTS)), np.float32)
        given = np.zeros((beats, width), np.float32)
        if known is not None:
            mask = known.mask.astype(np.float32)
            kept = _masked(known)
            given = model.encode(kept, -condition.shift) * np.repeat(mask, model.latent, axis=1)
        self.known_mask, self.known = np.repeat(mask, model.latent, axis=1), given
        self.model = model
        heard = next(node.shape[-1] for node in model._denoiser.get_inputs() if node.name == "frame")
        # Later conditions stand behind the earlier ones: an older model hears as many as it knows.
        self.frames = [frame.matrix()[:, :heard] for frame in (condition.frame, condition.frame.without(*GUIDED))]
        self.fixed = {
            "known": given,
            "known_mask": mask,
            "language": condition.language,
            "visual": condition.visual,
            "sac_mask": condition.sac_mask,
        }
        self.estimate = np.zeros((beats, width), np.float32)
        """Self-conditioning: what the step before took x_0 to be."""
        self.away: FloatArray | None = None
        """How far conditions last moved x_0."""
        self.rows: dict[int, _Rows] = {}

    def __call__(self, x_t: FloatArray, t: float) -> FloatArray:
        language_on, visual_on = self.selector(t, self.rng)
        is_guided = self.guidance != 1 and (self.away is None or guides(self.step, self.steps))
        self.step += 1
        x_0 = self._asked(2 if is_guided else 1)(
            x_t=x_t * (1 - self.known_mask),
            t=np.float32(t),
            # The second row is the one without conditions: neither feature.
            language_on=np.array([language_on, 0], np.float32),
            visual_on=np.array([visual_on, 0], np.float32),
            estimate=self.estimate,
        )
        if is_guided:
            self.away = x_0[0] - x_0[1]
        answer = x_0[0]
        if self.away is not None:
            answer = guided(answer, answer - self.away, self.guidance, self.rescale)
        self.estimate = answer * (1 - self.known_mask)
        return np.asarray(self.estimate + self.known, np.float32)

    def _asked(self, rows: int) -> "_Rows":
        if rows not in self.rows:
            fixed = {name: _rows(array, rows) for name, array in self.fixed.items()}
            self.rows[rows] = _Rows(self.model, fixed | {"frame": np.stack(self.frames[:rows])})
        return self.rows[rows]


class _Rows:
    """The network for a number of rows: what stays bound to the device once, the rest renewed at each call."""

    def __init__(self, model: Denoiser, fixed: dict[str, NDArray[Any]]) -> None:
        self.session = model._denoiser
        self.kind = {"CUDAExecutionProvider": "cuda"}.get(model.device.provider, "cpu")
        self.binding = self.session.io_binding()
        self.values: dict[str, Any] = {}
        # A model trained without self-conditioning has no such input.
        self.there = {node.name for node in self.session.get_inputs()}
        for name, array in fixed.items():
            self._bind(name, array)
        shape = fixed["known"].shape
        for name in ("x_t", "estimate"):
            self._bind(name, np.zeros(shape, np.float32))
        for name in ("t", "language_on", "visual_on"):
            self._bind(name, np.zeros(len(fixed["known"]), np.float32))
        self.output = self._value(np.zeros(shape, np.float32))
        self.binding.bind_ortvalue_output("x_0", self.output)

    def __call__(self, **changing: Any) -> FloatArray:
        rows = self.output.shape()[0]
        for name, array in changing.items():
            if name in self.there:
                # The switches have a value for each row, everything else the same for all.
                array = array[:rows] if name in ("language_on", "visual_on") else _rows(array, rows)
                self.values[name].update_inplace(array)
        self.session.run_with_iobinding(self.binding)
        x_0: FloatArray = self.output.numpy()
        return x_0

    def _value(self, array: NDArray[Any]) -> Any:
        import onnxruntime

        return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array), self.kind, 0)

    def _bind(self, name: str, array: NDArray[Any]) -> None:
        if name in self.there:
            self.values[name] = self._value(array)
            self.binding.bind_ortvalue_input(name, self.values[name])


def _rows(array: Any, rows: int) -> NDArray[Any]:
    """The same for each of `rows`."""
    return np.ascontiguousarray(np.broadcast_to(array, (rows, *np.shape(array))))


def _beside(model: Path, name: str) -> Path:
    return model.with_name(name) if model.with_name(name).is_file() else MODELS / name


def _masked(known: Known) -> Roll:
    """Only the notes that begin in known beats, cut off where the known stretch ends."""
    mask = np.repeat(known.mask.T, 4, axis=1)[:, : known.roll.steps, None]
    onset = known.roll.onset & mask
    sustain = known.roll.sustain & mask
    alive = np.zeros((len(PARTS), onset.shape[2]), bool)
    for step in range(onset.shape[1]):
        sustain[:, step] &= alive
        alive = onset[:, step] | sustain[:, step]
    return Roll(onset, sustain, np.where(onset, known.roll.velocity, 0).astype(np.uint8))


def _joined(fresh: Roll, known: Known) -> Roll:
    """`fresh` where nothing is known, the known notes elsewhere, each with its own full length."""
    steps = fresh.steps
    mask = np.repeat(known.mask.T, 4, axis=1)[:, :, None]
    onset = np.where(mask, known.roll.onset[:, :steps], fresh.onset)
    velocity = np.where(mask, known.roll.velocity[:, :steps], fresh.velocity)
    sustain = np.zeros_like(onset)
    for source, of_source in ((known.roll, mask), (fresh, ~mask)):
        alive = np.zeros((len(PARTS), onset.shape[2]), bool)
        begun = source.onset[:, :steps] & of_source
        for step in range(steps):
            alive = (begun[:, step] | (alive & source.sustain[:, step])) & ~(onset[:, step] & ~begun[:, step])
            sustain[:, step] |= alive & ~onset[:, step]
    return Roll(onset, sustain, velocity.astype(np.uint8))
