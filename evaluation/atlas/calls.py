"""With which commands a run was made, and by which versions."""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any, NamedTuple

from evaluation.atlas.catalogue import Atlas

ENVIRONMENT = "environment.json"
MAKERS = {"": "run", "sonification": "sonify", "audiation": "audiate", "masks": "mask"}
"""Which command leaves a folder."""


class Call(NamedTuple):
    """A command that has left its `environment.json`; what that does not say is empty.

    Attributes:
        place: folder of what it made, below the run; empty of the run itself.
        command: as it was typed.
        version: of Otoscope.
    """

    place: str
    command: str
    version: str

    @property
    def maker(self) -> str:
        """Which command it is; where that was not recorded, the usual one of its place."""
        words = self.command.split()
        return words[1] if len(words) > 1 else MAKERS[self.place]


def calls_of(atlas: Atlas) -> list[Call]:
    """Of the run itself, and of `otoscope sonify`, `audiate` and `mask` called for it.

    What is of another version than these pages is noted: its tables may be of another form.
    """
    found = []
    for place in MAKERS:
        facts = _read(atlas, place)
        if facts is None:
            continue
        versions = facts.get("versions")
        theirs = versions.get("otoscope") if isinstance(versions, dict) else None
        call = Call(place, str(facts.get("command") or ""), str(theirs or ""))
        found.append(call)
        if call.version and call.version != version("otoscope"):
            atlas.notes.append(_older(call))
    return found


def _older(call: Call) -> str:
    what, name = "the run is", ENVIRONMENT
    if call.place:
        what, name = "this part is", f"{call.place}/{ENVIRONMENT}"
    return (
        f"{name}: {what} of Otoscope {call.version}, these pages are of {version('otoscope')}; "
        f"where something is missing, call `otoscope {call.maker}` again"
    )


def _read(atlas: Atlas, place: str) -> dict[str, Any] | None:
    """An `environment.json`; None where there is none, or none that can be read."""
    path = atlas.run / place / ENVIRONMENT
    if not path.is_file():
        return None
    try:
        facts = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (OSError, ValueError, RecursionError) as error:
        atlas.notes.append(f"{path.relative_to(atlas.run)}: cannot be read ({error})")
        return None
    return facts if isinstance(facts, dict) else None
