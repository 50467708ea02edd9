"""Gathers songs for training: `shotscore dataset --out FILE [--pop909 DIR] [--lieder DIR] …`.

Reads whatever of the sources is given, puts every song on the sixteenth-note grid and writes one .npz (with the songs'
names and words in a .json beside it). A song that cannot be read is named and left out.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import InputError
from .data import CORPORA, Song, load_openscore, load_pop909, save_songs
from .split import split_of
from .stand_in import SCALE_FILE, save_scale


def pop909_songs(folder: Path, corrected: Path | None, form: Path | None) -> Iterator[tuple[str, Song | InputError]]:
    """(id, song or what is wrong with it) of POP909's folder."""
    for song in sorted(path for path in folder.iterdir() if (path / "beat_midi.txt").is_file()):
        try:
            yield (
                song.name,
                load_pop909(
                    song,
                    corrected=corrected / f"{song.name}.mid" if corrected else None,
                    form=form / song.name if form else None,
                ),
            )
        except InputError as problem:
            yield song.name, problem


def openscore_songs(folder: Path) -> Iterator[tuple[str, Song | InputError]]:
    """(id, score or what is wrong with it) of a folder of compressed MusicXML."""
    for path in sorted(folder.glob("*.mxl")):
        try:
            yield path.stem, load_openscore(path)
        except InputError as problem:
            yield path.stem, problem


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="shotscore dataset", description=__doc__)
    parser.add_argument("--pop909", type=Path, help="POP909: NNN/NNN.mid with NNN/beat_midi.txt")
    parser.add_argument("--pop909-cl", type=Path, help="POP909-CL: NNN.mid with corrected bars and keys")
    parser.add_argument("--pop909-structure", type=Path, help="phrase labels: NNN/human_label1.txt and melody.txt")
    parser.add_argument("--lieder", type=Path, help="OpenScore Lieder: *.mxl")
    parser.add_argument("--quartets", type=Path, help="OpenScore String Quartets: *.mxl")
    parser.add_argument("--out", type=Path, required=True, help="the .npz to write")
    parser.add_argument("--scale", action="store_true", help="also measure the scale evaluation uses, anew")
    options = parser.parse_args(arguments)

    found: list[tuple[str, Song | InputError]] = []
    for folder in (options.pop909, options.lieder, options.quartets):
        if folder is not None and not folder.is_dir():
            raise InputError(f"{folder} is not a folder; name the one the data set was unpacked to.")
    if options.pop909:
        found += pop909_songs(options.pop909, options.pop909_cl, options.pop909_structure)
    for folder in (options.lieder, options.quartets):
        if folder:
            found += openscore_songs(folder)
    songs = [song for _, song in found if isinstance(song, Song)]
    if not songs:
        raise InputError("No songs were found; give --pop909, --lieder or --quartets a folder that holds some.")
    left_out = {name: str(problem) for name, problem in found if isinstance(problem, InputError)}
    for name, why in left_out.items():
        print(f"{name}: {why}", file=sys.stderr)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_songs(songs, options.out)
    if options.scale:
        save_scale([song for song in songs if song.corpus == "pop" and split_of(song.id) == "train"], SCALE_FILE)
    summary = {
        corpus: {"songs": len(of_it), "beats": sum(s.beats for s in of_it), "notes": sum(len(s.notes) for s in of_it)}
        for corpus in CORPORA
        if (of_it := [song for song in songs if song.corpus == corpus])
    }
    print(json.dumps({"file": str(options.out), "left_out": sorted(left_out), **summary}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
