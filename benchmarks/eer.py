"""Equal error rate of a million trials by one sort, against speechbrain's loop over thresholds.

    python benchmarks/eer.py

Bar: 100 times. speechbrain tries 2 n - 1 thresholds on n different scores, and each costs more with
more trials: hours for a million. So theirs is timed on all trials, but with scores rounded to a few
hundred values, which leaves it as few thresholds, and extrapolated linearly in their number; the
result is labelled so. Both must agree on the rounded scores. Our peak memory per trial is printed
for a tenth of the trials and for all of them: it must not grow.
"""

import argparse
import time
import tracemalloc

import numpy as np
import torch
from fair import fastest, load
from speechbrain.utils.metric_stats import EER

from evaluation.verification import eer


def trials(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine-like scores, shape (trial,), half of them of one speaker, and which."""
    generator = np.random.default_rng(0)
    targets = np.arange(count) % 2 == 0
    return np.tanh(generator.normal(size=count) + 2.0 * targets) / 2, targets


def peak_bytes(count: int) -> float:
    """Peak memory of ours for `count` trials, per trial, without the trials themselves."""
    given = trials(count)
    tracemalloc.start()
    eer(*given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / count


def main() -> None:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1_000_000)
    parser.add_argument("--values", type=int, default=500, help="different scores left for theirs")
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    scores, targets = trials(args.trials)
    rounded = np.round(scores * args.values) / args.values
    sides = [torch.from_numpy(rounded[kind]) for kind in (targets, ~targets)]

    ours_s = fastest({"ours": lambda: eer(scores, targets)}, args.repeats)["ours"]
    start = time.perf_counter()
    theirs, _ = EER(*sides)
    part_s = time.perf_counter() - start
    tried, needed = (2 * len(np.unique(s)) - 1 for s in (rounded, scores))
    theirs_s = part_s * needed / tried

    # theirs takes the nearest threshold, ours interpolates between two of them
    assert abs(theirs - eer(rounded, targets)) < 0.01, (theirs, eer(rounded, targets))
    print(f"{args.trials} trials, {load()}")
    print(f"ours: {ours_s:.3f} s, EER {100 * eer(scores, targets):.3f} %")
    print(
        f"theirs: {part_s:.1f} s for {tried} of {needed} thresholds, EER {100 * theirs:.3f} %; "
        f"{theirs_s:.0f} s for all of them (extrapolated)"
    )
    few, many = args.trials // 10, args.trials
    print(
        f"peak memory of ours: {peak_bytes(few):.0f} bytes a trial for {few} trials, "
        f"{peak_bytes(many):.0f} for {many}"
    )
    print(f"ratio {theirs_s / ours_s:.0f} (extrapolated; bar 100)")


if __name__ == "__main__":
    main()
