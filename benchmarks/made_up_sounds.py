"""What a run leaves to listen to beside the corpus: samples of layers, audiations, masks."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import get_args

import numpy as np
from lhotse.cut import Cut

from acoustics.mel import HOP_S
from asr_models.layer import Layer, spread
from corpora.audio import load_waveform
from corpora.corpus import SAMPLE_RATE
from evaluation.audiation.study_rows import (
    DiversityRow,
    EvolutionRow,
    LayerRow,
    SoundRow,
    layer_rows,
)
from evaluation.audiation.wanted import AS_ASKED
from evaluation.listening import (
    REFERENCE,
    REFERENCE_LAYERS,
    Sample,
    safe_name,
    save_samples,
    write_atomically,
    write_audio,
    write_sample,
)
from evaluation.masks import rows as masks
from evaluation.masks.animation import mask_animation
from evaluation.masks.curves import Way
from evaluation.masks.figures import mask_figure, muted_figure
from evaluation.masks.folder import MaskFailureRow, write_tables
from evaluation.masks.judging import ENERGY, MASK, RANDOM, Judgement
from evaluation.masks.logged import mask_name
from evaluation.masks.sounds import Sound
from evaluation.masks.summary import summary_rows
from evaluation.paper.panels import save_figure
from evaluation.pictures import mel_picture
from evaluation.sonification.clips import write_clips
from evaluation.sonification.export import write_records
from evaluation.sonification.result import Sonification

BANDS, SECONDS = 80, 2.0
THRESHOLDS, POINTS = (0.1, 0.2, 0.3), 21


def write_samples(
    run: Path,
    models: Sequence[str],
    conditions: Sequence[str],
    layers: Sequence[str],
    cuts: Sequence[Cut],
    seed: int,
) -> None:
    """Writes what every layer makes of the beginnings of some utterances, and the references."""
    rng, found = np.random.default_rng([seed, 3]), list[Sample]()
    places = [(REFERENCE, layer) for layer in REFERENCE_LAYERS] + list(product(models, layers))
    for cut in cuts:
        waveform = load_waveform(cut)[0][: int(SECONDS * SAMPLE_RATE)]
        for condition, (model, layer) in product(conditions, places):
            blur = rng.uniform(0.2, 0.9)
            found.append(
                write_sample(
                    run, model=model, condition=condition, layer=layer, utterance=str(cut.id),
                    speaker=str(cut.supervisions[0].speaker), mel=_mel(rng, blur),
                    waveform=blur * waveform + 0.01 * rng.normal(size=len(waveform)),
                )
            )  # fmt: skip
    save_samples(run, found)


def _mel(rng: np.random.Generator, blur: float) -> np.ndarray:
    time, band = np.arange(int(SECONDS / HOP_S))[:, None], np.arange(BANDS)
    ridge = 20 + 12 * np.sin(time / 17 + 6 * blur)
    bumps: np.ndarray = np.exp(-(((band - ridge) / (3 + 12 * blur)) ** 2))
    return -8 + 6 * bumps + blur * rng.normal(size=bumps.shape)


def write_audiation(
    folder: Path, name: str, layers: Mapping[str, Layer], found: Sonification,
    cuts: Mapping[str, Cut], seed: int,
) -> None:  # fmt: skip
    """Writes a sound for two features of three layers, beside their best segments."""
    rng, unit = np.random.default_rng([seed, 4]), "segments"
    rows, evolution = list[SoundRow](), list[EvolutionRow]()
    registry, segments = found.units.registries[unit], list[int]()
    for layer in spread(list(layers), 3):
        alive = (found.activity[layer].dead == "").nonzero()[0][:2].tolist()
        for feature in alive:
            segment = int(found.tops[unit][layer].ids[feature, 0])
            place = (name, AS_ASKED, layer, layers[layer].depth, feature, 0)
            rows.append(_sound_row(place, registry, segment, len(found.activity[layer].dead)))
            segments.append(segment)
            evolution += [
                EvolutionRow(name, AS_ASKED, layer, feature, 0, step, step / 64, step / 64)
                for step in range(0, 65, 8)
            ]
            tone = 0.1 * np.sin(np.arange(SAMPLE_RATE) * rng.uniform(0.05, 0.5))
            write_audio(folder / rows[-1].audio, tone, SAMPLE_RATE)
            write_atomically(folder / rows[-1].picture, mel_picture(_mel(rng, 0.3)))
    clips = write_clips(folder, cuts.values(), registry, np.array(segments, np.int64))
    assert not clips, clips
    write_records(folder, "sounds", SoundRow, rows)
    write_records(folder, "layers", LayerRow, layer_rows(rows) if rows else [])
    write_records(folder, "evolution", EvolutionRow, evolution)
    write_records(folder, "diversity", DiversityRow, [])


def _sound_row(place: tuple, registry, segment: int, features: int) -> SoundRow:  # type: ignore[no-untyped-def]
    file = safe_name(f"{place[2]}-{place[4]}")
    utterance = str(registry.utterance[segment])
    start, end = int(registry.start[segment]), int(registry.end[segment])
    return SoundRow(
        *place, problem="", start=0.1, reached=1.2, strongest=0.6, above=1, held_out=1.0,
        lowest=0.9, rank=1, features=features, snr_db=-0.5, syllabic_share=0.2,
        utterance=utterance, start_s=start / SAMPLE_RATE, end_s=end / SAMPLE_RATE,
        words="", phones="", audio=f"sounds/{file}.flac", picture=f"pictures/{file}.png",
        clip=f"clips/{safe_name(utterance)}-{start}-{end}.flac",
    )  # fmt: skip


def write_masks(folder: Path, name: str, cuts: Sequence[Cut], seed: int) -> None:
    """Writes what `otoscope mask` leaves of some utterances; the last one has no mask."""
    rng, judged, heard = np.random.default_rng([seed, 5]), list[Judgement](), list[masks.SoundRow]()
    *masked, failed = cuts
    for cut in masked:
        text, waveform = str(cut.supervisions[0].text), load_waveform(cut)[0]
        rows = list(_mask_rows(name, cut, text))
        ways = product((MASK, RANDOM, ENERGY), get_args(Way))
        rising = np.sort(rng.random((6, 1, POINTS)), axis=2)
        judged.append(Judgement({}, rows, dict(zip(ways, rising, strict=True))))
        sounds = list(_mask_sounds(waveform))
        mine = [
            masks.SoundRow(name, str(cut.id), "utterance", "", sound.name, sound.muted_share,
                           text[: 40 - 9 * i], i == 0, 20.0 * i)
            for i, sound in enumerate(sounds)
        ]  # fmt: skip
        heard += mine
        _draw_mask(folder, mask_name(str(cut.id), ""), sounds, [row.text for row in mine], rng)
    failure = MaskFailureRow(str(failed.id), "the recogniser hears nothing in it")
    all_rows = [row for one in judged for row in one.rows]
    write_tables(
        folder, name, judged, heard, [failure], list(summary_rows(all_rows, {"utterance": 1}))
    )


def _mask_rows(name: str, cut: Cut, text: str) -> Iterator[masks.MaskRow]:
    said = cut.supervisions[0]
    for i, kind in enumerate((MASK, RANDOM, ENERGY)):
        yield masks.MaskRow(
            name, str(cut.id), str(said.speaker), "utterance", "", kind, cut.duration, 16000,
            0.07, 100, 1 - 0.4 * i, text, text[: 60 >> i], i == 0, 0.9 - 0.2 * i, 0.3, "",
        )  # fmt: skip


def _mask_sounds(waveform: np.ndarray) -> Iterator[Sound]:
    yield Sound("natural", waveform, 0.0)
    for threshold in THRESHOLDS:
        quiet = np.abs(waveform) < threshold / 2
        yield Sound(f"muted {threshold:g}", np.where(quiet, 0, waveform), float(quiet.mean()))
    yield Sound("masked", waveform / 2, 0.0)
    yield Sound("copy-synthesis", waveform[:-80], 0.0)


def _draw_mask(
    folder: Path, name: str, sounds: Sequence[Sound], texts: Sequence[str],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    for sound in sounds:
        path = folder / "audio" / name / f"{safe_name(sound.name)}.flac"
        write_audio(path, sound.waveform, SAMPLE_RATE)
    normal = _mel(rng, 0.3)
    normal -= normal.mean(0)
    shots = np.stack([normal > level for level in (-1.0, 1.0, 3.0)])
    figures = folder / "figures"
    save_figure(mask_figure(normal, shots[-1], HOP_S, name), figures, f"{name}.mask", ("png",))
    waveforms = muted_figure(sounds, texts, SAMPLE_RATE, name)
    save_figure(waveforms, figures, f"{name}.sounds", ("png",))
    moving = mask_animation(normal, shots, [0, 100, 200], HOP_S, name)
    write_atomically(figures / f"{name}.gif", moving)
