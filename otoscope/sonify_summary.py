"""What `otoscope sonify` prints of a study."""

import shlex
from pathlib import Path

from rich.console import Console
from rich.table import Table

from evaluation.sonification.study_result import Study
from otoscope.display import say


def show(console: Console, found: Study, folder: Path) -> None:
    """Print counts by layer, remarks and claims."""
    table = Table(title=found.name, title_justify="left", box=None)
    columns = ("layer", "features", "dead", "by men", "by women", "phones a word")
    for column in columns:
        table.add_column(column, justify="left" if column == "layer" else "right")
    for row in layer_rows(found):
        table.add_row(*row)
    console.print(table)
    for remark in [*found.found.remarks(), *found.findings.notes]:
        say(console, f"  note: {remark}")
    for claim in [*found.findings.claims, *found.manner.claims]:
        say(console, f"  {claim.verdict}: {claim.sentence}")
    say(console, f"  tables, figures and sounds: {shlex.quote(str(folder))}")


def layer_rows(found: Study) -> list[tuple[str, ...]]:
    """One line for each layer: what most of its features are driven by."""
    rows = []
    sexes = {
        (row.layer, row.group): row.share
        for row in reversed(found.findings.dominance)
        if row.attribute == "sex"
    }
    words = {row.layer: row.mean for row in found.findings.complexity if row.unit == "words"}
    for layer, activity in found.found.activity.items():
        numbers = [sexes.get((layer, sex)) for sex in ("male", "female")]
        rows.append(
            (
                layer,
                str(len(activity.dead)),
                str(int((activity.dead != "").sum())),
                *("–" if share is None else f"{100 * share:.0f} %" for share in numbers),
                f"{words[layer]:.2f}" if words.get(layer) is not None else "–",
            )
        )
    return rows
