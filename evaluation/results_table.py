"""The table of a model and condition that the terminal shows, layer by layer."""

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from evaluation.records import SummaryRow
from evaluation.summary import is_plain

TABLE_METRICS = ("eer", "stoi", "pesq_wb", "wer", "mel_l1")
DIGITS = {"eer": 1, "wer": 1, "cer": 1, "pesq_wb": 2, "pesq_nb": 2}


def results_tables(
    rows: Sequence[SummaryRow],
    model: str,
    condition: str,
    console: Console,
    metrics: Sequence[str] = TABLE_METRICS,
) -> list[Table]:
    """Layers by metrics, each number with its 95 % interval and its failures.

    Args:
        rows: from `summarise`, in its order.
        model: which model.
        condition: which condition.
        console: where they go; what is too wide for it becomes several tables.
        metrics: the columns; a metric with several scorers has a column for each, those that
            answer questions behind the curves (`is_plain`) apart: a console is narrow.
    """
    chosen = [row for row in rows if (row.model, row.condition) == (model, condition)]
    wanted = [row for row in chosen if row.metric in metrics]
    pairs = {(row.metric, row.scorer) for row in wanted if is_plain(row.scorer)}
    columns = sorted(pairs, key=lambda pair: (metrics.index(pair[0]), pair[1]))
    return _fitting(chosen, f"{model} · {condition}", columns, console)


def _fitting(
    rows: Sequence[SummaryRow], title: str, columns: list[tuple[str, str]], console: Console
) -> list[Table]:
    table = _table(rows, title, columns)
    boundless = console.options.update(width=10_000)  # else what is too wide measures as wide as it
    if len(columns) < 2 or console.measure(table, options=boundless).maximum <= console.width:
        return [table]
    half = (len(columns) + 1) // 2
    return [
        part
        for own in (columns[:half], columns[half:])
        for part in _fitting(rows, title, own, console)
    ]


def _table(rows: Sequence[SummaryRow], title: str, columns: list[tuple[str, str]]) -> Table:
    by_place = {(row.layer, row.metric, row.scorer): row for row in rows}
    # names may hold what rich takes for markup
    table = Table(title=escape(title), box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("layer", no_wrap=True)
    for metric, scorer in columns:
        unit = " %" if metric in ("eer", "wer", "cer") else ""
        name = f"{metric}{unit} ({scorer})" if scorer else f"{metric}{unit}"
        table.add_column(escape(name), justify="right", no_wrap=True)
    for layer in dict.fromkeys(row.layer for row in rows):
        texts = (_cell_text(by_place.get((layer, *pair))) for pair in columns)
        table.add_row(escape(layer), *texts)
    return table


def _cell_text(row: SummaryRow | None) -> str:
    if row is None:
        return ""
    digits = DIGITS.get(row.metric, 3)
    text = "none" if row.mean is None else f"{row.mean:.{digits}f}"
    if row.ci_low is not None and row.ci_high is not None:
        text += f" \\[{row.ci_low:.{digits}f}, {row.ci_high:.{digits}f}]"
    return f"{text}, {row.n_failed} failed" if row.n_failed else text
