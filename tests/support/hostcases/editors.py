"""Editors reached through their own project files: Kdenlive in both formats, Shotcut, OpenShot."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shotscore_plugin import hosts
from shotscore_plugin.host import Host

from . import Edit
from .files import FileCase, Row, mlt_text

Rows = Sequence[tuple[str, str, tuple[Row, ...]]]


def kdenlive_text(edit: Edit, tracks: Rows, folder: Path, version: str) -> bytes:
    """A project as Kdenlive writes it, with a group of a picture and its sound."""
    length = sum(row[2] for row in tracks[0][2])
    order = [*(track for track in tracks if track[1] == "Audio"), *(track for track in tracks if track[1] == "Video")]
    ids = {media: number for number, media in enumerate(sorted({row[0] for _, _, rows in tracks for row in rows}), 2)}

    def producer(name: str, media: str) -> str:
        return (
            f' <producer id="{name}" in="0" out="999">\n  <property name="length">1000</property>\n'
            f'  <property name="resource">{folder / f"{media}.mov"}</property>\n'
            '  <property name="mlt_service">avformat-novalidate</property>\n'
            f'  <property name="kdenlive:id">{ids[media]}</property>\n </producer>\n'
        )

    media = "".join(producer(f"producer_{name}", name) for name in ids)
    rows_text, seats, mixes = "", ' <track producer="black_track"/>\n', ""
    for number, (name, kind, rows) in enumerate(order):
        audio = kind == "Audio"
        mark = '<property name="kdenlive:audio_track">1</property>' if audio else ""
        entries, now = "", 0
        for film, start, frames, source in rows:
            if start > now:
                entries += f'  <blank length="{start - now}"/>\n'
            entries += f'  <entry producer="producer_{film}" in="{source}" out="{source + frames - 1}"/>\n'
            now = start + frames
        hide = "video" if audio else "audio"
        rows_text += (
            f' <playlist id="list{number}a">{mark}\n{entries} </playlist>\n'
            f' <playlist id="list{number}b">{mark}</playlist>\n'
            f' <tractor id="track{number}" in="0" out="{now - 1}">{mark}\n'
            f'  <property name="kdenlive:track_name">{name}</property>\n'
            f'  <track hide="{hide}" producer="list{number}a"/>\n  <track hide="{hide}" producer="list{number}b"/>\n'
            " </tractor>\n"
        )
        seats += f' <track producer="track{number}"/>\n'
        mixes += (
            f'  <transition id="transition{number}">\n   <property name="a_track">0</property>\n'
            f'   <property name="b_track">{number + 1}</property>\n'
            f'   <property name="mlt_service">{"mix" if audio else "qtblend"}</property>\n'
            '   <property name="internal_added">237</property>\n   <property name="always_active">1</property>\n'
            "  </transition>\n"
        )
    groups = json.dumps(
        [{"children": [{"data": f"{n}:0", "leaf": "clip", "type": "Leaf"} for n in (0, 1)], "type": "AVSplit"}]
    )
    sequence = "{7c5fd5a3-4f2b-4b7c-9c3e-5d2a1f0e9b11}" if version == "1.1" else "sequence"
    active = f'  <property name="kdenlive:docproperties.activetimeline">{sequence}</property>\n'
    own = f'  <property name="kdenlive:sequenceproperties.groups">{groups}</property>\n' if version == "1.1" else ""
    old = f'  <property name="kdenlive:docproperties.groups">{groups}</property>\n' if version != "1.1" else active
    listed = "".join(f'  <entry producer="producer_{name}" in="0" out="999"/>\n' for name in ids)
    bin_list = (
        f' <playlist id="main_bin">\n  <property name="kdenlive:docproperties.version">{version}</property>\n'
        f'{old}  <property name="xml_retain">1</property>\n{listed} </playlist>\n'
    )
    timeline = f'{rows_text} <tractor id="{sequence}" in="0" out="{length - 1}">\n{own}{seats}{mixes} </tractor>\n'
    wrapped = (
        ' <tractor id="project"><property name="kdenlive:projectTractor">1</property>\n'
        f'  <track producer="{sequence}"/>\n </tractor>\n'
    )
    body = timeline + bin_list + wrapped if version == "1.1" else bin_list + timeline
    rate = edit.rate
    return (
        f'<?xml version=\'1.0\' encoding=\'utf-8\'?>\n<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0">\n'
        f' <profile width="320" height="180" frame_rate_num="{rate.numerator}" frame_rate_den="{rate.denominator}"/>\n'
        f'{media} <producer id="black_track"><property name="resource">black</property>'
        f'<property name="mlt_service">color</property></producer>\n{body}</mlt>\n'
    ).encode()


def kdenlive_104(edit: Edit, tracks: Rows, folder: Path) -> bytes:
    return kdenlive_text(edit, tracks, folder, "1.04")


def kdenlive_11(edit: Edit, tracks: Rows, folder: Path) -> bytes:
    return kdenlive_text(edit, tracks, folder, "1.1")


def openshot_text(edit: Edit, tracks: Rows, folder: Path) -> bytes:
    """A project as OpenShot writes it, cut down to what matters here."""
    rate = edit.rate
    fps = {"num": rate.numerator, "den": rate.denominator}
    numbers = {name: (4 - place) * 1_000_000 for place, (name, _, _) in enumerate(reversed(tracks))}
    clips, files = [], {}
    for name, kind, rows in tracks:
        for media, start, frames, source in rows:
            reader = {
                "path": str(folder / f"{media}.mov"), "type": "FFmpegReader", "has_video": kind == "Video",
                "has_audio": kind == "Audio", "duration": float(1000 / rate), "fps": fps, "has_single_image": False,
            }  # fmt: skip
            files[media] = {**reader, "id": f"F-{media}"}
            clips.append(
                {
                    "id": f"C-{name}-{media}-{start}", "file_id": f"F-{media}", "title": f"{media}.mov",
                    "layer": numbers[name], "position": float(start / rate), "start": float(source / rate),
                    "end": float((source + frames) / rate), "reader": {**reader, "id": f"F-{media}"},
                }
            )  # fmt: skip
    layers = [{"id": name, "label": name, "number": number, "y": 0, "lock": False} for name, number in numbers.items()]
    project = {
        "id": "T0", "fps": fps, "width": 320, "height": 180, "sample_rate": 48000, "channels": 2, "clips": clips,
        "effects": [], "files": list(files.values()), "layers": layers, "markers": [], "duration": 300.0,
        "version": {"openshot-qt": "2.6.1", "libopenshot": "0.2.7"},
    }  # fmt: skip
    return json.dumps(project, indent=1, ensure_ascii=False).encode()


@dataclass(frozen=True)
class EditorCase(FileCase):
    """A project of an editor, opened as that editor's."""

    program: str = ""

    def open(self, project: Path) -> Host:
        return hosts.program(self.program).open(project)


MADE = EditorCase("", mlt_text, start_timecode=False)
CASES = {
    "kdenlive-1.04": replace(MADE, suffix=".kdenlive", write=kdenlive_104, program="kdenlive"),
    "kdenlive-1.1": replace(MADE, suffix=".kdenlive", write=kdenlive_11, program="kdenlive"),
    "shotcut": replace(MADE, suffix=".mlt", program="shotcut"),
    "openshot": replace(MADE, suffix=".osp", write=openshot_text, program="openshot"),
}
