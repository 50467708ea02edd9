"""Small edits in the formats editors exchange: readers are held to them frame by frame, and the fuzzer spoils them.

Each is written by hand after what editors save; their media are nowhere.
"""

from pathlib import Path

FCP7 = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE xmeml>
<xmeml version="5"><sequence id="s"><name>Edit</name><duration>144</duration>
<rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>
<timecode><rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><string>01:00:00:00</string><frame>86400</frame>
<displayformat>NDF</displayformat></timecode>
<marker><name>M</name><comment>why</comment><in>30</in><out>-1</out></marker>
<media><video>
<track>
<clipitem id="c1"><name>A</name><start>0</start><end>-1</end><in>10</in><out>64</out>
 <rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate>
 <file id="f1"><name>A.mov</name><pathurl>file://localhost/nowhere/A%20b.mov</pathurl>
 <rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><duration>500</duration>
 <timecode><rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><frame>1000</frame></timecode></file></clipitem>
<transitionitem><start>42</start><end>54</end><alignment>center</alignment><effect><name>Cross Dissolve</name></effect>
</transitionitem>
<clipitem id="c2"><name>B</name><start>-1</start><end>96</end><in>100</in><out>154</out>
 <rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><file id="f1"/></clipitem>
<clipitem id="c3"><name>C</name><start>96</start><end>144</end><in>20</in><out>68</out>
 <rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><file id="f1"/>
 <filter><effect><effectid>timeremap</effectid><parameter><parameterid>speed</parameterid><value>200</value></parameter>
 <parameter><parameterid>reverse</parameterid><value>FALSE</value></parameter></effect></filter></clipitem>
<clipitem id="c5"><name>Nest</name><start>144</start><end>160</end><in>0</in><out>16</out>
<sequence id="n"><name>Nest</name><rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><media><video><track>
<clipitem id="n1"><name>N</name><start>0</start><end>30</end><in>0</in><out>30</out><file id="f1"/></clipitem>
</track></video></media></sequence></clipitem>
</track>
<track><clipitem id="c4"><name>Off</name><enabled>FALSE</enabled><start>5</start><end>20</end><in>0</in><out>15</out>
 <file id="f1"/></clipitem></track>
</video><audio><track><clipitem id="a1"><name>A</name><start>0</start><end>48</end><in>10</in><out>58</out>
 <rate><timebase>24</timebase><ntsc>TRUE</ntsc></rate><file id="f1"/></clipitem></track></audio></media>
 </sequence></xmeml>
"""

FCPX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.10"><resources>
<format id="r1" frameDuration="1001/24000s" width="1920" height="1080"/>
<asset id="r2" name="A" start="3603600/24000s" duration="480480/24000s" hasVideo="1" hasAudio="1" format="r1">
 <media-rep kind="original-media" src="file:///nowhere/A.mov"/></asset>
<effect id="r3" name="Basic Title" uid=".../Titles.localized/Basic Title"/>
<media id="r9" name="Nest"><sequence format="r1" tcStart="0s"><spine><asset-clip ref="r2" name="N1" offset="0s"
 duration="20020/24000s"/><asset-clip ref="r2" name="N2" offset="20020/24000s" duration="20020/24000s"/></spine>
</sequence></media>
</resources><library><event><project name="Edit"><sequence format="r1" tcStart="86486400/24000s" tcFormat="NDF"><spine>
<asset-clip ref="r2" name="A" offset="86486400/24000s" start="3613610/24000s" duration="48048/24000s">
 <marker start="3618615/24000s" duration="1001/24000s" value="Here" note="note"/>
 <title ref="r3" name="Lower" lane="1" offset="3617614/24000s" duration="10010/24000s"/>
</asset-clip>
<transition name="Cross Dissolve" offset="86528442/24000s" duration="12012/24000s"/>
<asset-clip ref="r2" name="B" offset="86534448/24000s" start="3703700/24000s" duration="48048/24000s">
 <asset-clip ref="r2" name="Over" lane="1" offset="3713710/24000s" duration="10010/24000s" srcEnable="video"/>
</asset-clip>
<gap name="Gap" offset="86582496/24000s" duration="24024/24000s"/>
<ref-clip ref="r9" name="Nest" offset="86606520/24000s" start="10010/24000s" duration="20020/24000s"/>
</spine></sequence></project></event></library></fcpxml>
"""

