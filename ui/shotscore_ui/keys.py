"""The keys of the window, and in words those of the timeline.

Letters without Ctrl are the transport's, wherever the focus is but in a field; the timeline has its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .buttons import native
from .language import tr

if TYPE_CHECKING:
    from .window import MainWindow


@dataclass(frozen=True)
class Key:
    """A shortcut and what it does."""

    keys: str
    words: str
    slot: Callable[[], object]


def keys_of(window: MainWindow) -> tuple[Key, ...]:
    """Every shortcut, each with one meaning."""
    player, controller, show = window.player, window.controller, window.bring_up
    return (
        Key("Ctrl+O", tr("Open a timeline or video"), window.choose_file),
        Key("Ctrl+Return", tr("Do what the main button says"), window.main_button.click),
        Key("Ctrl+G", tr("Score the whole cue again"), window.scoring.score),
        Key("Ctrl+R", tr("Regenerate the selected shots"), window.scoring.regenerate),
        Key("Ctrl+E", tr("Export"), window.scoring.export),
        Key("Ctrl+I", tr("Insert into the editor"), controller.insert_into_editor),
        Key("F5", tr("Read the picture again"), controller.refresh),
        Key("Ctrl+Z", tr("Undo"), controller.undo),
        Key("Ctrl+Shift+Z", tr("Redo"), controller.redo),
        Key("L", tr("Play; again for faster"), player.forwards),
        Key("K", tr("Stop"), player.pause),
        Key("J", tr("Play backwards; again for faster"), player.backwards),
        Key("Home", tr("To the start"), lambda: player.seek(0)),
        Key("End", tr("To the end"), lambda: player.seek(1 << 60)),
        Key("Shift+L", tr("Loop the selection"), player.loop_button.toggle),
        Key("Ctrl+1", tr("To the timeline"), window.strip.setFocus),
        Key("Ctrl+2", tr("To the inspector"), lambda: show("inspector", window.inspector.pad)),
        Key("Ctrl+3", tr("To the takes"), lambda: show("takes", window.take_cards)),
        Key("Ctrl+4", tr("To the mixer"), lambda: show("mixer", window.mixer)),
        Key("Ctrl+5", tr("To the player"), lambda: show("player", window.player.play_button)),
        Key("Ctrl+6", tr("To the piano roll"), window.roll.setFocus),
        Key("Ctrl+D", tr("What is wrong?"), window.show_doctor),
        Key("Ctrl+,", tr("Settings"), window.show_settings),
        Key("F1", tr("All keys"), window.show_keys),
        Key("Ctrl+Q", tr("Close"), window.close),
    )


def in_words(keys: tuple[Key, ...]) -> list[tuple[str, str]]:
    """(keys, what they do) for people, with those that only the timeline knows."""
    return [
        *((native(key.keys), key.words) for key in keys),
        (tr("Esc"), tr("Stop what runs; close the message; select nothing")),
        (tr("Space"), tr("Play or pause, over the timeline")),
        (tr("Arrows"), tr("Timeline: a frame; with Shift a second; up and down the cuts")),
        (tr("Ctrl+arrows"), tr("Timeline: select shots, with Shift more; up and down their energy")),
        (tr("Ctrl+A, Ctrl+L"), tr("Timeline: select all shots; lock the selected ones")),
        (tr("Comma, period"), tr("Timeline: the hit before or after")),
        (tr("Alt+arrows, M, H"), tr("Timeline: move or weigh a hit, mute it, add one")),
        (tr("I, O"), tr("Timeline: move the beginning or end of the cue; Enter sets it")),
        (tr("+ - 0 Z"), tr("Timeline: zoom, whole film, selection")),
    ]
