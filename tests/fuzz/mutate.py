"""Making hostile files out of good ones: by their structure (JSON, XML, lines) and by their bytes.

Every function takes a `random.Random` and gives new data; the same generator state gives the same data.
"""

import json
import random
import re
import zipfile
from collections.abc import Callable
from io import BytesIO
from typing import Any
from xml.etree import ElementTree

NUMBERS: tuple[Any, ...] = (
    *(0, -1, 1, -(2**63), 2**63, 2**64 - 1, 10**18, 10**40, 10**400, 0.0, -0.5, 1e-300, 1e308, -1e308),
    *(float("nan"), float("inf"), float("-inf"), 23.976, 0.001, 1e9, 86_400_000),
)
TEXTS = (
    *("", " ", "\0", "\ud7ff", "ä" * 300, "x" * 100_000, "../../../../etc/passwd", "/etc/passwd", "..\\..\\secret"),
    *("file:///etc/passwd", "file://localhost/../../etc/passwd", "http://127.0.0.1:1/a.mov", "%2e%2e%2fsecret"),
    *("data:text/plain,a", "concat:/etc/passwd|/etc/hosts", "-1", "0", "NaN", "inf", "-inf", "1e999999999"),
    *("1/0", "0/0", "-5/3", "1" * 5000, "9" * 40, "1e400", "0x10", "1_000", "٣", "24000/1001", "0/1s", "1/0s"),
    *("-9999999999999s", "1e999999999s", "00:00:00:00", "99:99:99:99", "00:00:00.000", "-00:00:01.000", "true", "{}"),
    *("Clip.1", "Timeline.99", "Stack.1", "%s%n%x", "$(touch pwned)", "'; DROP TABLE shots; --", "&a;", "<![CDATA["),
)


_DEEP = "nested deeply, once it is text"


