"""Audiation of many features at once against one by one, and against the published code's scheme.

    OMP_NUM_THREADS=2 python benchmarks/audiation.py [FOLDER ...] [--device cpu|cuda]

FOLDER is that of a trained recogniser; without one a mini VGG-LSTM of random weights (its steps
take as long). A layer at the front, one in the middle and the last one are audiated: `Spectrum` of
1 s and `robust()`, the mean of one feature as objective, with its start, its steps and two checks.
64 features at once take turns with one alone, in steps as many: bar 2.5 times cheaper for each
feature on two cores, of all layers together. Seconds of the processor are surer where
others use the machine too.

The published scheme (`audiation_peers.py`) takes its turn beside them, and again with a real
transform, with its pass cut behind the layer, and with both, so that each part's share can be seen.
Its two small transforms cost less than the five of `robust()`, and it measures nothing.
"""

import argparse
from collections.abc import Callable
from functools import partial

import fair
import numpy as np
import torch
from audiation_peers import published

from asr_models.checkpoint import load_recogniser
from asr_models.memory import keep_freed
from asr_models.recogniser import Recogniser
from asr_models.vgg_lstm import VGGLSTM
from evaluation.audiation.feature_terms import channel
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.parameterisations import Spectrum
from evaluation.audiation.targets import Target
from evaluation.audiation.transforms import robust
from evaluation.sonification.study_figures import spread

SAMPLES, BAR = 16000, 2.5
PARTS: dict[str, dict[str, bool]] = {
    "published": {},
    "with a real transform": {"real": True},
    "with the pass cut": {"cut": True},
    "with both": {"cut": True, "real": True},
}


def random_recogniser() -> Recogniser:
    """The embedded run's VGG-LSTM (configs/asr/vgg_lstm_mini.yaml) that has learnt nothing."""
    torch.manual_seed(0)
    return VGGLSTM((16, 16, 32, 32), hidden=96)


def features_of(recogniser: Recogniser, layer: str, count: int) -> list[Target]:
    """So many targets of a layer; where it has fewer features, several samples of each."""
    width = recogniser.layers[layer].features
    return [
        Target(f"{layer}.{i % width}", channel(layer, i % width), i // width) for i in range(count)
    ]


def sides_of(
    recogniser: Recogniser, layer: str, args: argparse.Namespace
) -> dict[str, Callable[[], object]]:
    """What takes turns for a layer."""
    settings = LoopSettings(args.steps, checks=2, snapshots=0, batch_size=args.features, tries=1)
    targets, shape = features_of(recogniser, layer, args.features), Spectrum(SAMPLES)

    def ours(some: list[Target]) -> None:
        audiate(recogniser, some, shape, robust(), settings)

    sides: dict[str, Callable[[], object]] = {
        "at once": partial(ours, targets),
        "one by one": partial(ours, targets[:1]),
    }
    for name, parts in PARTS.items():
        sides[name] = partial(published, recogniser, layer, 0, SAMPLES, args.steps, **parts)
    return sides


def measure(recogniser: Recogniser, args: argparse.Namespace) -> None:
    """Prints what a feature costs in each layer, and the ratios."""
    recogniser.freeze().to(args.device)
    chosen = spread(list(recogniser.layers), 3)
    print(f"{type(recogniser).__name__}: ms of a feature's step on the clock (of the processor)")
    whole: dict[str, np.ndarray] = {}
    for layer in chosen:
        sides = sides_of(recogniser, layer, args)
        short = {name: work for name, work in sides.items() if name != "at once"}
        each = {name: np.full(2, np.inf) for name in sides}
        for _ in range(args.repeats):
            batch = fair.cheapest({"at once": sides["at once"]}, 1, args.device)
            for name, found in (batch | fair.cheapest(short, args.turns, args.device)).items():
                count = args.features if name == "at once" else 1
                each[name] = np.minimum(each[name], found * 1000 / count / args.steps)
        for name in each:
            whole[name] = whole.get(name, 0) + each[name]
        report(layer, each, args.features)
    report(f"all {len(chosen)}", whole, args.features, f" (bar {BAR:g})")


def report(what: str, each: dict[str, np.ndarray], count: int, bar: str = "") -> None:
    """Two lines on a layer."""

    def ratio(one: str, other: str) -> str:
        clock, processor = each[one] / each[other]
        return f"{clock:.2f} ({processor:.2f})"

    (batch, batch_cpu), (alone, alone_cpu) = each["at once"], each["one by one"]
    old, old_cpu = each["published"]
    print(
        f"  {what}: {count} at once {batch:.2f} ({batch_cpu:.2f}), one by one {alone:.2f} "
        f"({alone_cpu:.2f}): {ratio('one by one', 'at once')} times cheaper{bar}"
    )
    parts = ", ".join(f"{ratio('published', name)} {name}" for name in PARTS if name != "published")
    print(
        f"    published scheme {old:.2f} ({old_cpu:.2f}), {ratio('published', 'at once')} times a "
        f"feature of the batch; against itself with its parts changed: {parts}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="of trained recognisers")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--features", type=int, default=64, help="at once")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3, help="of the batch")
    parser.add_argument("--turns", type=int, default=4, help="of each single one beside it")
    args = parser.parse_args()
    keep_freed()  # as the command does
    print(f"{args.device}, {fair.load()}")
    if not args.folders:
        measure(random_recogniser(), args)
    for folder in args.folders:
        measure(load_recogniser(folder), args)


if __name__ == "__main__":
    main()
