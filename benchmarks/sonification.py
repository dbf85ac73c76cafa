"""The search of dataset sonification against the bare forward pass, and against two other ways.

    python benchmarks/sonification.py [vgg_lstm|jasper ...] [--minutes 6]

Whole mini recognisers (random weights, batch norms calibrated) over the embedded test set. Forward
pass and `sonify` take turns batch by batch; the time of a batch is the median of the repeats, and
setting up and the result count for the search. Every batch is heard once untimed before, so that
the forward pass neither compiles kernels nor waits for memory. Bar: 1.5 for the article's units of
search (segments, words, phones); all eight are reported. Seconds of the processor are surer
where others use the machine too.

Then, in a process each, time and peak memory of the search and of keeping every score for a `topk`
at the end; and the article's pseudo-code, a pass for every feature, timed on a few features and
scaled to all.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import fair
import numpy as np
import torch
from sonification_peers import KeepEverything, spread_features, words_of_a_feature

from asr_models.checkpoint import calibrate
from asr_models.jasper import Jasper
from asr_models.recogniser import Recogniser
from asr_models.vgg_lstm import VGGLSTM
from corpora.batch import SpeechBatch
from corpora.datamodule import SpeechDataModule
from corpora.embedded import EmbeddedCorpus
from evaluation.sonification.search import Search, sonify
from evaluation.sonification.unit_names import ARTICLE_UNITS, NGRAMS
from evaluation.sonification.units import SpeechUnits, build_units

RECOGNISERS: dict[str, Callable[[], Recogniser]] = {
    "vgg_lstm": lambda: VGGLSTM((16, 16, 32, 32), hidden=96),  # configs/asr/vgg_lstm_mini.yaml
    "jasper": Jasper,
}
UNITS = {"article": ARTICLE_UNITS, "all": ("segments", "utterances", "words", *NGRAMS)}
SIDES = ("search", "collect")


def test_speech(minutes: float) -> tuple[list[SpeechBatch], dict[str, SpeechUnits]]:
    """Batches of the test set, evenly spread where they are too many, and what to search."""
    data = SpeechDataModule(EmbeddedCorpus())
    data.prepare_data()
    batches = list(data.condition_dataloader("clean"))
    chosen = round(minutes * 60 / data.batch_duration_s)
    if 0 < chosen < len(batches):
        places = np.linspace(0, len(batches) - 1, chosen).round().astype(int)
        batches = [batches[i] for i in dict.fromkeys(places.tolist())]
    heard = {name for batch in batches for name in batch.ids}
    cuts = [cut for cut in data.cuts("test") if cut.id in heard]
    return batches, {name: build_units(cuts, units) for name, units in UNITS.items()}


def untrained(name: str, batches: list[SpeechBatch]) -> Recogniser:
    """A recogniser of random weights that fits the speech."""
    torch.manual_seed(0)
    recogniser = RECOGNISERS[name]()
    calibrate(recogniser, [(batch.waveform, batch.lengths) for batch in batches[:3]])
    return recogniser.freeze()


class Interleaved:
    """The batches for a search, each after two bare passes of which the second counts.

    Attributes:
        passes: seconds of the pass of each batch.
        search: seconds of the search: for setting up, for each batch, and for the result.
    """

    def __init__(self, recogniser: Recogniser, batches: list[SpeechBatch]) -> None:
        self.recogniser, self.batches = recogniser, batches
        self.passes: list[np.ndarray] = []
        self.search: list[np.ndarray] = []
        self.began = fair.now()

    def __iter__(self) -> Iterator[SpeechBatch]:
        for batch in self.batches:
            self.lap()
            self.bare(batch)
            began = fair.now()
            self.bare(batch)
            self.passes.append(fair.now() - began)
            self.began = fair.now()
            yield batch
        self.lap()

    def lap(self) -> None:
        """The search has taken so long since it was last its turn."""
        self.search.append(fair.now() - self.began)
        self.began = fair.now()

    @torch.inference_mode()
    def bare(self, batch: SpeechBatch) -> None:
        """The pass alone."""
        self.recogniser(batch.waveform, batch.lengths)


def against_the_pass(
    recogniser: Recogniser, batches: list[SpeechBatch], units: dict[str, SpeechUnits], repeats: int
) -> dict[str, np.ndarray]:
    """What the bare pass of all batches takes, and the whole of each search beside it."""
    sides: dict[str, list[list[np.ndarray]]] = {name: [] for name in ("pass", *units)}
    for _ in range(repeats):
        for name, segments in units.items():
            turns = Interleaved(recogniser, batches)
            sonify(recogniser, turns, segments)
            turns.lap()
            sides["pass"].append(turns.passes)
            sides[name].append(turns.search)
    return {name: np.median(np.array(found), axis=0).sum(0) for name, found in sides.items()}


def alone(side: str, name: str, minutes: float) -> None:
    """One way in this process: seconds, peak MB above the speech, and MB kept for the scores."""
    batches, made = test_speech(minutes)
    recogniser, units = untrained(name, batches), made["article"]
    for batch in batches:  # kernels of all shapes
        with torch.inference_mode():
            recogniser(batch.waveform, batch.lengths)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    began = time.process_time()
    way = Search(recogniser, units) if side == "search" else KeepEverything(recogniser, units)
    for batch in batches:
        way.add(batch)
    if isinstance(way, Search):
        kept = sum(top.keys.nbytes for tops in way.gathering.tops.values() for top in tops) / 1e6
    else:
        kept = way.kept_mb
    way.result()
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(seconds, peak - before, kept)


def against_keeping(name: str, minutes: float) -> str:
    """Time and memory of both ways, each in a process of its own."""
    found = {}
    for side in SIDES:
        command = [sys.executable, __file__, name, "--minutes", str(minutes), "--only", side]
        lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found[side] = [float(word) for word in lines.splitlines()[-1].split()]
    (took, peak, kept), (other_took, other_peak, other_kept) = (found[side] for side in SIDES)
    return (
        f"  all scores kept, topk at the end: {other_took:.2f} s, {other_kept:.1f} MB, peak "
        f"+{other_peak:.0f} MB; search, with tables and activity: {took:.2f} s, {kept:.1f} MB "
        f"whatever the corpus, peak +{peak:.0f} MB: ratio of time {took / other_took:.2f}, of what "
        f"is kept {kept / other_kept:.3f}"
    )


def against_the_article(
    recogniser: Recogniser, batches: list[SpeechBatch], units: SpeechUnits, features: int
) -> tuple[str, float]:
    """A pass per feature: what was measured, and seconds scaled to all features."""
    each = []
    for layer, feature in spread_features(recogniser, features):
        began = fair.now()
        words_of_a_feature(recogniser, batches, units, layer, feature)
        each.append(fair.now() - began)
    count, mean = sum(layer.features for layer in recogniser.layers.values()), np.mean(each, axis=0)
    line = (
        f"  a pass per feature (the article's pseudo-code, words only): {mean[1]:.2f} s each, "
        f"measured on {len(each)} of {count} features; extrapolated {mean[1] * count:.0f} s"
    )
    return line, float(mean[1] * count)


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recognisers", nargs="*", default=list(RECOGNISERS), metavar="NAME",
                        help=" or ".join(RECOGNISERS))  # fmt: skip
    parser.add_argument("--minutes", type=float, default=6.0, help="of speech at most")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--features", type=int, default=4, help="of the pass per feature")
    parser.add_argument("--only", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        alone(args.only, args.recognisers[0], args.minutes)
        return
    print(fair.load())
    batches, units = test_speech(args.minutes)
    speech_s = sum(float(batch.lengths.sum()) for batch in batches) / 16000
    for name in args.recognisers:
        recogniser = untrained(name, batches)
        seconds = against_the_pass(recogniser, batches, units, args.repeats)
        bare = seconds.pop("pass")
        print(f"{name}, {speech_s:.0f} s of speech; seconds of the processor (of the clock)")
        print(f"  bare pass {bare[1]:.2f} ({bare[0]:.2f})")
        for which, found in seconds.items():
            ratio = found / bare
            print(
                f"  search of {len(UNITS[which])} units {found[1]:.2f} ({found[0]:.2f}): ratio "
                f"{ratio[1]:.2f} ({ratio[0]:.2f}){' (bar 1.5)' if which == 'article' else ''}"
            )
        print(against_keeping(name, args.minutes))
        line, scaled = against_the_article(recogniser, batches, units["article"], args.features)
        print(f"{line}: {scaled / seconds['article'][1]:.0f} times the search", flush=True)


if __name__ == "__main__":
    main()
