"""Memory of audiation: linear in how many features are optimised at once, flat in the steps.

    python benchmarks/audiation_memory.py [FOLDER] [--device cpu|cuda]

FOLDER is that of a trained recogniser; without one a mini VGG-LSTM of random weights. Features of
its last layer are audiated, sounds of 1 s by `Spectrum` and `robust()`. Every size has a process of
its own, whose highest peak is read: of the process (CPU), or of what PyTorch has allocated on the
device (cuda). Bars: no peak of the batches lies further than 5 % of itself from a straight line
(the slope is what a feature costs), and the highest of the steps is at most 1.05 times the lowest.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

import fair
import numpy as np
import torch
from audiation import SAMPLES, features_of, random_recogniser

from asr_models.checkpoint import load_recogniser
from asr_models.memory import keep_freed
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.parameterisations import Spectrum
from evaluation.audiation.transforms import robust

BAR, FLAT_BAR = 0.05, 1.05


def peak_mb(args: argparse.Namespace, features: int, steps: int) -> float:
    """Of this process, or on the device, when so many features were optimised in so many steps."""
    keep_freed()  # as the command does
    recogniser = load_recogniser(args.folder) if args.folder else random_recogniser()
    recogniser.freeze().to(args.device)
    *_, last = recogniser.layers
    targets = features_of(recogniser, last, features)
    settings = LoopSettings(steps, batch_size=features)
    audiate(recogniser, targets, Spectrum(SAMPLES), robust(), settings)
    if args.device != "cpu":
        return torch.cuda.max_memory_allocated(args.device) / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def elsewhere(features: int, steps: int) -> float:
    """The same in a process of its own."""
    command = [sys.executable, str(Path(__file__)), *sys.argv[1:]]
    command += ["--only", str(features), str(steps)]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(lines.splitlines()[-1])


def listed(sizes: list[int], peaks: list[float]) -> str:
    """Every size and its peak."""
    return ", ".join(f"{size}: {peak:.0f}" for size, peak in zip(sizes, peaks, strict=True))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="of a trained recogniser")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--batches", type=int, nargs="+", default=[8, 16, 32, 64])
    parser.add_argument("--steps", type=int, nargs="+", default=[32, 128, 512])
    parser.add_argument("--few-steps", type=int, default=6, help="of each batch")
    parser.add_argument("--few-features", type=int, default=4, help="while steps are many")
    parser.add_argument("--only", type=int, nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        print(peak_mb(args, *args.only))
        return
    print(f"{args.device}, {fair.load()}")
    peaks = [elsewhere(size, args.few_steps) for size in args.batches]
    slope, start = np.polyfit(args.batches, peaks, 1)
    away = np.abs(start + slope * np.array(args.batches) - peaks)
    print(
        f"peak MB of batches of {listed(args.batches, peaks)}: {start:.0f} + {slope:.2f} for each "
        f"feature, at most {away.max():.1f} MB or {100 * (away / peaks).max():.1f} % away (bar "
        f"{100 * BAR:g} %)",
        flush=True,
    )
    peaks = [elsewhere(args.few_features, steps) for steps in args.steps]
    print(
        f"peak MB of {args.few_features} features after steps of {listed(args.steps, peaks)}: "
        f"ratio {max(peaks) / min(peaks):.3f} (bar {FLAT_BAR:g})"
    )


if __name__ == "__main__":
    main()
