"""Make `features/scene_components.npz`, the principal components of the scene bank's embeddings, and
`features/scene_mood.npz`, the way from an embedding to valence and arousal.

    python -m shotscore_engine.training.scene_components

Centred, by singular value decomposition; an axis points so that its largest entry is positive, so the file is the same
each time. Run it again after the bank or the sentence encoder has changed: the denoiser is trained on these axes.
"""

import numpy as np

from ..features.language import COMPONENTS, encode, scene_bank
from ..features.mood import leave_one_out, write_weights

KEPT = 8


def main() -> None:
    """The command."""
    rows = encode([scene.sentence for scene in scene_bank()])
    embeddings = rows.astype(np.float64)
    mean = embeddings.mean(0)
    _, values, axes = np.linalg.svd(embeddings - mean, full_matrices=False)
    kept = axes[:KEPT]
    kept = kept * np.sign(kept[np.arange(KEPT), np.abs(kept).argmax(1)])[:, None]
    spread = values[:KEPT] / np.sqrt(len(embeddings))
    np.savez(COMPONENTS, mean=mean.astype(np.float32), axes=kept.astype(np.float32), spread=spread.astype(np.float32))
    print(f"{COMPONENTS}: {KEPT} components, {(values[:KEPT] ** 2).sum() / (values**2).sum():.3f} of the variance")
    write_weights(rows)
    points = np.array([(scene.valence, scene.arousal) for scene in scene_bank()])
    read = leave_one_out(rows)
    for axis, name in enumerate(("valence", "arousal")):
        print(f"{name}, left out: correlation {np.corrcoef(read[:, axis], points[:, axis])[0, 1]:.3f}")


if __name__ == "__main__":
    main()
