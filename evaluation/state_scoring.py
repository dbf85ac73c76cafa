"""From a recogniser's states to tables: how far noise moves them, and whose they are.

One pass through the recogniser for each batch, all layers at once; a noisy batch brings the clean
version of its utterances along. Nothing is rendered.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr_models.memory import give_back_freed
from asr_models.recogniser import Recogniser
from corpora.augmentation import condition_snr_db
from corpora.batch import SpeechBatch
from corpora.corpus import Progress
from corpora.datamodule import SpeechDataModule
from evaluation.embeddings import Voices, score_voices, trial_rows
from evaluation.quality import Score
from evaluation.records import RowWriter, ScoreRow, TrialScoreRow, write_rows
from evaluation.speaker_probe import AccuracyRow, SpeakerProbe, SpeakerStatistics
from evaluation.state_distance import METRIC, StateDistances
from evaluation.state_tap import StateTap
from evaluation.summary import STATES
from evaluation.trials import Trial

ACCURACY = "accuracy.csv"


@dataclass
class HeardCondition:
    """What one condition gave: voices by layer, distances, and what could not be used."""

    voices: dict[str, Voices]
    distances: StateDistances = field(default_factory=StateDistances)
    speakers: dict[str, str] = field(default_factory=dict)
    noises: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def add_unloaded(self, data: SpeechDataModule) -> None:
        """Count what no batch ever held among the lost."""
        reasons = {name: reason for split, name, reason in data.unusable if split == "test"}
        known = self.speakers | self.lost
        self.lost |= {name: reason for name, reason in reasons.items() if name not in known}


def fit_speaker_probes(tap: StateTap, batches: Iterable[SpeechBatch]) -> dict[str, SpeakerProbe]:
    """A linear speaker probe for every layer, from training speech."""
    statistics = SpeakerStatistics()
    for batch in batches:
        if batch.ids:
            statistics.add(batch.ids, batch.speakers, tap(batch.waveform, batch.lengths))
        give_back_freed()
    return {layer: statistics.fit(layer) for layer in tap.names}


def hear_condition(
    tap: StateTap,
    probes: Mapping[str, SpeakerProbe],
    batches: Iterable[SpeechBatch],
    noisy: bool,
) -> HeardCondition:
    """Speaker vectors of all utterances of a condition, and for a noisy one the distances.

    Args:
        tap: the way to the states.
        probes: by layer.
        batches: of the condition.
        noisy: whether the clean speech is another signal than what was fed in.
    """
    found = HeardCondition({layer: Voices() for layer in tap.names})
    for batch in batches:
        found.lost.update(batch.failures)
        if not batch.ids:
            continue
        if noisy:
            states, clean = tap.both(batch)
            found.distances.add(batch.ids, batch.speakers, states, clean)
        else:
            states = tap(batch.waveform, batch.lengths)
        found.speakers.update(zip(batch.ids, batch.speakers, strict=True))
        found.noises.update(zip(batch.ids, batch.noises, strict=True))
        for layer, voices in found.voices.items():
            voices.add(batch.ids, probes[layer].embed(states[layer]))
        give_back_freed()
    return found


def distance_rows(
    model: str,
    condition: str,
    layers: Sequence[str],
    found: HeardCondition,
    speakers: Mapping[str, str],
) -> list[ScoreRow]:
    """Rows of scores.csv; what could not be used is a failure in every layer.

    Args:
        model: name in the tables.
        condition: as in every table.
        layers: their names.
        found: from `hear_condition`.
        speakers: of the utterances that were lost, as far as they are known.
    """
    rows, ratios = [], found.distances.ratios()
    for layer in layers:
        scores = ratios.get(layer, {}) | {n: Score(None, why) for n, why in found.lost.items()}
        for name, score in scores.items():
            speaker = found.speakers.get(name, speakers.get(name, ""))
            where = model, condition, found.noises.get(name, ""), layer, name, speaker
            rows.append(ScoreRow(*where, METRIC, "", *score))
    return rows


def score_states(
    recogniser: Recogniser,
    layers: Iterable[str],
    training: SpeechDataModule,
    data: SpeechDataModule,
    trials: Sequence[Trial],
    folder: Path,
    model: str = "baseline",
    references: bool = True,
    per_speaker: int = 20,
    device: str = "cpu",
    report: Progress = lambda fraction, text: None,
) -> list[AccuracyRow]:
    """Write `scores.csv`, `trial_scores.csv` and `accuracy.csv` of one recogniser's states.

    Args:
        recogniser: the recogniser under study.
        layers: names or globs.
        training: what the probes of the run were trained on; their speakers and their noise.
        data: test speech, with a loader for each condition.
        trials: the run's trial list.
        folder: where the tables go.
        model: name in the tables.
        references: measure the log-mel too, as layer `natural`.
        per_speaker: utterances of each training speaker that the speaker probe learns from.
        device: where the recogniser runs.
        report: called with the fraction done and what is going on.

    Returns:
        How well the probes name training speakers, by layer.
    """
    tap = StateTap(recogniser, layers, references, device)
    report(0.0, "speaker probes")
    first = training.first_training_dataloader(per_speaker)
    probes = fit_speaker_probes(tap, training.noted("train", first))
    accuracies = [probe.row(model, layer) for layer, probe in probes.items()]
    speakers = {t.enrol: t.enrol_speaker for t in trials}
    speakers |= {t.test: t.test_speaker for t in trials}
    trial_scores: list[TrialScoreRow] = []
    folder.mkdir(parents=True, exist_ok=True)
    with RowWriter(folder / "scores.csv", ScoreRow) as scores:
        for i, condition in enumerate(data.conditions):
            report((i + 1) / (len(data.conditions) + 1), f"states, {condition}")
            noisy = condition_snr_db(condition) is not None
            loader = data.condition_dataloader(condition)
            found = hear_condition(tap, probes, data.noted("test", loader), noisy)
            found.add_unloaded(data)
            for row in distance_rows(model, condition, tap.names, found, speakers) if noisy else ():
                scores.write(row)
            for layer, voices in found.voices.items():
                voices.failures.update(found.lost)
                place = condition, layer, STATES
                trial_scores += trial_rows(model, place, trials, score_voices(trials, voices))
    write_rows(folder / "trial_scores.csv", TrialScoreRow, trial_scores)
    write_rows(folder / ACCURACY, AccuracyRow, accuracies)
    return accuracies
