"""The keys of the timeline strip; the module `widget` lists them for people."""

from __future__ import annotations

from PySide6.QtCore import Qt
from shotscore_engine.timing import quantise

from .commands import Commands
from .scale import STEP

ENERGY_STEP = 0.1
_FAR = 10
"""Frames a hit moves at once with Shift."""

Key = Qt.Key
Mod = Qt.KeyboardModifier


def press(commands: Commands, key: Key, mods: Mod, text: str) -> bool:
    """Do what a key means; False where it means nothing here."""
    strip = commands.strip
    if strip.edges.holding and (done := _edge(commands, key, shift=bool(mods & Mod.ShiftModifier))):
        return done
    ctrl, shift, alt = (bool(mods & one) for one in (Mod.ControlModifier, Mod.ShiftModifier, Mod.AltModifier))
    sideways = {Key.Key_Left: -1, Key.Key_Right: 1}.get(key, 0)
    upward = {Key.Key_Up: 1, Key.Key_Down: -1}.get(key, 0)
    if sideways or upward:
        return _arrow(commands, sideways, upward, ctrl=ctrl, shift=shift, alt=alt)
    if ctrl:
        return _with_control(commands, key)
    return _alone(commands, key, text)


def _edge(commands: Commands, key: Key, *, shift: bool) -> bool:
    """While the edge of a cue is held."""
    edges, view = commands.strip.edges, commands.strip.view
    second = quantise(view.rate) if view else 1
    if key in (Key.Key_Left, Key.Key_Right):
        edges.step((1 if key == Key.Key_Right else -1) * (second if shift else 1))
    elif key in (Key.Key_Up, Key.Key_Down):
        edges.step_to_cut(1 if key == Key.Key_Down else -1)
    elif key in (Key.Key_Return, Key.Key_Enter):
        edges.put()
    else:
        return False
    return True


def _arrow(commands: Commands, sideways: int, upward: int, *, ctrl: bool, shift: bool, alt: bool) -> bool:
    if alt:
        return commands.nudge_hit(sideways * (_FAR if shift else 1), upward)
    if ctrl and upward:
        return commands.nudge_energy(upward * ENERGY_STEP)
    if ctrl:
        commands.step_selection(sideways, shift)
    elif upward:
        commands.go_to_cut(-upward)
    else:
        view = commands.strip.view
        second = quantise(view.rate) if view else 1
        commands.go_by(sideways * (second if shift else 1))
    return True


def _with_control(commands: Commands, key: Key) -> bool:
    if key == Key.Key_A:
        commands.select_all()
        return True
    if key == Key.Key_L:
        return commands.toggle_lock_of_selection()
    if key == Key.Key_Escape:
        return commands.strip.escape()
    return False


def _alone(commands: Commands, key: Key, text: str) -> bool:
    strip = commands.strip
    if key == Key.Key_Home:
        strip.go(0)
    elif key == Key.Key_End:
        strip.go(strip.view.duration_frames if strip.view else 0)
    elif key == Key.Key_Escape:
        return strip.escape()
    elif text in ("+", "="):
        commands.zoom(STEP)
    elif text == "-":
        commands.zoom(1 / STEP)
    elif text == "0":
        strip.scale.fit()
    elif key == Key.Key_Z:
        commands.zoom_to_selection()
    elif key in (Key.Key_Comma, Key.Key_Period):
        return commands.step_hit(1 if key == Key.Key_Period else -1)
    elif key in (Key.Key_M, Key.Key_Delete, Key.Key_Backspace):
        return commands.mute_hit()
    elif key == Key.Key_H:
        return commands.add_hit(strip.playhead)
    elif key in (Key.Key_I, Key.Key_O):
        return strip.edges.take_by_key("start" if key == Key.Key_I else "end")
    elif key in (Key.Key_Return, Key.Key_Enter):
        return commands.regenerate()
    else:
        return False
    return True
