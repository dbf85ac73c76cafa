"""Checks of sounds as they are written, and of the corpus segments that they are held against."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lhotse.cut import Cut
from torch import Tensor

from asr_models.recogniser import Recogniser
from corpora.audio import load_waveform
from evaluation.audiation.checks import feature_ranks, held_out, layer_scores, sound_distances
from evaluation.audiation.made import Made
from evaluation.audiation.speech_likeness import syllabic_share, wada_snr
from evaluation.audiation.strongest import Speech
from evaluation.audiation.study_rows import DiversityRow, EvolutionRow, LayerRow, SoundRow
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.audiation.transforms import BandLimit, Chain, Noise, Resample, TimeShift
from evaluation.audiation.wanted import ALIKE, AS_ASKED, DIFFERING, Wanted
from evaluation.listening import safe_name

MOST_UTTERANCES = 32  # that say how speech-like speech is


def unseen() -> Chain:
    """About twice as strong as what `robust` does to a sound while it is optimised."""
    return Chain(
        [TimeShift(0.02), Resample(0.02), BandLimit((60.0, 150.0), (3500.0, 5000.0)), Noise(18.0)]
    )


def judged(
    recogniser: Recogniser,
    made: Sequence[Made],
    speech: Speech,
    settings: AudiationSettings,
    seed: int,
) -> list[SoundRow]:
    """One row for every sound, in order.

    Args:
        recogniser: frozen; on the device where it is to run.
        made: sounds of `make_sounds`, all of one length.
        speech: of the corpus.
        settings: of the study.
        seed: of the held-out changes.
    """
    rows: dict[int, SoundRow] = {}
    for layer in dict.fromkeys(one.wanted.layer for one in made):
        numbers = [i for i, one in enumerate(made) if one.wanted.layer == layer]
        mine = [made[i] for i in numbers]
        rows |= zip(numbers, _layer_rows(recogniser, mine, speech, settings, seed), strict=True)
    return [rows[i] for i in range(len(made))]


def _layer_rows(
    recogniser: Recogniser,
    made: Sequence[Made],
    speech: Speech,
    settings: AudiationSettings,
    seed: int,
) -> Iterator[SoundRow]:
    layer, features = made[0].wanted.layer, [one.wanted.feature for one in made]
    sounds = stacked(made)
    window, score = settings.window, settings.score
    scores = layer_scores(recogniser, layer, sounds, window, score)
    first = torch.stack([one.snapshots[0] for one in made])  # silence where nothing was tried
    starts = layer_scores(recogniser, layer, first, window, score)
    heard = (layer, features, sounds, unseen(), settings.held_out, seed)
    survived = held_out(recogniser, *heard, window, score)
    span = speech.span(layer)
    ranks = feature_ranks(scores, features, speech.mean(layer), span)
    lengths = torch.full((len(sounds),), sounds.shape[1])
    likeness = wada_snr(sounds, lengths).tolist(), syllabic_share(sounds, lengths).tolist()
    strongest = speech.strongest(layer)[features]
    for i, one in enumerate(made):
        given_up = bool(one.problem)
        reached = float(scores[i, features[i]])
        known = np.isfinite(strongest[i])
        pictured = not given_up and one.wanted.variant == AS_ASKED
        yield SoundRow(
            **names(speech.model, one.wanted),
            depth=recogniser.layers[layer].depth,
            problem=one.problem,
            start=number(starts[i, features[i]]) if np.isfinite(one.activation[0]) else None,
            reached=None if given_up else reached,
            strongest=number(strongest[i]),
            above=None if given_up or not known else int(reached > strongest[i]),
            held_out=None if given_up else float(survived[:, i].mean()),
            lowest=None if given_up else float(survived[:, i].min()),
            rank=None if given_up or not span[features[i]] else int(ranks[i]),
            features=recogniser.layers[layer].features,
            snr_db=None if given_up else number(likeness[0][i]),
            syllabic_share=None if given_up else number(likeness[1][i]),
            **speech.said(speech.segment(layer, features[i])),  # type: ignore[arg-type]
            audio="" if given_up else f"sounds/{file_name(one.wanted)}.flac",
            picture=f"pictures/{file_name(one.wanted)}.png" if pictured else "",
        )


def evolution(made: Sequence[Made], model: str) -> Iterator[EvolutionRow]:
    """How every sound came about, step by step."""
    for one in made:
        for step, activation, total in zip(one.steps, one.activation, one.objective, strict=True):
            yield EvolutionRow(
                **names(model, one.wanted),
                step=step,
                activation=number(activation),
                objective=number(total),
            )


def diversity(rows: Sequence[SoundRow], made: Sequence[Made]) -> Iterator[DiversityRow]:
    """How far the samples of a feature are from each other, made to differ and not.

    Args:
        rows: of `judged`.
        made: the sounds.
    """
    groups: dict[tuple[str, str, int], list[int]] = {}
    for i, row in enumerate(rows):
        if row.variant in (ALIKE, DIFFERING) and row.reached is not None:
            groups.setdefault((row.variant, row.layer, row.feature), []).append(i)
    for numbers in groups.values():
        if len(numbers) < 2:
            continue
        apart = sound_distances(stacked([made[i] for i in numbers]))
        pairs = apart[np.triu_indices(len(numbers), 1)]
        first = rows[numbers[0]]
        yield DiversityRow(
            first.model, first.variant, first.layer, first.depth, first.feature, len(numbers),
            mean_db=float(pairs.mean()),
            nearest_db=float(pairs.min()),
            reached=float(np.mean([rows[i].reached or 0.0 for i in numbers])),
            strongest=first.strongest,
        )  # fmt: skip


def speech_row(speech: Speech, rows: Sequence[SoundRow], cuts: Sequence[Cut]) -> Iterator[LayerRow]:
    """The same figures of speech: of the utterances of the strongest segments, as they are."""
    names, by_id = dict.fromkeys(row.utterance for row in rows), {str(cut.id): cut for cut in cuts}
    found = []
    for name in [name for name in names if name in by_id][:MOST_UTTERANCES]:
        sound = torch.from_numpy(load_waveform(by_id[name])[0])[None]
        length = torch.tensor([sound.shape[1]])
        found.append((float(wada_snr(sound, length)), float(syllabic_share(sound, length))))
    if found:
        snr, share = (number(np.nanmean(values)) for values in zip(*found, strict=True))
        nothing = (0, 0, None, None, None, None)
        yield LayerRow(speech.model, "speech", "all", 0, len(found), *nothing, snr, share)


def stacked(made: Sequence[Made]) -> Float[Tensor, "sound sample"]:
    """Sounds as they are heard from their files."""
    return torch.from_numpy(np.stack([one.sound for one in made]))


def names(model: str, wanted: Wanted) -> dict[str, Any]:
    """Columns that say which sound it is."""
    return {
        "model": model,
        "variant": wanted.variant,
        "layer": wanted.layer,
        "feature": wanted.feature,
        "sample": wanted.sample,
    }


def file_name(wanted: Wanted) -> str:
    """`cnn1-17`, with its variant and sample where there are several of it."""
    parts = [wanted.name]
    if wanted.variant != AS_ASKED:
        parts.append(wanted.variant.replace("/", "").replace(" ", "_"))
    if wanted.variant in (ALIKE, DIFFERING):
        parts.append(str(wanted.sample))
    return safe_name("-".join(parts))


def number(value: float | np.floating) -> float | None:
    """A value of a table; None where it is no finite number."""
    return float(value) if np.isfinite(value) else None