def bytes_of(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut out, doubled, cut off; whole numbers of two and four bytes overwritten with extremes."""
    raw = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        if not raw:
            break
        at = rng.randrange(len(raw))
        length = rng.choice((1, 2, 4, 8, 40, 400))
        match rng.randrange(7):
            case 0:
                raw[at] = rng.randrange(256)
            case 1:
                raw[at] ^= 1 << rng.randrange(8)
            case 2:
                del raw[at : at + length]
            case 3:
                raw[at:at] = raw[at : at + length] * rng.choice((1, 3))
            case 4:
                del raw[at:]
            case 5:
                width = rng.choice((2, 4, 8))
                extreme = rng.choice((0, 1, (1 << 8 * width) - 1, 1 << (8 * width - 1), (1 << (8 * width - 1)) - 1))
                raw[at : at + width] = extreme.to_bytes(width, rng.choice(("little", "big")))
            case _:
                other = rng.randrange(len(raw))
                raw[at : at + length], raw[other : other + length] = (
                    raw[other : other + length], raw[at : at + length],
                )  # fmt: skip
    return bytes(raw)


def text_of(rng: random.Random, data: bytes) -> bytes:
    """Lines doubled, dropped, exchanged; a number or a word in one of them made extreme; or its bytes."""
    if rng.random() < 0.3:
        return bytes_of(rng, data)
    lines = data.split(b"\n")
    for _ in range(rng.choice((1, 2, 5))):
        at = rng.randrange(len(lines))
        match rng.randrange(5):
            case 0:
                lines[at:at] = [lines[at]] * rng.choice((1, 2, 500))
            case 1:
                del lines[at]
            case 2:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                words = list(re.finditer(rb"[0-9.]+|\w+", lines[at]))
                if words:
                    word = rng.choice(words)
                    lines[at] = lines[at][: word.start()] + _extreme(rng).encode() + lines[at][word.end() :]
            case _:
                digits = list(re.finditer(rb"\d", lines[at]))
                if digits:
                    place = rng.choice(digits).start()
                    lines[at] = lines[at][:place] + str(rng.randrange(10)).encode() + lines[at][place + 1 :]
        if not lines:
            break
    return b"\n".join(lines)


def json_of(rng: random.Random, data: bytes) -> bytes:
    """Values of the tree replaced by extremes, dropped, doubled many times, put into one another."""
    if rng.random() < 0.15:
        return bytes_of(rng, data)
    tree: Any = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_json_places(tree))
        if not places:
            break
        parent, key = rng.choice(places)
        value = parent[key]
        match rng.randrange(8):
            case 0 | 1 | 2:
                alike = [n for n in NUMBERS if isinstance(value, int | float)] or list(TEXTS)
                others: tuple[Any, ...] = (None, True, [], {}, [[]], "x", -1, 1e300)
                parent[key] = rng.choice(alike) if rng.random() < 0.7 else rng.choice(others)
            case 3:
                del parent[key]
            case 4 if isinstance(parent, list):
                parent[key:key] = [value] * rng.choice((1, 2, 300))
            case 5:
                other_parent, other_key = rng.choice(places)
                if other_key in other_parent if isinstance(other_parent, dict) else other_key < len(other_parent):
                    parent[key] = json.loads(json.dumps(other_parent[other_key]))
            case 6:
                parent[key] = rng.choice(([value], {"children": [value]}, _DEEP))
            case _:
                if isinstance(parent, dict):
                    parent[rng.choice((*TEXTS[:6], "OTIO_SCHEMA", "unknown"))] = value
    depth = rng.choice((30, 400, 900, 3000))
    text = json.dumps(tree, ensure_ascii=True).replace(f'"{_DEEP}"', '{"children":[' * depth + "1" + "]}" * depth)
    if rng.random() < 0.05:
        text = text.replace('": ', '": ' + "[" * 100_000, 1)
    return text.encode()


def _json_places(tree: Any) -> list[tuple[Any, Any]]:
    found, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, value in items:
            found.append((node, key))
            waiting.append(value)
    return found


def xml_of(rng: random.Random, data: bytes) -> bytes:
    """Texts and attributes made extreme, elements dropped, doubled, renamed, put into one another; entity bombs."""
    if rng.random() < 0.2:
        return bytes_of(rng, data)
    root = ElementTree.fromstring(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        parents = {child: parent for parent in root.iter() for child in parent}
        elements = [root, *parents]
        element = rng.choice(elements)
        parent = parents.get(element)
        match rng.randrange(8):
            case 0 | 1:
                with_text = [e for e in elements if e.text and e.text.strip()]
                if with_text:
                    rng.choice(with_text).text = _extreme(rng)
            case 2 | 3:
                with_attributes = [e for e in elements if e.attrib]
                if with_attributes:
                    chosen = rng.choice(with_attributes)
                    chosen.set(rng.choice(sorted(chosen.attrib)), _extreme(rng))
            case 4 if parent is not None:
                parent.remove(element)
            case 5 if parent is not None:
                place = list(parent).index(element)
                for _ in range(rng.choice((1, 2, 200))):
                    parent.insert(place, element)
            case 6:
                element.tag = rng.choice(elements).tag
            case _ if parent is not None and not any(e is element for e in rng.choice(elements).iter()):
                host = rng.choice([e for e in elements if e not in set(element.iter())])
                host.append(element)
            case _:
                pass
    text = ElementTree.tostring(root, encoding="unicode")
    match rng.randrange(20):
        case 0:
            levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
            text = f'<!DOCTYPE {root.tag} [<!ENTITY a0 "ha">{levels}]>' + text.replace("</", "&a11;</", 1)
        case 1:
            text = f'<!DOCTYPE {root.tag} [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + text.replace("</", "&e;</", 1)
        case 2:
            text = f'<!DOCTYPE {root.tag} SYSTEM "http://127.0.0.1:1/evil.dtd">' + text
        case 3:
            depth = rng.choice((100, 5000, 200_000))
            text = text.replace("</", "<deep>" * depth + "</deep>" * depth + "</", 1)
        case 4:
            return ('<?xml version="1.0" encoding="utf-16"?>' + text).encode("utf-16")
    return text.encode("utf-8", "replace")


def _extreme(rng: random.Random) -> str:
    text = str(rng.choice(TEXTS)) if rng.random() < 0.7 else str(rng.choice(NUMBERS))
    return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", text)  # what XML has no characters for


def zip_of(rng: random.Random, members: dict[str, bytes], inner: Callable[[random.Random, bytes], bytes]) -> bytes:
    """An archive whose members have hostile contents or names, are there twice, are links, or are bombs."""
    changed = {
        name: inner(rng, data) if rng.random() < 0.5 and name.endswith(".otio") else data
        for name, data in members.items()
    }
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in changed.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            match rng.randrange(10):
                case 0:
                    info.filename = rng.choice(("../" + name, "/" + name, "a/../../" + name, "..\\" + name, name + "/"))
                case 1:
                    info.external_attr = 0o120777 << 16  # a symbolic link
                case 2:
                    data = b"\0" * (40 << 20 if rng.random() < 0.1 else 1 << 20)
            archive.writestr(info, data, compresslevel=1)
    return bytes_of(rng, out.getvalue()) if rng.random() < 0.3 else out.getvalue()
