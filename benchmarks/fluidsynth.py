"""Our rendering against FluidSynth's own command: the same notes, the same SoundFont, three minutes; prints JSON.

FluidSynth plays the MIDI file into one stereo file. Ours plays every stem alone, adds room and effects, limits,
measures loudness and writes a file per stem and the mix: more work, on all cores.

    .venv/bin/python benchmarks/fluidsynth.py [--style NAME]
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from shotscore_engine.picture import Picture, Shot
from shotscore_engine.request import ScoreRequest
from shotscore_engine.session import Session, Tools
from shotscore_engine.styles import DEFAULT_STYLE, style_names
from shotscore_exporters import audio, midi
from shotscore_exporters.placement import place
from shotscore_exporters.soundfont import find_soundfont
from stopwatch import best  # type: ignore[import-not-found,unused-ignore]

RATE = Fraction(25)
FRAMES = 180 * 25


def main() -> None:
    """Render a cue both ways, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--style", choices=style_names(), default=DEFAULT_STYLE, help="(%(default)s)")
    parser.add_argument("--times", type=int, default=2, help="how often; the best counts (%(default)s)")
    options = parser.parse_args()
    picture = Picture("benchmark", RATE, 0, False, FRAMES, (Shot(1, 0, FRAMES, "shot", None),))
    request = ScoreRequest(detect="none", tempo_bpm=96.0, mood=(0.2, 0.6), energy=0.8)
    session = Session("/benchmark.otio", picture).score(request, Tools.load(request))
    score = session.perform(replace(session.take("1m01"), style=options.style))
    placement = place(picture, session.cue("1m01"))
    font = find_soundfont()
    with tempfile.TemporaryDirectory() as folder:
        notes = Path(folder) / "cue.mid"
        midi.write(score, notes, placement)
        command = ["fluidsynth", "-ni", "-q", "-r", "48000", "-F", f"{folder}/theirs.wav", str(font), str(notes)]
        theirs = best(options.times, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
        ours = best(options.times, lambda: audio.write(score, placement, Path(folder) / "ours"))
    answer = {
        "style": options.style,
        "soundfont": font.name,
        "music_seconds": float(placement.duration),
        "stems": len(score.stems),
        "fluidsynth_seconds": theirs,
        "seconds": ours,
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
