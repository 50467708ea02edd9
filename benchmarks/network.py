"""The denoiser as it ships: seconds for a cue, and what share of the machine's arithmetic it gets; prints JSON.

The machine's own peak is the fastest large float32 matrix product of NumPy's BLAS. What the denoiser computes is
counted from the shapes ONNX Runtime reports for every matrix product it runs; a model whose products run in 8-bit
integers may pass the float32 peak.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from stopwatch import best  # type: ignore[import-not-found,unused-ignore]

BEATS, BPM = 300, 100
"""Three minutes of music."""
_PRODUCTS = ("MatMul", "FusedMatMul", "Gemm", "DynamicQuantizeMatMul", "MatMulIntegerToFloat", "MatMulInteger")


def main() -> None:
    """Measure, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="how often; the best counts (%(default)s)")
    options = parser.parse_args()
    from shotscore_engine.denoiser import Denoiser
    from shotscore_engine.request import ScoreRequest

    request, condition, model = ScoreRequest(), _condition(), Denoiser()
    model.generate(condition, seed=0, steps=2, guidance=request.guidance)
    cue = best(
        options.times,
        lambda: model.generate(condition, seed=1, steps=request.steps, guidance=request.guidance),
    )
    seen = best(
        options.times,
        lambda: model.sample(condition, seed=1, steps=request.steps, guidance=request.guidance),
    )
    products = products_of_an_evaluation(model, request.guidance)
    answer = {
        "music_seconds": BEATS * 60 / BPM,
        "bars": BEATS // 4,
        "steps": request.steps,
        "guidance": request.guidance,
        "seconds": cue,
        "sampling_seconds": seen,
        "operations_a_step": products,
        "operations_a_second": products * request.steps / seen,
        "peak_operations_a_second": peak(),
        "provider": model.device.provider,
    }
    print(json.dumps(answer))


def _condition() -> Any:
    from shotscore_engine.conditions import FrameCondition
    from shotscore_engine.denoiser import Condition
    from shotscore_engine.features import LANGUAGE_WIDTH, VISUAL_WIDTH
    from shotscore_engine.masks import sac_mask

    rng = np.random.default_rng(0)
    frame = FrameCondition(np.arange(BEATS) % 4, np.full(BEATS, 4), np.full(BEATS, BPM, np.float32))
    language = rng.standard_normal((BEATS, LANGUAGE_WIDTH)).astype(np.float32)
    visual = rng.random((BEATS, VISUAL_WIDTH)).astype(np.float32)
    return Condition(frame, language, visual, sac_mask("fixed", BEATS))


def products_of_an_evaluation(model: Any, guidance: float) -> int:
    """Multiplications and additions in the matrix products of one step, guidance included, as ONNX Runtime ran it."""
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.enable_profiling = True
        options.profile_file_prefix = f"{folder}/run"
        session = onnxruntime.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
        rows = 1 if guidance == 1 else 2
        sizes = {"batch": rows, "beats": BEATS}
        kinds = {"tensor(float)": np.float32, "tensor(bool)": np.bool_}
        session.run(
            None,
            {
                node.name: np.ones([sizes.get(side, side) for side in node.shape], kinds[node.type])
                for node in session.get_inputs()
            },
        )
        events = json.loads(Path(session.end_profiling()).read_text())
    return sum(_operations(event["args"]) for event in events if event["name"].endswith("_kernel_time"))


def _operations(call: dict[str, Any]) -> int:
    """2 m n k of a matrix product as the profile describes it; 0 for anything else."""
    if call.get("op_name") not in _PRODUCTS:
        return 0
    (left,) = call["input_type_shape"][0].values()
    (out,) = call["output_type_shape"][0].values()
    return 2 * int(np.prod(out)) * int(left[-1])


def peak(side: int = 2048) -> float:
    """Multiplications and additions a second in the machine's fastest float32 matrix product."""
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((side, side)).astype(np.float32) for _ in range(2))
    return float(2 * side**3 / best(8, lambda: left @ right))


if __name__ == "__main__":
    main()
