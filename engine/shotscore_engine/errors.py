"""The tree of errors.

Every message is one sentence a person can act on: it holds the offending value and what to do.
The command line exits 2 for `InputError`, 130 for `Cancelled`, 1 for anything else.
"""

import errno

LONGEST_SENTENCE = 1200
"""Characters; what is longer loses its middle."""
NO_MEMORY = "There is not enough memory for this; close other programs, or score a shorter range."
_NO_MEMORY_WORDS = ("bad_alloc", "allocate memory", "failed to map segment")
"""What C++, ONNX Runtime and the loader of libraries say of it."""


class ShotscoreError(Exception):
    """Root of everything Shotscore raises on purpose."""

    def __init__(self, sentence: str = "") -> None:
        """`sentence` in one line and of a length a person reads: the values in it may come from anybody's file."""
        line = " ".join(sentence.split()) if any(character < " " for character in sentence) else sentence
        if len(line) > LONGEST_SENTENCE:
            line = f"{line[: LONGEST_SENTENCE // 2]} … {line[-LONGEST_SENTENCE // 2 :]}"
        super().__init__(line)


class InputError(ShotscoreError):
    """What was asked for, or what was handed in, cannot be used as it is."""


class TimelineError(InputError):
    """A timeline cannot be read, or holds no picture."""


class MediaError(InputError):
    """A media file is missing or cannot be decoded."""


class RequestError(InputError):
    """A value asked for is out of range or contradicts another."""


class ModelError(InputError):
    """A model file is missing, is not a model, or has the wrong inputs and outputs."""


class SessionError(InputError):
    """A session file is missing, damaged, or written by a newer Shotscore."""


class NewerSessionError(SessionError):
    """A session file was written by a newer Shotscore."""


class HostError(InputError):
    """An editor is not there, does not answer, or does not do what it was asked."""


class OutputError(InputError):
    """A folder or file cannot be written."""


class Cancelled(ShotscoreError):
    """The person, or a signal, stopped the work; nothing half-written is left."""


def lacks_memory(problem: BaseException) -> bool:
    """Whether memory ran out: Python's own error, the system's, or one that was raised for it or quotes it."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, MemoryError) or (isinstance(seen, OSError) and seen.errno == errno.ENOMEM):
            return True
        if any(words in str(seen) for words in _NO_MEMORY_WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
