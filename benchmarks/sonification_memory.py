"""Memory of dataset sonification: what is kept, and the peak after ten minutes and two hours.

    python benchmarks/sonification_memory.py [--model mini|paper] [--device cpu|cuda]

First what the full-size Jasper needs, whatever is run: the top-20 state of one unit of search
(bar: 10 MB) and the tables of words, which are linear in words times features and end at
`most_labels`. Then Jasper hears speech that is made up on the way, and the peak is read after each
of `--minutes`: of the search, and in a process of its own of the bare pass, which on a CPU grows by
itself, since oneDNN keeps a kernel for every new shape (1024 at most). Bar: the search's peak after
the last minute is at most 1.05 times that after the first, less what the bare pass grows.

Peaks are those of the process (CPU) or of what PyTorch has allocated on the device (cuda).
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fair
import torch
from made_up_speech import MadeUpSpeech

from asr_models.checkpoint import calibrate
from asr_models.jasper import PAPER, Jasper, jasper_layers
from asr_models.memory import give_back_freed
from corpora.batch import SpeechBatch
from corpora.corpus import SAMPLE_RATE
from evaluation.sonification.layer_groups import grouped
from evaluation.sonification.registry import Registry
from evaluation.sonification.search import sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.top_segments import TopSegments
from evaluation.sonification.units import SpeechUnits, build_units
from evaluation.sonification.word_table import WordTable, table_labels

SIDES = ("bare", "search")
HOP = 160  # samples of a mel frame
LABELS = (125, 250, 500, 1000, 4000)


def megabytes(metric: TopSegments | WordTable) -> float:
    """Of the state of a metric, without its buffers for the corpus."""
    return sum(getattr(metric, name).nbytes for name in metric._defaults) / 1e6


def state_sizes() -> Iterator[str]:
    """What is kept for full-size Jasper."""
    layers = jasper_layers(PAPER["widths"], PAPER["sub_blocks"], HOP)
    features = {name: layer.features for name, layer in layers.items()}
    count = sum(features.values())
    tops = [TopSegments(sum(group.values())) for group in grouped(features)]
    yield (
        f"full-size Jasper, {len(features)} layers, {count} features: top-20 state of a unit "
        f"{sum(map(megabytes, tops)):.2f} MB (bar 10)"
    )
    speech = MadeUpSpeech(minutes=60)
    tier: Registry = build_units(speech.cuts(), ["words"]).tiers["word"]
    width = features["block1.sub1"]
    for most in LABELS:
        labels = table_labels(tier, most)
        table = megabytes(WordTable(labels, width))
        rows = len(labels.names) + 1  # and one for those that are not kept
        yield (
            f"  most_labels {most}: {len(labels.names)} of {len(tier.names)} words kept, "
            f"{1e6 * table / rows / width:.2f} bytes a word and feature, all layers "
            f"{table * count / width:.0f} MB"
        )


def peak_mb(device: str) -> float:
    """Highest so far."""
    if device != "cpu":
        return torch.cuda.max_memory_allocated(device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def watched(
    batches: Iterator[SpeechBatch], minutes: list[float], device: str, peaks: dict[str, float]
) -> Iterator[SpeechBatch]:
    """The batches; the peak is noted when so many minutes went by."""
    heard = 0.0
    marks = sorted(minutes)
    for batch in batches:
        yield batch
        heard += float(batch.lengths.sum()) / SAMPLE_RATE / 60
        while marks and heard >= marks[0]:
            peaks[f"{marks.pop(0):g}"] = peak_mb(device)


def kept_mb(units: SpeechUnits) -> float:
    """The list of segments, which is all that grows with a corpus."""
    registries = {id(r): r for r in [*units.registries.values(), *units.tiers.values()]}
    return (
        sum(
            sum(array.nbytes for array in (r.owner, r.start, r.end, r.parts))
            for r in registries.values()
        )
        / 1e6
    )


def hear(side: str, args: argparse.Namespace) -> None:
    """Hear everything in this process; print what was found as JSON."""
    torch.manual_seed(0)
    recogniser = Jasper(**(PAPER if args.model == "paper" else {}))
    sample = next(MadeUpSpeech(minutes=0.5).batches(16.0))
    calibrate(recogniser, [(sample.waveform, sample.lengths)])
    recogniser.freeze().to(args.device)
    speech = MadeUpSpeech(max(args.minutes))
    peaks: dict[str, float] = {}
    batches = watched(speech.batches(args.batch_s), args.minutes, args.device, peaks)
    began, segments = time.perf_counter(), 0.0
    if side == "search":
        units = build_units(speech.cuts())
        segments = kept_mb(units)
        settings = SearchSettings(most_labels=args.most_labels)
        sonify(recogniser, batches, units, settings, args.device)
    else:
        for batch in batches:
            with torch.inference_mode():
                recogniser(batch.waveform.to(args.device), batch.lengths.to(args.device))
            give_back_freed()
    took, whole = time.perf_counter() - began, peak_mb(args.device)
    print(json.dumps({"peaks": peaks, "segments": segments, "took": took, "end": whole}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=("mini", "paper"), default="mini")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--minutes", type=float, nargs=2, default=[10.0, 120.0])
    parser.add_argument("--batch-s", type=float, default=40.0, help="seconds of speech in a batch")
    parser.add_argument("--most-labels", type=int, default=500)
    parser.add_argument("--only", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        hear(args.only, args)
        return
    print(f"{args.device}, {fair.load()}")
    for line in state_sizes():
        print(line, flush=True)
    found = {}
    for side in SIDES:
        command = [sys.executable, str(Path(__file__)), *sys.argv[1:], "--only", side]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[side] = json.loads(lines.splitlines()[-1])
        (few, low), (many, high) = found[side]["peaks"].items()
        print(
            f"Jasper {args.model}, {side}: peak {low:.0f} MB after {few} min, {high:.0f} MB after "
            f"{many} min ({found[side]['took']:.0f} s); with the result {found[side]['end']:.0f} MB"
        )
    (low, high), (bare_low, bare_high) = (
        tuple(found[side]["peaks"].values()) for side in ("search", "bare")
    )
    grown = max(bare_high - bare_low, 0.0)
    print(
        f"the segments' list takes {found['search']['segments']:.1f} MB; peak of the search after "
        f"the last minute by that after the first: ratio {high / low:.3f}, less what the bare pass "
        f"grows {(high - grown) / low:.3f} (bar 1.05)"
    )


if __name__ == "__main__":
    main()
