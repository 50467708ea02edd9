"""Makes the index of training melodies: `python -m shotscore_engine.training.novelty_index POP909 [OUT.npz]`.

It holds the songs that train (`split.split_of`) as sorted hashes of their melodic bars (`metrics/novelty.py`), and the
digests of the files of all songs that training or choosing has seen, so that an evaluation can tell which of the songs
it is given were never seen, whatever their folders are called.
"""

import hashlib
import sys
from pathlib import Path

from ..errors import InputError
from ..metrics.novelty import Index, build, save
from .data import load_pop909
from .real import song_ids, whole
from .split import split_of

INDEX_PATH = Path(__file__).parent.parent / "models" / "melodies.npz"
"""Where the shipped index lies."""


def digest(midi_path: Path) -> int:
    """First 8 bytes of the file's SHA-256, little-endian."""
    return int.from_bytes(hashlib.sha256(midi_path.read_bytes()).digest()[:8], "little")


def index_of(folder: Path) -> Index:
    """The index of the POP909 songs in `folder`. Raises InputError where none of them trains."""
    ids = song_ids(folder)
    training = [song for song in ids if split_of(song) == "train"]
    if not training:
        raise InputError(f"{folder} holds no training song among its {len(ids)}; name the whole data set.")
    seen = [digest(folder / song / f"{song}.mid") for song in ids if split_of(song) != "test"]
    return build((whole(load_pop909(folder / song)) for song in training), seen)


def main(arguments: list[str]) -> None:
    """Writes the index and says how large it is."""
    out = Path(arguments[1]) if len(arguments) > 1 else INDEX_PATH
    index = index_of(Path(arguments[0]))
    save(index, out)
    print(f"{out}: {len(index.exact)} bars of {len(index.songs)} songs, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
