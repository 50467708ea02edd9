"""Keys as musicians of the panel's language write them."""

from __future__ import annotations

from .language import tr


def key_words(key: str) -> str:
    """A key of the engine, such as "Bb major"; text of another form is left as it is."""
    tonic, _, mode = key.partition(" ")
    notes = {
        "C": tr("C"), "C#": tr("C#"), "Db": tr("Db"), "D": tr("D"), "D#": tr("D#"), "Eb": tr("Eb"), "E": tr("E"),
        "F": tr("F"), "F#": tr("F#"), "Gb": tr("Gb"), "G": tr("G"), "G#": tr("G#"), "Ab": tr("Ab"), "A": tr("A"),
        "A#": tr("A#"), "Bb": tr("Bb"), "B": tr("B"), "Cb": tr("Cb"),
    }  # fmt: skip
    modes = {"major": tr("{0} major"), "minor": tr("{0} minor")}
    return modes[mode].format(notes[tonic]) if tonic in notes and mode in modes else key
