"""`shotscore demo`: a film of its own, its edit, its score."""

from pathlib import Path

from shotscore_engine.errors import OutputError
from shotscore_engine.progress import Progress
from shotscore_engine.request import ScoreRequest

from . import demo_film
from .answer import Answer
from .commands import Where, score, score_text

FILM = "film"
SCORED = "scored"


def run(folder: Path, progress: Progress) -> Answer:
    """Draw the film into `folder`/film, score it into `folder`/scored.

    A film that is already there is used again. Raises OutputError where `folder` cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        timeline = demo_film.find_film(folder / FILM) or demo_film.make_film(folder / FILM, progress)
    except OSError as problem:
        raise OutputError(f"{folder} cannot be written to: {problem.strerror}; choose another with --out.") from problem
    answer = score(timeline, folder / SCORED, Where(), ScoreRequest(), progress)
    paths = {"film": str(timeline), "folder": str(folder / SCORED)}
    return Answer({**answer.table, "demo": paths}, _text(answer, folder, timeline))


def _text(answer: Answer, folder: Path, timeline: Path) -> str:
    scored = folder / SCORED
    return "\n".join(
        [
            score_text(answer.table, scored),
            "",
            "Where to look:",
            f"  listen     {scored / answer.table['cues'][0]['mix']}",
            f"  the edit   {timeline}, its media beside it",
            f"  the result {scored}: open the .scored.otio in an editor that reads OpenTimelineIO",
            f"  next       shotscore score {timeline} --out {folder / 'mine'} --prompt 'a lonely piano' --seed 2",
        ]
    )
