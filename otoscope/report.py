"""`otoscope report`: build the atlas of a run, from whatever it has left so far."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonargparse import ArgumentParser

from acoustics.errors import UserError
from evaluation.atlas.settings import AtlasSettings
from otoscope.commands import parse
from otoscope.configuration import CONFIG, one_line
from otoscope.display import RunDisplay, output_console, say
from otoscope.locking import alone

if TYPE_CHECKING:
    from evaluation.atlas.site import BuiltAtlas


def report(arguments: list[str]) -> None:
    """`otoscope report`: build the pages of a run, or of `scores/<name>`, again."""
    from evaluation.atlas.build import build_atlas
    from evaluation.run_folder import must_be_there
    from otoscope.report_corpus import corpus_cuts

    parser = ArgumentParser(
        prog="otoscope report", exit_on_error=False, allow_abbrev=False,
        description="Builds report/ of a run: pages to look at and listen to, which need neither "
        "a server nor the network. Sounds and pictures that are there already are used again.",
    )  # fmt: skip
    parser.add_argument("run", help="the run folder, or that of sonify, audiate, mask or score")
    parser.add_argument(
        "--output", type=str | None, help="folder of the pages (default: report/ of the run)"
    )
    parser.add_class_arguments(AtlasSettings, None)
    options = parse(parser, arguments)
    must_be_there(Path(options.run))
    parser.set_defaults(asked_of_run(Path(options.run)))
    try:
        made = parser.instantiate_classes(parse(parser, arguments))
    except (ValueError, TypeError) as error:
        raise one_line(error) from error
    settings = AtlasSettings(**{name: made[name] for name in AtlasSettings.__dataclass_fields__})
    run, output = Path(options.run), Path(options.output) if options.output else None
    console, began = output_console(), time.monotonic()
    with RunDisplay(console) as display:

        def watch(fraction: float, text: str) -> None:
            display("report", min(fraction, 0.999), text, time.monotonic() - began)

        cuts = corpus_cuts(run)
        built = build_atlas(run, settings, None, cuts, watch, output, guard=alone)
        display("report", 1.0, "", time.monotonic() - began)
    made_anew = f"{built.made} files made anew"
    for line in (*told(built, settings.max_megabytes), made_anew, str(built.path)):
        say(console, line)


def asked_of_run(run: Path) -> dict[str, Any]:
    """What the configuration of a run asks of its atlas: the defaults of the options."""
    try:
        values = yaml.safe_load((run / CONFIG).read_text(encoding="utf-8"))["atlas"]
        return asdict(AtlasSettings(**values))
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError, UserError):
        return {}  # a folder of one method, an older run, or somebody has changed it


def told(built: BuiltAtlas, bound: float, option: str = "--max_megabytes") -> list[str]:
    """What a call says of the atlas that it built, which was to stay below a bound in MB."""
    lines = [f"{built.megabytes:.1f} MB, {built.sounds} sounds"]
    if built.megabytes > bound:
        lines.append(f"beyond {bound:g} MB: pages, data and scripts alone are too large for it")
    if built.absent:
        lines.append(f"sounds or pictures without a source: {built.absent}; the pages say which")
    if built.left_out:
        lines.append(f"sounds or pictures without room: {built.left_out}; raise {option}")
    return lines
