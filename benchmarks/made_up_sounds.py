"""What a run leaves to listen to beside the corpus: samples of its layers, and audiations."""

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from jaxtyping import Float
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
from evaluation.pictures import mel_picture
from evaluation.sonification.clips import write_clips
from evaluation.sonification.export import write_records
from evaluation.sonification.registry import Registry
from evaluation.sonification.result import Sonification

BANDS, SECONDS = 80, 2.0


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
                    speaker=str(cut.supervisions[0].speaker), mel=draw_mel(rng, blur),
                    waveform=blur * waveform + 0.01 * rng.normal(size=len(waveform)),
                )
            )  # fmt: skip
    save_samples(run, found)


def draw_mel(rng: np.random.Generator, blur: float) -> Float[np.ndarray, "frame mel"]:
    """A formant that moves, the wider the more it is blurred."""
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
            write_atomically(folder / rows[-1].picture, mel_picture(draw_mel(rng, 0.3)))
    clips = write_clips(folder, cuts.values(), registry, np.array(segments, np.int64))
    assert not clips, clips
    write_records(folder, "sounds", SoundRow, rows)
    write_records(folder, "layers", LayerRow, layer_rows(rows) if rows else [])
    write_records(folder, "evolution", EvolutionRow, evolution)
    write_records(folder, "diversity", DiversityRow, [])


def _sound_row(
    place: tuple[str, str, str, int, int, int], registry: Registry, segment: int, features: int
) -> SoundRow:
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
