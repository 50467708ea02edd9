"""Changing somebody's XML document in a few places and leaving every other byte as it is; and changing it back.

A document is parsed only to learn where its elements stand (`Element` holds byte offsets). `apply` cuts new text in
and appends one XML comment after the root, in which the edits are recorded; `undo` reads it and gives the original
back, byte for byte. A document that was changed after `apply` is refused: its offsets no longer hold.
"""

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from xml.parsers import expat

from shotscore_engine.errors import TimelineError

_LARGEST = 256 * 1024 * 1024
_DEEPEST = 512
_RECORD = re.compile(rb"<!--shotscore edits ([A-Za-z0-9+/=]+) ([0-9a-f]{64})-->\n?\Z")


@dataclass
class Element:
    """An element and where its bytes stand."""

    tag: str
    attributes: dict[str, str]
    start: int
    """Of `<`."""
    content: int = 0
    """After the start tag's `>`."""
    close: int = 0
    """Of `</`; as `end` for a self-closing tag."""
    end: int = 0
    """After the element."""
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def walk(self) -> Iterator["Element"]:
        """This element and all under it, in document order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting += reversed(element.children)

    def find_all(self, tag: str) -> list["Element"]:
        """Every element of that tag under this one."""
        return [found for found in self.walk() if found.tag == tag and found is not self]

    def child(self, tag: str) -> "Element | None":
        """The first child of that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def child_text(self, tag: str, default: str = "") -> str:
        """The text of the first child of that tag."""
        found = self.child(tag)
        return found.text.strip() if found is not None else default

    def property(self, name: str) -> str:
        """MLT's `<property name=…>` of this element."""
        for child in self.children:
            if child.tag == "property" and child.attributes.get("name") == name:
                return child.text.strip()
        return ""


@dataclass(frozen=True)
class Edit:
    """The bytes from `start` to `end` become `new`; an insertion where both are equal."""

    start: int
    end: int
    new: str


def parse(data: bytes, root_tags: Sequence[str], what: str) -> Element:
    """The document's elements with their places.

    Raises TimelineError where it is no UTF-8 XML of one of the roots, declares entities, or is larger than 256 MB.
    """
    if len(data) > _LARGEST:
        raise TimelineError(f"The {what} document is larger than {_LARGEST} bytes; it cannot be edited here.")
    parser = expat.ParserCreate(encoding="utf-8")
    top = Element("", {}, 0)
    stack = [top]
    texts: list[list[str]] = [[]]
    """Of the elements in `stack`, in pieces: text comes in thousands of them."""

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise TimelineError(f"The {what} document nests its elements more than {_DEEPEST} deep; it is not read.")
        element = Element(tag, attributes, parser.CurrentByteIndex)
        stack[-1].children.append(element)
        stack.append(element)
        texts.append([])

    def end(_tag: str) -> None:
        element = stack.pop()
        element.text = "".join(texts.pop())
        element.content = _tag_end(data, element.start)
        if data.endswith(b"/>", 0, element.content):
            # A self-closing tag: expat reports its end at its start or right behind it, where the parent's may begin.
            element.close = element.end = element.content
        else:
            element.close = parser.CurrentByteIndex
            element.end = data.index(b">", element.close) + 1

    def refuse(*_: object) -> None:
        raise TimelineError(f"The {what} document declares entities; save it again from the editor.")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.EntityDeclHandler = lambda text: texts[-1].append(text), refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as problem:
        raise TimelineError(f"The {what} document is not whole XML: {problem}.") from problem
    root = top.children[0]
    if root.tag not in root_tags:
        raise TimelineError(f"The document is XML with the root <{root.tag}>, not a {what} one (<{root_tags[0]}>).")
    return root


def _record(packed: bytes, what: str) -> list[tuple[int, int, bytes]]:
    """The record in the comment, checked: the comment may be anybody's, and unpack to anything."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(base64.b64decode(packed), _LARGEST)
        if unpacker.unconsumed_tail:
            raise ValueError("it is too large")
        rows = json.loads(text)
        return [(int(offset), int(length), base64.b64decode(str(old))) for offset, length, old in rows]
    except (ValueError, TypeError, OverflowError, RecursionError, zlib.error) as problem:
        raise TimelineError(
            f"The {what} document's record of Shotscore's edits is damaged ({problem}); remove its tracks there."
        ) from problem


def _tag_end(data: bytes, start: int) -> int:
    """After the `>` that ends the tag at `start`; quoted values may hold one."""
    quote = 0
    for index in range(start, len(data)):
        byte = data[index]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == ord(">"):
            return index + 1
    raise TimelineError("The document ends inside a tag.")


def is_empty(data: bytes, element: Element) -> bool:
    """Whether the element is written as one self-closing tag."""
    return data[: element.end].endswith(b"/>") and element.content == element.end


def inside(data: bytes, element: Element, new: str, at: int | None = None) -> Edit:
    """An edit that puts `new` into an element: at the offset `at`, else at its end; a self-closing tag is opened."""
    if is_empty(data, element):
        return Edit(element.end - 2, element.end, f">{new}</{element.tag}>")
    place = element.close if at is None else at
    return Edit(place, place, new)


def apply(data: bytes, edits: Sequence[Edit]) -> bytes:
    """The document with its edits and the record of them. Edits at one place keep their order."""
    parts, record, cursor, length = [], [], 0, 0
    for edit in sorted(edits, key=lambda e: e.start):
        if edit.start < cursor:
            raise TimelineError("Two changes to the document overlap.")
        new = edit.new.encode()
        parts += [data[cursor : edit.start], new]
        length += edit.start - cursor
        record.append([length, len(new), base64.b64encode(data[edit.start : edit.end]).decode()])
        length += len(new)
        cursor = edit.end
    changed = b"".join([*parts, data[cursor:]])
    packed = base64.b64encode(zlib.compress(json.dumps(record).encode(), 9)).decode()
    digest = hashlib.sha256(changed).hexdigest()
    return changed + f"<!--shotscore edits {packed} {digest}-->\n".encode()


@dataclass(frozen=True)
class Record:
    """What `apply` wrote behind a document."""

    start: int
    """Where it begins."""
    untouched: bool
    """Whether the document before it is as `apply` left it."""


def record(data: bytes) -> Record | None:
    """The record of a document; None where nothing of ours is in it, or its editor has dropped the record."""
    found = _RECORD.search(data)
    if not found:
        return None
    return Record(found.start(), hashlib.sha256(data[: found.start()]).hexdigest() == found[2].decode())


def undo(data: bytes, what: str) -> bytes:
    """The document as it was before `apply`; `data` itself where there is nothing of ours in it.

    Raises TimelineError where the record is there but the music has been changed since.
    """
    found = _RECORD.search(data)
    if not found:
        return data
    changed = data[: found.start()]
    record = _record(found[1], what)
    if hashlib.sha256(changed).hexdigest() != found[2].decode():
        raise TimelineError(f"The {what} document was changed after the music was put in; remove its tracks there.")
    parts, cursor = [], 0
    for offset, length, old in record:
        if not 0 <= cursor <= offset <= offset + length <= len(changed):
            raise TimelineError(f"The {what} document's record of its music is damaged; remove its tracks there.")
        parts += [changed[cursor:offset], old]
        cursor = offset + length
    return b"".join([*parts, changed[cursor:]])
