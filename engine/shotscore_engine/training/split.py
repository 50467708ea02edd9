"""Which songs train, which choose, which judge: fixed by the song's own number, so that everybody agrees.

POP909's folders are numbers, 001 to 909. A ninth of them (n % 9 == 4) is never trained on and never chosen by;
one in 36 (n % 36 == 7) is watched during training and used for choices; the rest trains. Nothing is shuffled and
nothing depends on which other songs are at hand.

518 and 620 are left out everywhere: the corrected edition of the data set (POP909-CL) flags them as faulty.
"""

from typing import Literal

from ..errors import InputError

Split = Literal["train", "validation", "test", "excluded"]

EXCLUDED = frozenset({518, 620})
"""Songs flagged as faulty by POP909-CL."""


def split_of(song_id: str) -> Split:
    """The split of POP909's song `song_id` ("001" to "909").

    Raises InputError where `song_id` is no number.
    """
    if not (song_id.isascii() and song_id.isdigit()):
        raise InputError(f"{song_id!r} is not the number of a POP909 song; name its folder like 001.")
    number = int(song_id)
    if number in EXCLUDED:
        return "excluded"
    if number % 9 == 4:
        return "test"
    if number % 36 == 7:
        return "validation"
    return "train"
