"""What a recut changed, in the panel's words, from the engine's own change list."""

from dataclasses import replace

from scored import dice_tools, picture_of, scored
from shotscore_engine.locks import Lock
from shotscore_engine.reconform import change_table, follow
from shotscore_ui.changes import change_list, summary

CLIPS = [("day", 0, 130), ("sea", 10, 160), ("town", 0, 140), ("rain", 400, 175)]


def test_a_recut_is_told_in_words() -> None:
    session = scored(CLIPS)
    held = replace(session, locks=(Lock("1m01", "melody", 300, 420),))
    followed = follow(held, picture_of([*CLIPS[:2], ("new", 0, 60), CLIPS[3]]), "/films/v2.otio", dice_tools)
    table = change_table(followed)
    told, lines = summary(table), change_list(table).splitlines()
    counts = table["bar_counts"]
    assert counts["regenerated"]
    assert f"{counts['regenerated']} written anew" in told
    assert told.endswith(f"Locks gone with their picture: {len(table['lost_locks'])}.") == bool(table["lost_locks"])
    assert "Shot 3: new" in lines
    assert "Shot 3 of before: deleted" in lines
    assert "Shot 4: moved, -80 frames from where it was" in lines
    # Every bar stands in one of the lines, and every hit in one of its own.
    spans = [line.split("bars ")[1].split(":")[0].split("–") for line in lines if ", bars " in line]
    bars = [bar for span in spans for bar in range(int(span[0]), int(span[-1]) + 1)]
    assert bars == sorted(row["bar"] for row in table["bars"])
    assert sum("hit at frame" in line for line in lines) == len(table["hits"])
    assert any("new hit at frame" in line for line in lines)


def test_nothing_changed_is_told_too() -> None:
    session = scored(CLIPS)
    table = change_table(follow(session, session.picture, session.timeline, dice_tools))
    assert "bars as they were." in summary(table)
    assert not any("Shot" in line for line in change_list(table).splitlines())
