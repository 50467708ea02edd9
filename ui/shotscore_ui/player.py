"""The player: picture and music in step.

The sound card's own clock leads where there is one, else the system's; the picture follows it. The picture is the
small film the worker draws of the whole timeline, with the timeline's own sound. J, K and L play backwards, stop and
play, each again for faster; only at normal speed is anything heard. Without a sound device, or where the film cannot
be shown, it says so, and everything else works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from PySide6.QtCore import QElapsedTimer, QEvent, QIODevice, QRectF, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QIcon, QImage, QPainter, QPaintEvent, QTransform
from PySide6.QtMultimedia import (
    QAudioFormat,
    QAudioOutput,
    QAudioSink,
    QMediaDevices,
    QMediaPlayer,
    QVideoFrame,
    QVideoSink,
)
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QToolButton, QVBoxLayout, QWidget
from shotscore_engine.errors import MediaError
from shotscore_engine.timing import format_timecode

from . import icons
from .sound import SAMPLE_RATE, Music, Track, duck_envelope, load
from .theme import Theme, theme_of

_TICK_MS = 20
_BUFFER_SECONDS = 0.25
_DEVICE_MS = 4000
"""How long a sound device may take until it is first heard; the playhead waits for it."""
"""Sound that is ready: more than any wait of the window."""
_DRIFT_SECONDS = 0.08
"""How far the picture may be from the sound before it is put right."""
_SEEK_EVERY_MS = 90
_FASTEST = 8


class Screen(QWidget):
    """Shows the frames of a film, or a sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sink = QVideoSink(self)
        self.sink.videoFrameChanged.connect(self._show)
        self._frame: QImage | None = None
        self.sentence = ""
        self.setMinimumSize(120, 50)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(self.tr("Picture"))

    def sizeHint(self) -> QSize:
        """A small film."""
        return QSize(320, 180)

    def say(self, sentence: str) -> None:
        """A sentence instead of the picture; "" for the picture."""
        self.sentence = sentence
        self.setAccessibleDescription(sentence)
        self.update()

    def clear(self) -> None:
        """No picture."""
        self._frame = None
        self.update()

    def _show(self, frame: QVideoFrame) -> None:
        if frame.isValid():
            self._frame = frame.toImage()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Letterboxed on black."""
        del event
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self._frame is not None and not self._frame.isNull():
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            size = self._frame.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawImage(QRectF(left, top, size.width(), size.height()), self._frame)
        elif self.sentence:
            painter.setPen(Qt.GlobalColor.lightGray)
            inside = self.rect().adjusted(12, 8, -12, -8)
            painter.drawText(inside, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.sentence)
        painter.end()


class Player(QWidget):
    """Screen and transport."""

    moved = Signal(int)
    """The playhead, in frames"""
    playing_changed = Signal(bool)
    told = Signal(str)
    """What does not work here, in a sentence"""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rate = Fraction(25)
        self.duration_frames = 0
        self._start_frame, self._drop = 0, False
        self._frame = 0.0
        self._speed = 0.0
        self._loop: tuple[int, int] | None = None
        self._selection: tuple[int, int] | None = None
        self._dialogue: Sequence[tuple[int, int]] = ()
        self.music = Music()
        self._clock = QElapsedTimer()
        self._since = 0.0
        self._sink: QAudioSink | None = None
        self._device: QIODevice | None = None
        self._written = 0
        self._origin = 0
        self._format = _format()
        self._last_seek = QElapsedTimer()
        self._last_seek.start()
        self._shown_frame = -1
        self._film_waits = False
        """Whether the film begins when the sound is first heard."""
        self._film = ""
        self._fresh = False
        """Whether the film was set and is not loaded yet."""
        self._timer = QTimer(self, interval=_TICK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self.media = QMediaPlayer(self)
        self.original = QAudioOutput(self)
        self.media.setAudioOutput(self.original)
        self.media.errorOccurred.connect(self._film_failed)
        self.media.mediaStatusChanged.connect(self._film_status)
        self._build()
        self.media.setVideoSink(self.picture.sink)
        self._apply_levels()
        if self._format is None:
            self._say(self.tr("No sound device here: nothing is heard."))

    # --- building ----------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.picture = Screen(self)
        self.picture.say(self.tr("The picture is being prepared."))
        self.time_label = QLabel("00:00:00:00", self)
        font = self.time_label.font()
        font.setStyleHint(font.StyleHint.Monospace)
        font.setFamilies(["DejaVu Sans Mono", "Menlo", "Consolas", "monospace"])
        font.setPointSizeF(font.pointSizeF() * 1.2)
        self.time_label.setFont(font)
        self.time_label.setAccessibleName(self.tr("Timecode of the playhead"))
        self.speed_label = QLabel("", self)
        self.message = QLabel("", self)  # one line: the tool tip has the rest
        self.message.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.message.hide()
        theme = theme_of(self)

        def button(name: str, words: str, keys: str, slot: Any = None, checkable: bool = False) -> QToolButton:
            made = QToolButton(self)
            made.setCheckable(checkable)
            made.setIcon(_icon(name, theme))
            made.setProperty("icon_name", name)
            made.setAutoRaise(True)
            made.setIconSize(QSize(20, 20))
            made.setToolTip(f"{words} ({keys})" if keys else words)
            made.setAccessibleName(words)
            if slot is not None:
                (made.toggled if checkable else made.clicked).connect(slot)
            return made

        self.to_start = button("to-start", self.tr("To the start"), self.tr("Home"), lambda: self.seek(0))
        self.back = button("play-back", self.tr("Play backwards"), "J", self.backwards)
        self.play_button = button("play", self.tr("Play"), self.tr("Space, L"), self.toggle)
        self.loop_button = button("loop", self.tr("Loop the selection"), "Shift+L", self._loop_toggled, True)
        self.sound_button = button("sound", self.tr("The film's own sound"), "", None, True)
        self.duck_button = button("speech", self.tr("Music steps back under speech"), "", None, True)
        self.music_level = QSlider(Qt.Orientation.Horizontal, self)
        self.music_level.setRange(0, 100)
        self.music_level.setValue(100)
        self.music_level.setAccessibleName(self.tr("Volume of the music"))
        self.music_level.setToolTip(self.tr("Volume of the music"))
        self.music_level.setMaximumWidth(90)
        self.original_level = QSlider(Qt.Orientation.Horizontal, self)
        self.original_level.setRange(0, 100)
        self.original_level.setValue(80)
        self.original_level.setAccessibleName(self.tr("Volume of the film's own sound"))
        self.original_level.setToolTip(self.tr("Volume of the film's own sound"))
        self.original_level.setMaximumWidth(90)
        for made in (self.sound_button, self.duck_button):
            made.setChecked(True)
            made.toggled.connect(self._apply_levels)
        for level in (self.music_level, self.original_level):
            level.valueChanged.connect(self._apply_levels)
        self.music_icon = QLabel(self)
        transport = QHBoxLayout()
        for widget in (self.to_start, self.back, self.play_button, self.loop_button):
            transport.addWidget(widget)
        transport.addSpacing(6)
        transport.addWidget(self.time_label)
        transport.addWidget(self.speed_label)
        transport.addStretch(1)
        levels = QHBoxLayout()
        for part in (self.sound_button, self.original_level, self.music_icon, self.music_level, self.duck_button):
            levels.addWidget(part)
        levels.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addWidget(self.picture, 1)
        column.addLayout(transport)
        column.addLayout(levels)
        column.addWidget(self.message)
        self.setMinimumWidth(260)
        self._colour()

    def _colour(self) -> None:
        theme = theme_of(self)
        for made in self.findChildren(QToolButton):
            name = made.property("icon_name")
            if name:
                made.setIcon(_icon(str(name), theme))
        self.music_icon.setPixmap(icons.icon("music", theme).pixmap(18, 18))

    def changeEvent(self, event: QEvent) -> None:
        """New colours, new icons."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "music_icon"):
            self._colour()

    # --- what is played ----------------------------------------------------------------------------------------

    def set_timeline(
        self,
        rate: Fraction,
        duration_frames: int,
        start_frame: int,
        drop_frame: bool,
        dialogue: Sequence[tuple[int, int]] = (),
    ) -> None:
        """The timeline that is played."""
        self.rate, self.duration_frames = rate, duration_frames
        self._start_frame, self._drop, self._dialogue = start_frame, drop_frame, dialogue
        self._frame = min(self._frame, max(0, duration_frames - 1))
        self._apply_levels()
        self._tell(force=True)

    def set_film(self, path: Path | None) -> None:
        """The small film; None while there is none."""
        wanted = str(path or "")
        if wanted == self._film:
            return
        self._film = wanted
        self._fresh = path is not None
        self.picture.clear()
        if path is None:
            self.media.setSource(QUrl())
            self.picture.say(self.tr("The picture is being prepared."))
        else:
            self.picture.say("")
            self.media.setSource(QUrl.fromLocalFile(str(path)))

    def set_music(self, files: Mapping[str, Path], start_frame: int) -> bool:
        """What is heard from now on, at the same playhead; False where it cannot be read."""
        try:
            tracks: dict[str, Track] = load(files, start_frame, self.rate)
        except (MediaError, ValueError) as problem:
            self._say(str(problem))
            return False
        self.music.tracks = tracks
        return True

    def set_gains(self, gains: Mapping[str, float]) -> None:
        """Factors by stem; heard at once, but for what is in the buffer."""
        self.music.gains = dict(gains)

    def set_selection(self, frames: tuple[int, int] | None) -> None:
        """What `loop` means."""
        self._selection = frames
        if self.loop_button.isChecked():
            self._loop = frames

    # --- transport ---------------------------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self._speed != 0

    @property
    def speed(self) -> float:
        """1 is normal; negative is backwards."""
        return self._speed

    @property
    def frame(self) -> int:
        """The playhead."""
        return int(self._frame)

    def play(self) -> None:
        """At normal speed from the playhead."""
        self._run(1.0)

    def pause(self) -> None:
        """Stop where it is."""
        self._run(0.0)

    def toggle(self) -> None:
        """Play or pause."""
        self._run(0.0 if self.playing else 1.0)

    def forwards(self) -> None:
        """L: play, again for faster."""
        self._run(min(_FASTEST, self._speed * 2) if self._speed >= 1 else 1.0)

    def backwards(self) -> None:
        """J: backwards, again for faster."""
        self._run(max(-_FASTEST, self._speed * 2) if self._speed <= -1 else -1.0)

    def seek(self, frame: int) -> None:
        """The playhead to `frame`."""
        self._frame = float(min(max(0, frame), max(0, self.duration_frames - 1)))
        if self._speed == 1:
            self._restart()
        else:
            self._begin_clock()
        self._seek_film(force=True)
        self._tell(force=True)

    def step(self, frames: int) -> None:
        """The playhead by some frames, stopped."""
        self.pause()
        self.seek(self.frame + frames)

    def close_down(self) -> None:
        """Let go of devices."""
        self._run(0.0)
        self.media.stop()
        self.media.setSource(QUrl())

    def _run(self, speed: float) -> None:
        if self.duration_frames < 1:
            return
        if speed > 0 and self._frame >= self.duration_frames - 1:
            self._frame = 0.0
        was = self.playing
        self._speed = speed
        self._stop_sound()
        if speed == 0:
            self._timer.stop()
            self.media.pause()
        else:
            self._begin_clock()
            if speed == 1:
                self._restart()
            else:
                self.media.pause()
            self._timer.start()
        self._tell(force=True)
        self.speed_label.setText("" if speed in (0, 1) else f"{speed:g}×")
        name, words = ("pause", self.tr("Pause")) if self.playing else ("play", self.tr("Play"))
        self.play_button.setProperty("icon_name", name)
        self.play_button.setIcon(icons.icon(name, theme_of(self)))
        self.play_button.setAccessibleName(words)
        if was != self.playing:
            self.playing_changed.emit(self.playing)

    def _begin_clock(self) -> None:
        self._since = self._frame
        self._clock.restart()

    def _restart(self) -> None:
        """Sound and film from the playhead on."""
        self._begin_clock()
        self._stop_sound()
        self._start_sound()
        self._film_waits = self._sink is not None
        if self._film:
            self._seek_film(force=True)
        if self._sink is None:
            self._start_film()

    def _start_film(self) -> None:
        self._film_waits = False
        if self._film:
            self.media.play()

    def _start_sound(self) -> None:
        if self._format is None or not self.music.tracks:
            return
        sink = QAudioSink(QMediaDevices.defaultAudioOutput(), self._format, self)
        sink.setBufferSize(int(_BUFFER_SECONDS * SAMPLE_RATE) * self._format.bytesPerFrame())
        device = sink.start()
        if device is None or sink.error().name != "NoError":
            sink.deleteLater()
            self._format = None
            self._say(self.tr("The sound device does not start: nothing is heard."))
            return
        self._sink, self._device = sink, device
        self._origin = self._written = round(self._frame / self.rate * SAMPLE_RATE)
        self._fill()

    def _stop_sound(self) -> None:
        if self._sink is not None:
            self._sink.reset()
            self._sink.deleteLater()
        self._sink = self._device = None

    def _fill(self) -> None:
        if self._sink is None or self._device is None or self._format is None:
            return
        count = self._sink.bytesFree() // self._format.bytesPerFrame()
        if count > 0:
            block = self.music.block(self._written, count)
            if self._format.sampleFormat() == QAudioFormat.SampleFormat.Float:
                data = block.tobytes()
            else:
                data = (block * 32767).astype("<i2").tobytes()
            written = self._device.write(data)
            self._written += max(0, written) // self._format.bytesPerFrame()

    def _tick(self) -> None:
        self._fill()
        if self._sink is not None:
            heard = Fraction(self._sink.processedUSecs(), 1_000_000)
            if not heard and self._clock.elapsed() < _DEVICE_MS:
                return  # the device is not there yet: the film begins with the sound
            if self._film_waits:
                self._start_film()
            if not heard:
                self._stop_sound()
                self._begin_clock()
                self._say(self.tr("The sound device does not answer: nothing is heard."))
                return
            self._frame = float(self._origin * self.rate / SAMPLE_RATE + heard * self.rate)
        else:
            self._frame = self._since + self._clock.elapsed() / 1000 * float(self.rate) * self._speed
        loop = self._loop
        if loop and self._speed > 0 and not loop[0] <= self._frame < loop[1]:
            self.seek(loop[0])
            return
        if self._frame >= self.duration_frames or self._frame < 0:
            self._frame = float(min(max(0.0, self._frame), self.duration_frames - 1))
            self.pause()
            return
        self._seek_film()
        self._tell()

    def _seek_film(self, *, force: bool = False) -> None:
        if not self._film:
            return
        wanted = round(self._frame / float(self.rate) * 1000)
        if self._speed == 1 and not force:
            off = abs(self.media.position() - wanted) / 1000
            if off < _DRIFT_SECONDS or self._last_seek.elapsed() < 1000:
                return
        elif not force and self._last_seek.elapsed() < _SEEK_EVERY_MS:
            return
        self._last_seek.restart()
        self.media.setPosition(wanted)

    def _tell(self, *, force: bool = False) -> None:
        frame = self.frame
        if frame != self._shown_frame or force:
            self._shown_frame = frame
            self.time_label.setText(format_timecode(self._start_frame + frame, self.rate, self._drop))
            self.moved.emit(frame)

    def _loop_toggled(self, on: bool) -> None:
        self._loop = (self._selection or (0, self.duration_frames)) if on else None

    def _apply_levels(self, *_: object) -> None:
        self.music.level = (self.music_level.value() / 100) ** 2
        on = self.sound_button.isChecked()
        self.original.setMuted(not on)
        self.original.setVolume((self.original_level.value() / 100) ** 2)
        self.original_level.setEnabled(on)
        if self.duck_button.isChecked() and self._dialogue:
            self.music.duck = duck_envelope(self._dialogue, self.duration_frames, self.rate)
        else:
            self.music.duck = None

    # --- what does not work ------------------------------------------------------------------------------------

    def _film_failed(self, error: QMediaPlayer.Error, words: str) -> None:
        if error != QMediaPlayer.Error.NoError:
            self.picture.clear()
            self.picture.say(
                self.tr("The picture cannot be shown here ({0}); the music plays all the same.").format(words)
            )

    def _film_status(self, status: QMediaPlayer.MediaStatus) -> None:
        if status == QMediaPlayer.MediaStatus.LoadedMedia and self._fresh:
            self._fresh = False  # a seek of a film that stands still tells again that it is loaded
            QTimer.singleShot(0, self, self._show_still)

    def _show_still(self) -> None:
        """The picture at the playhead, of a film that was just loaded."""
        if self._film and not self.playing:
            self.media.pause()
            self._seek_film(force=True)

    def _say(self, sentence: str) -> None:
        self.message.setText(sentence)
        self.message.setToolTip(sentence)
        self.message.show()
        self.told.emit(sentence)


def _icon(name: str, theme: Theme) -> QIcon:
    """The icon of a button; `play-back` is `play` seen in a mirror."""
    if name != "play-back":
        return icons.icon(name, theme)
    return QIcon(icons.icon("play", theme).pixmap(64, 64).transformed(QTransform().scale(-1, 1)))


def _format() -> QAudioFormat | None:
    """48 kHz stereo in what the sound device takes; None where there is no device, or it takes neither."""
    device = QMediaDevices.defaultAudioOutput()
    if device.isNull():
        return None
    for kind in (QAudioFormat.SampleFormat.Float, QAudioFormat.SampleFormat.Int16):
        made = QAudioFormat()
        made.setSampleRate(SAMPLE_RATE)
        made.setChannelCount(2)
        made.setSampleFormat(kind)
        if device.isFormatSupported(made):
            return made
    return None
