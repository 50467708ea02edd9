"""Saves a session over and over until it is killed: `python saving.py FILE`; says each save it has finished."""

import sys
from dataclasses import replace
from pathlib import Path

from shotscore_engine.sessionfile import SessionFile

with SessionFile(Path(sys.argv[1])) as file:
    print("open", flush=True)
    for number in range(1, 1_000_000):
        take = file.session.takes[0]
        named = replace(take, name=f"{number}", notes=("0 4 60 80; " * 999 + "4 4 61 80", "", ""))
        file.do(f"rename {number}", lambda session, named=named: replace(session, takes=(named, *session.takes[1:])))
        if number % 8 == 0:
            file.undo()
            file.redo()
        print(number, flush=True)