EDL = """TITLE: Edit
FCM: NON-DROP FRAME

001  A001     V     C        01:00:10:00 01:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: A
* LOC: 01:00:01:12 RED     here
002  A001     V     C        01:00:12:00 01:00:12:00 01:00:02:00 01:00:02:00
002  B001     V     D    024 01:00:20:00 01:00:23:00 01:00:02:00 01:00:05:00
* FROM CLIP NAME: A
* TO CLIP NAME: B
003  C001     AA/V  C        01:00:00:00 01:00:02:00 01:00:05:00 01:00:06:00
M2   C001     048.0          01:00:00:00
* FROM CLIP NAME: C
* SOURCE FILE PATH: /nowhere/C.mov
004  BL       V     C        00:00:00:00 00:00:01:00 01:00:06:00 01:00:07:00
005  D001     V     C        01:00:00:00 01:00:01:00 01:00:07:00 01:00:08:00
M2   D001     -024.0         01:00:00:00
"""

KDENLIVE = """<?xml version="1.0" encoding="utf-8"?>
<mlt version="7.12.0" root="/nowhere">
<profile frame_rate_num="24000" frame_rate_den="1001" width="1920" height="1080"/>
<producer id="black_track" in="0" out="500"><property name="length">2147483647</property>
 <property name="resource">black</property><property name="mlt_service">color</property></producer>
<chain id="c0" out="999"><property name="length">1000</property><property name="resource">A.mov</property>
 <property name="mlt_service">avformat-novalidate</property><property name="kdenlive:id">2</property></chain>
<producer id="p1" out="499"><property name="length">500</property>
 <property name="resource">2.000000:/nowhere/F.mov</property>
 <property name="warp_speed">2</property><property name="warp_resource">/nowhere/F.mov</property>
 <property name="mlt_service">timewarp</property></producer>
<playlist id="main_bin">
 <property name="kdenlive:docproperties.guides">[{"comment":"Guide","pos":30,"type":6}]</property>
 <entry producer="c0" in="0" out="0"/></playlist>
<playlist id="pl0"><property name="kdenlive:audio_track">1</property><entry producer="c0" in="10" out="57"/></playlist>
<playlist id="pl1"/>
<tractor id="t0"><property name="kdenlive:audio_track">1</property><track hide="video" producer="pl0"/>
 <track hide="video" producer="pl1"/></tractor>
<playlist id="pl2"><entry producer="c0" in="10" out="57"/><blank length="40"/>
 <entry producer="p1" in="5" out="28"/></playlist>
<playlist id="pl3"><blank length="40"/><entry producer="c0" in="200" out="247"/></playlist>
<tractor id="t1"><track producer="pl2"/><track producer="pl3"/>
 <transition id="m0" in="40" out="47"><property name="a_track">0</property><property name="b_track">1</property>
 <property name="mlt_service">luma</property></transition></tractor>
<tractor id="{11111111-1111-1111-1111-111111111111}" in="0" out="111"><track producer="black_track"/>
 <track producer="t0"/><track producer="t1"/>
 <transition id="x"><property name="a_track">0</property><property name="b_track">1</property>
 <property name="mlt_service">mix</property><property name="internal_added">237</property></transition></tractor>
<tractor id="t9"><property name="kdenlive:projectTractor">1</property>
 <track producer="{11111111-1111-1111-1111-111111111111}" in="0" out="111"/></tractor>
</mlt>
"""


