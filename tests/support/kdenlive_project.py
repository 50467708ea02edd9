"""A Kdenlive project as an editor leaves it: 23.976 fps, three video tracks, two audio tracks, cuts from one film."""

import uuid
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from films import Cut

RATE = Fraction(24000, 1001)


def write_project(
    path: Path, film: Path, film_frames: int, tracks: Sequence[Sequence[tuple[int, Cut]]], rate: Fraction = RATE
) -> Path:
    """A project of format 1.04 whose video `tracks` (lowest first) hold cuts at record frames; sound on track A1."""
    end = max(at + cut.frames for track in tracks for at, cut in track)
    audio: list[list[tuple[int, Cut]]] = [[], list(tracks[0])]  # A2, the lowest, is listed first
    body, names = "", []
    producers = _producer("producer0", film, film_frames, "")
    for number, row in enumerate([*audio, *tracks]):
        name, is_audio = f"tractor{number}", number < len(audio)
        mark = '<property name="kdenlive:audio_track">1</property>' if is_audio else ""
        hide, switch = ("video", "set.test_image") if is_audio else ("audio", "set.test_audio")
        entries, now = "", 0
        producer = f"producer{number + 1}"
        producers += _producer(producer, film, film_frames, f'<property name="{switch}">1</property>')
        for at, cut in row:
            if at > now:
                entries += f'  <blank length="{at - now}"/>\n'
            entries += (
                f'  <entry producer="{producer}" in="{cut.start}" out="{cut.start + cut.frames - 1}">'
                '<property name="kdenlive:id">2</property></entry>\n'
            )
            now = at + cut.frames
        body += (
            f' <playlist id="{name}_a">{mark}\n{entries} </playlist>\n <playlist id="{name}_b">{mark}</playlist>\n'
            f' <tractor id="{name}" in="0" out="{max(now - 1, 0)}">{mark}\n'
            f'  <property name="kdenlive:trackheight">67</property>\n'
            f'  <property name="kdenlive:timeline_active">1</property>\n  <property name="kdenlive:thumbs_format"/>\n'
            f'  <track hide="{hide}" producer="{name}_a"/>\n  <track hide="{hide}" producer="{name}_b"/>\n </tractor>\n'
        )
        names.append(name)
    seats = "".join(f'  <track producer="{name}"/>\n' for name in names)
    mixes = "".join(
        _transition(number, "mix" if number <= len(audio) else "qtblend") for number in range(1, len(names) + 1)
    )
    path.write_text(
        f"""<?xml version='1.0' encoding='utf-8'?>
<mlt LC_NUMERIC="C" producer="main_bin" version="7.12.0" root="{path.parent.as_posix()}">
 <profile frame_rate_num="{rate.numerator}" sample_aspect_num="1" display_aspect_den="9" colorspace="709"
  progressive="1" description="HD 1080p" display_aspect_num="16" frame_rate_den="{rate.denominator}"
  width="1920" height="1080"
  sample_aspect_den="1"/>
{producers} <playlist id="main_bin">
  <property name="kdenlive:docproperties.documentid">1668900000000</property>
  <property name="kdenlive:docproperties.profile">atsc_1080p_2398</property>
  <property name="kdenlive:docproperties.version">1.04</property>
  <property name="kdenlive:docproperties.kdenliveversion">22.12.3</property>
  <property name="kdenlive:docproperties.uuid">{{{uuid.uuid5(uuid.NAMESPACE_URL, path.name)}}}</property>
  <property name="kdenlive:docproperties.enableproxy">0</property>
  <property name="kdenlive:docproperties.generateproxy">0</property>
  <property name="xml_retain">1</property>
  <entry producer="producer0" in="0" out="{film_frames - 1}"/>
 </playlist>
 <producer id="black_track" in="0" out="{end + 500}">
  <property name="length">2147483647</property>
  <property name="eof">continue</property>
  <property name="resource">black</property>
  <property name="mlt_service">color</property>
  <property name="kdenlive:playlistid">black_track</property>
  <property name="mlt_image_format">rgba</property>
  <property name="set.test_audio">0</property>
 </producer>
{body} <tractor id="tractor{len(names)}" in="0" out="{end - 1}" global_feed="1">
  <track producer="black_track"/>
{seats}{mixes} </tractor>
</mlt>
""",
        encoding="utf-8",
    )
    return path


def _producer(name: str, film: Path, frames: int, extra: str) -> str:
    return f""" <producer id="{name}" in="0" out="{frames - 1}">
  <property name="length">{frames}</property>
  <property name="eof">pause</property>
  <property name="resource">{film.as_posix()}</property>
  <property name="mlt_service">avformat-novalidate</property>
  <property name="seekable">1</property>
  <property name="audio_index">1</property>
  <property name="video_index">0</property>
  <property name="kdenlive:clipname"/>
  <property name="kdenlive:folderid">-1</property>
  <property name="kdenlive:clip_type">0</property>
  <property name="kdenlive:id">2</property>
  <property name="kdenlive:file_size">{film.stat().st_size}</property>
  {extra}
 </producer>
"""


def _transition(track: int, service: str) -> str:
    compositing = "" if service == "mix" else '   <property name="compositing">0</property>\n'
    summed = "" if service != "mix" else '   <property name="sum">1</property>\n'
    return f"""  <transition id="transition{track - 1}">
   <property name="a_track">0</property>
   <property name="b_track">{track}</property>
   <property name="mlt_service">{service}</property>
   <property name="kdenlive_id">{service}</property>
   <property name="internal_added">237</property>
   <property name="always_active">1</property>
{compositing}{summed}  </transition>
"""
