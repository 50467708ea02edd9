"""NumPy's arrays out of a pickle, without unpickling: the pickle's instructions are read as data.

BGM909 and POP909's derivatives store tracks of unequal length as an array of arrays, which NumPy writes as a pickle.
Python's own unpickler would call what the file names; and even with nothing but NumPy's array maker to call, a spoiled
file ends the process (seen: a segmentation fault in ndarray's `__setstate__`). Here nothing is called and nothing is
imported: an array is made from its shape, its type and as many bytes as these ask for, or the file is refused.

Source: the opcodes as `pickletools` documents them. Known to NumPy 1 and 2, protocols 2 to 4.
"""

import math
import pickletools
import re
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

_NUMBERS = re.compile(r"[<>|=]?([biuf][1248]|b1)")
_MAKERS = {"numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct"}
_NAMES = {*_MAKERS, "numpy ndarray", "numpy dtype"}
_LITERALS = {"BININT", "BININT1", "BININT2", "LONG1", "INT", "LONG", "SHORT_BINUNICODE", "BINUNICODE", "UNICODE",
             "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"}  # fmt: skip
_TUPLES = ("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}


class _Name(str):
    """`module name`, of something a pickle would import."""


class _Type:
    """A NumPy data type in the making."""

    def __init__(self, code: str) -> None:
        if code not in ("O8", "O") and not _NUMBERS.fullmatch(code):
            raise ValueError(f"the data type {code[:20]!r} is no number's")
        self.code = code

    def turn(self, order: Any) -> None:
        """Take on a byte order; later arrays refer to this very type."""
        if order not in ("<", ">", "|", "="):
            raise ValueError(f"the byte order {str(order)[:20]!r} is none")
        if not self.code.startswith("O"):
            self.code = order + self.code.lstrip("<>|=")


class _Array:
    """An array in the making."""

    value: NDArray[Any] | None = None

    def fill(self, shape: Any, kind: Any, fortran: Any, data: Any) -> None:
        if not (isinstance(shape, tuple) and all(type(n) is int and 0 <= n < 1 << 31 for n in shape)):
            raise ValueError("an array has no usable shape")
        if not isinstance(kind, _Type):
            raise ValueError("an array has no data type")
        count = math.prod(shape)
        order: Literal["C", "F"] = "F" if fortran is True else "C"
        if kind.code.startswith("O"):
            if not (isinstance(data, list) and len(data) == count):
                raise ValueError(f"an array of {count} holds something else")
            flat = np.empty(count, object)
            for index, item in enumerate(data):
                flat[index] = item.value if isinstance(item, _Array) else item
                if not isinstance(flat[index], np.ndarray | int | str | type(None)):
                    raise ValueError("an array holds what is neither array nor number")
            self.value = flat.reshape(shape, order=order)
        else:
            dtype = np.dtype(kind.code)
            if not (isinstance(data, bytes) and len(data) == count * dtype.itemsize):
                raise ValueError(f"an array of {count} numbers has the wrong number of bytes")
            self.value = np.frombuffer(data, dtype).reshape(shape, order=order).copy()


def read(data: bytes) -> NDArray[Any]:
    """The array in a pickle. Raises ValueError where it holds anything but arrays of numbers."""
    try:
        found = _run(data)
    except (IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
        raise ValueError(f"a damaged pickle ({type(problem).__name__})") from problem
    if not isinstance(found, _Array) or found.value is None:
        raise ValueError("no array")
    return found.value


def _run(data: bytes) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}
    for opcode, argument, _ in pickletools.genops(data):
        name = opcode.name
        if name in _LITERALS:
            stack.append(argument)
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            wanted = argument if name == "GLOBAL" else f"{stack.pop(-2)} {stack.pop()}"
            if wanted not in _NAMES:
                raise ValueError(f"{str(wanted)[:60]!r} is no array")
            stack.append(_Name(wanted))
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            memo[len(memo) if argument is None else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(str(argument))])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE" or name in _TUPLES:
            at = marks.pop() if name == "TUPLE" else len(stack) - _TUPLES.index(name)
            stack[at:] = [tuple(stack[at:])]
        elif name == "EMPTY_LIST":
            stack.append([])
        elif name in ("APPEND", "APPENDS"):
            at = marks.pop() if name == "APPENDS" else len(stack) - 1
            items, stack[at:] = stack[at:], []
            stack[-1].extend(items)
        elif name == "REDUCE":
            values, maker = stack.pop(), stack.pop()
            stack.append(_made(maker, values))
        elif name == "BUILD":
            state = stack.pop()
            if isinstance(stack[-1], _Array):
                stack[-1].fill(*state[1:5])
            elif isinstance(stack[-1], _Type):
                stack[-1].turn(state[1])
            else:
                raise ValueError("something is built that is no array")
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"the instruction {name} has no place in an array")
    return stack.pop()


def _made(maker: Any, values: Any) -> _Array | _Type:
    if not isinstance(maker, _Name):
        raise ValueError("something is called that is no array's maker")
    if maker in _MAKERS:
        return _Array()
    if maker == "numpy dtype":
        return _Type(str(values[0]))
    raise ValueError(f"{maker!r} is not called for an array")