OSP = """{"id": "T0", "fps": {"num": 24000, "den": 1001}, "width": 1920, "height": 1080, "duration": 300,
"layers": [{"id": "L1", "number": 1000000, "label": "Sound"}, {"id": "L2", "number": 2000000, "label": ""}],
"markers": [{"id": "M1", "position": 1.5, "name": "hit"}], "files": [{"id": "F1", "path": "@assets/a.mov"}],
"clips": [
 {"id": "C1", "layer": 2000000, "position": 0.0, "start": 1.0, "end": 4.003, "title": "a",
  "has_video": {"Points": [{"co": {"X": 1, "Y": -1}}]}, "has_audio": {"Points": [{"co": {"X": 1, "Y": 0}}]},
  "reader": {"path": "@assets/a.mov", "has_video": true, "has_audio": true, "duration": 20.5}},
 {"id": "C2", "layer": 2000000, "position": 2.5, "start": 0, "end": 5, "title": "b",
  "time": {"Points": [{"co": {"X": 1, "Y": 1}}, {"co": {"X": 60, "Y": 90}}, {"co": {"X": 121, "Y": 241}}]},
  "reader": {"path": "/films/b.mov", "has_video": true, "has_audio": false, "duration": 12}},
 {"id": "C3", "layer": 1000000, "position": 0.25, "start": 0.5, "end": 7.25,
  "reader": {"path": "talk.wav", "has_video": false, "has_audio": true, "duration": 30}},
 {"id": "C4", "layer": 2000000, "position": 8, "start": 0, "end": 2,
  "reader": {"path": "still.png", "has_video": true, "has_single_image": true}}]}
"""


def write_aaf(path: Path) -> None:
    """A composition of two clips under a dissolve, at 24000/1001 from 01:00:00:00, written with pyaaf2."""
    import aaf2

    with aaf2.open(str(path), "w") as file:
        master = file.create.MasterMob("A")
        source = file.create.SourceMob("A.src")
        descriptor = file.create.CDCIDescriptor()
        descriptor["ComponentWidth"].value = 8
        descriptor["HorizontalSubsampling"].value = 2
        descriptor["ImageAspectRatio"].value = "16/9"
        descriptor["StoredWidth"].value, descriptor["StoredHeight"].value = 1920, 1080
        descriptor["FrameLayout"].value = "FullFrame"
        descriptor["VideoLineMap"].value = [42, 0]
        descriptor["SampleRate"].value, descriptor["Length"].value = "24000/1001", 500
        locator = file.create.NetworkLocator()
        locator["URLString"].value = "file:///nowhere/A.mov"
        descriptor["Locator"].append(locator)
        source.descriptor = descriptor
        file.content.mobs.extend([master, source])
        inner = source.create_picture_slot("24000/1001")
        inner.segment = file.create.Filler("picture", 500)
        outer = master.create_picture_slot("24000/1001")
        outer.segment = source.create_source_clip(inner.slot_id, length=500)
        edit = file.create.CompositionMob("Edit")
        edit.usage = "Usage_TopLevel"
        file.content.mobs.append(edit)
        track = edit.create_picture_slot("24000/1001")
        sequence = file.create.Sequence("picture")
        track.segment = sequence
        definition = file.create.OperationDef("0c3bea41-fc05-11d2-8a29-0050040ef7d2", "Video Dissolve")
        definition.media_kind = "picture"
        definition["NumberInputs"].value = 2
        file.dictionary.register_def(definition)
        transition = file.create.Transition("picture", 12)
        transition["OperationGroup"].value = file.create.OperationGroup("Video Dissolve")
        transition["CutPoint"].value = 6
        first = master.create_source_clip(outer.slot_id, start=10, length=54)
        second = master.create_source_clip(outer.slot_id, start=100, length=54)
        sequence.components.extend([first, transition, second])
        clock = edit.create_timeline_slot("24000/1001")
        timecode = file.create.Timecode(24)
        timecode.start, timecode.length, timecode["Drop"].value = 86_400, 96, False
        clock.segment = timecode
