"""Shotcut: its projects are MLT XML (`.mlt`). The music goes into a copy beside the project."""

from .file_program import FileProgram

PROGRAM = FileProgram(
    "shotcut",
    "Shotcut",
    "22.12 (its MLT 7.12 plays the result)",
    (".mlt",),
    ("shotcut", "org.shotcut.Shotcut"),
    windows=("Shotcut/shotcut.exe",),
    mac=("Shotcut.app/Contents/MacOS/Shotcut",),
    limits=(
        "Save the project in Shotcut before it is read; open the copy with File > Open.",
        "Shotcut tells nobody what is open, where its playhead is or what is selected.",
    ),
)
