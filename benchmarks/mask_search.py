"""Importance masks: seconds for a 5 s utterance, and a batch against the same one by one.

    OMP_NUM_THREADS=2 python benchmarks/mask_search.py [FOLDER ...] [--steps 300]

FOLDER is that of a trained recogniser; without one a mini DeepSpeech of random weights (its passes
take as long, only the masks mean nothing). The speech is the embedded corpus, joined and cut to
utterances of 5 s. The search of one, with all its prunings and the re-check, is timed: bar 60 s on
two idle cores. Then a batch, and the same utterances one by one, take turns in searching a few
steps each. Seconds of the processor are surer where others use the machine too.
"""

import argparse
import dataclasses
import time

import fair
import torch

from asr_models.checkpoint import load_recogniser
from asr_models.deepspeech import DeepSpeech
from asr_models.recogniser import Recogniser
from corpora.batch import SpeechBatch, joined
from evaluation.masks.mask_settings import SearchSettings
from evaluation.masks.scopes import required_steps
from evaluation.masks.search import search_masks
from evaluation.masks.subjects import Subjects, hear

BAR_S, DURATION_S = 60.0, 5.0


def utterances(count: int) -> SpeechBatch:
    """Speech of 5 s each."""
    batches = fair.speech(2 * count * DURATION_S, 2)
    batch = joined(batches)
    rows = [sound[:n] for sound, n in zip(batch.waveform, batch.lengths.tolist(), strict=True)]
    samples = int(DURATION_S * 16000)
    wave = torch.cat(rows)[: count * samples].view(count, samples)
    chosen = batch.select([0] * count)
    chosen.waveform, chosen.clean = wave, wave
    chosen.lengths, chosen.ids = torch.full((count,), samples), [f"u{i}" for i in range(count)]
    return chosen


def heard(recogniser: Recogniser, batch: SpeechBatch) -> Subjects:
    """Subjects of a batch of which nothing is lost."""
    subjects, failures = hear(recogniser, batch)
    assert subjects is not None
    assert not failures
    return subjects


def random_recogniser() -> Recogniser:
    """A mini DeepSpeech that has learnt nothing."""
    torch.manual_seed(0)
    return DeepSpeech()


def measure(name: str, recogniser: Recogniser, count: int, settings: SearchSettings) -> None:
    """Prints both figures of one recogniser."""
    batch = utterances(count)
    recogniser.freeze()
    single = heard(recogniser, batch.select([0]))
    began, worked = time.perf_counter(), time.process_time()
    masks = search_masks(single, required_steps(single), settings)
    took, busy = time.perf_counter() - began, time.process_time() - worked
    kept = int(masks.kept.sum()) / int(single.entries)
    print(
        f"{name}: {DURATION_S:g} s of speech, {settings.steps} steps: {took:.1f} s (bar "
        f"{BAR_S:g}), of the processor {busy:.1f} s; {100 * kept:.1f} % of the entries kept"
    )
    few = dataclasses.replace(settings, steps=10, prunings=10)
    subjects = heard(recogniser, batch)
    alone = [heard(recogniser, batch.select([row])) for row in range(count)]
    sides = {
        "batch": lambda: search_masks(subjects, required_steps(subjects), few),
        "one by one": lambda: [search_masks(s, required_steps(s), few) for s in alone],
    }
    best = fair.fastest(sides, repeats=3)
    ratio = best["one by one"] / best["batch"]
    print(f"  {count} at once against one by one, the same steps: {ratio:.2f} times cheaper each")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="of trained recognisers")
    parser.add_argument("--steps", type=int, default=SearchSettings().steps)
    parser.add_argument("--count", type=int, default=8, help="utterances of the batch")
    args = parser.parse_args()
    print(fair.load())
    settings = SearchSettings(steps=args.steps)
    if not args.folders:
        measure("DeepSpeech of random weights", random_recogniser(), args.count, settings)
    for folder in args.folders:
        recogniser = load_recogniser(folder)
        measure(type(recogniser).__name__, recogniser, args.count, settings)


if __name__ == "__main__":
    main()
