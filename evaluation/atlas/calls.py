"""With which commands a run was made, and by which versions."""

from __future__ import annotations

from importlib.metadata import version
from typing import NamedTuple

from evaluation.atlas.catalogue import Atlas
from evaluation.patient_tables import whole_json

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
        facts = whole_json(atlas.run, f"{place}/{ENVIRONMENT}".lstrip("/"), atlas.notes, dict)
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
