"""Finished run folders small enough to compute their tables and claims by hand."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from evaluation.contrasts import ContrastRow
from evaluation.listening_test.folder import build_test
from evaluation.listening_test.run_audio import find_audio
from evaluation.paper.finished_run import (
    FinishedRun,
    WerRow,
    read_finished_run,
)
from evaluation.paper.published import EER, LAYERS, VGG_LSTM
from evaluation.records import SummaryRow, write_rows
from evaluation.steps import StepRow

Place = tuple[str, str, str, str, str]  # model, condition, layer, metric, scorer
Maker = Callable[..., FinishedRun]


@pytest.fixture
def make_run(tmp_path: Path, heard_run: Callable[..., Path]) -> Maker:
    """Writes the tables of a run and reads them back; every interval is `mean` +- `half`.

    A run that people have listened to has audio of its own, and a listening test of it.
    """

    def make(
        numbers: Mapping[Place, float | None],
        *,
        name: str = "vgg_lstm",
        half: float = 0.5,
        steps: Sequence[StepRow] = (),
        contrasts: Sequence[ContrastRow] = (),
        wer: Mapping[str, Sequence[WerRow]] | None = None,
        human: Sequence[SummaryRow] = (),
    ) -> FinishedRun:
        run = tmp_path / name
        run.mkdir(exist_ok=True)
        write_rows(run / "summary.csv", SummaryRow, summary_rows(numbers, half))
        if steps:
            write_rows(run / "steps.csv", StepRow, steps)
        if contrasts:
            write_rows(run / "contrasts.csv", ContrastRow, contrasts)
        for model, rows in (wer or {}).items():
            (run / "recognisers" / model).mkdir(parents=True, exist_ok=True)
            write_rows(run / "recognisers" / model / "wer.csv", WerRow, rows)
        if human:
            heard = heard_run(tmp_path / f"{name}-heard", speakers=2, each=2)
            shutil.copytree(heard / "audio", run / "audio")
            shutil.copy(heard / "utterances.csv", run)
            build_test(find_audio(run), run / "listening", per_layer=1)
            write_rows(run / "listening" / "her.csv", SummaryRow, human)
        return read_finished_run(name, run)

    return make


def summary_rows(numbers: Mapping[Place, float | None], half: float) -> list[SummaryRow]:
    """Tapped layers get their depth in order of appearance; a number that is None has failed."""
    untapped = ("natural", "copy-synthesis", "mean-mel")
    tapped = [
        layer for layer in dict.fromkeys(place[2] for place in numbers) if layer not in untapped
    ]
    rows = []
    for (model, condition, layer, metric, scorer), mean in numbers.items():
        depth = tapped.index(layer) + 1 if layer in tapped else None
        place = (model, condition, layer, depth, metric, scorer)
        if mean is None:
            rows.append(SummaryRow(*place, None, None, None, 0, 12))
        else:
            rows.append(SummaryRow(*place, mean, mean - half, mean + half, 12, 0))
    return rows


@pytest.fixture
def papers_numbers() -> dict[Place, float | None]:
    """Table 2 of the paper as if a VGG-LSTM of ours had given it."""
    return {
        (model, condition, layer, "eer", "thin_resnet"): EER[VGG_LSTM, layer, condition, model]
        for condition in ("clean", "snr20", "snr10", "snr0")
        for model in ("baseline", "robust")
        for layer in LAYERS[VGG_LSTM]
    }
