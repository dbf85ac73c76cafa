"""Which of the paper's claims hold, and with what margin."""

from collections.abc import Callable, Mapping, Sequence

from evaluation.paper.depth_claim import falls_with_depth
from evaluation.paper.finished_run import FinishedRun
from evaluation.paper.noise_claims import comes_closer, discards_interference, gap_widens
from evaluation.paper.speaker_claims import (
    blstms_wipe_out,
    similar_on_clean,
    verifiers_agree,
)
from evaluation.paper.typesetting import escape_markdown
from evaluation.paper.verdicts import ClaimRow, tally_text

CLAIMS: Mapping[int, str] = {
    1: "Speaker information falls with depth",
    2: "In noise, robust discards more interference than baseline",
    3: "The STOI gap of robust and baseline widens with depth, beyond the gap on clean speech",
    4: "Convolutions hardly touch the speaker; BLSTMs wipe it out",
    5: "The verifiers agree on the order of the layers",
    6: "On clean speech, baseline and robust have a similar EER",
    7: "Noisy and clean inputs come closer in the layers of robust than in those of baseline",
}

_JUDGES: Sequence[Callable[[FinishedRun], list[ClaimRow]]] = (
    falls_with_depth,
    discards_interference,
    gap_widens,
    blstms_wipe_out,
    verifiers_agree,
    similar_on_clean,
    comes_closer,
)

HOW = (
    "A claim holds, or does not, where the 95 % interval excludes the contrary; otherwise it cannot"
    " be said. 'Surely' means: with an interval that excludes zero. Differences are paired where"
    " contrasts.csv or steps.csv has them. Elsewhere ('unpaired', neighbours, sums of steps)"
    " intervals of single numbers were combined as if independent: too wide for a difference of two"
    " numbers that rise and fall together, possibly too narrow for other sums. A claim about all"
    " layers, models and conditions does not hold while some are missing; majorities are of all"
    " layers. Verifiers are compared where three layers differ by more than their intervals; each"
    " row says in how many models and conditions that is not so, and rank correlations are of the"
    " numbers as they stand, without an interval. Intervals are over test speakers and, where it is"
    " said, probe seeds. Each recogniser was trained once: how another training of it would come"
    " out is in no interval. They are not corrected for their number, and what depth alone removes"
    " shows only beside an untrained recogniser. The distance between utterances by which states"
    " are measured is taken as known."
)


def how_judged(runs: Sequence[FinishedRun]) -> str:
    """How verdicts come about, and what the recognisers of the runs learnt from."""
    return " ".join([HOW, *(f"{run.name}: {run.training}" for run in runs if run.training)])


def judge(runs: Sequence[FinishedRun]) -> list[ClaimRow]:
    """Every claim in every architecture, claim by claim."""
    return [row for claim in _JUDGES for run in runs for row in claim(run)]


def claims_markdown(rows: Sequence[ClaimRow], how: str = HOW) -> str:
    """The claims as Markdown: a heading each, below it a line per architecture and case."""
    text = ["# The paper's claims", "", escape_markdown(how)]
    for number, title in CLAIMS.items():
        mine = [row for row in rows if row.claim == number]
        in_all = tally_text(row.verdict for row in mine)
        text += ["", f"## {number}. {title}", "", f"In all: {in_all}.", ""]
        for row in mine:
            text.append(
                f"- **{row.verdict}** ({escape_markdown(row.architecture)}):"
                f" {escape_markdown(row.sentence)}"
            )
    return "\n".join(text) + "\n"
