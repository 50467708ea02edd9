"""OpenShot: its projects are JSON (`.osp`). The music goes into a copy beside the project."""

from .file_program import FileProgram

PROGRAM = FileProgram(
    "openshot",
    "OpenShot",
    "libopenshot 0.2.7 (its engine plays the result)",
    (".osp",),
    ("openshot-qt", "org.openshot.OpenShot"),
    windows=("OpenShot Video Editor/openshot-qt.exe",),
    mac=("OpenShot Video Editor.app/Contents/MacOS/openshot-qt",),
    limits=(
        "Save the project in OpenShot before it is read; open the copy with File > Open Project.",
        "OpenShot tells nobody what is open, where its playhead is or what is selected.",
    ),
)
