"""Audiation of a wav2vec 2.0 base of random weights: neurons and channels of all its layers.

    OMP_NUM_THREADS=2 python benchmarks/audiation_wav2vec2.py [--features 8] [--steps 24]

Of each of the 12 layers as many random features are driven, once a single neuron and once a channel
over all time. An activation counts as doubled where it ends above 0 and at twice its start or more,
measured without transforms. Bar: 95 % doubled, within 20 minutes on two idle cores. With
--transforms the steps have them: what random weights answer to does not survive a shift, so few are
doubled, however many the steps.
"""

import argparse
import random
import time

import fair
import numpy as np
import torch

from asr_models.torchaudio_bundle import TorchaudioBundle
from evaluation.audiation.feature_terms import channel
from evaluation.audiation.loop import LoopSettings, audiate
from evaluation.audiation.neuron_terms import neuron
from evaluation.audiation.parameterisations import Spectrum
from evaluation.audiation.targets import Target
from evaluation.audiation.transforms import robust

BAR_SHARE, BAR_MIN = 0.95, 20.0


def doubled(values: np.ndarray) -> bool:
    """Whether an activation, `(check,)`, is above 0 and twice the first one, or more."""
    return bool(values.max() > 0 and values.max() >= 2 * values[0])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", type=int, default=8, help="of each layer and goal")
    parser.add_argument("--layers", type=int, default=12, help="the first so many")
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--sound_s", type=float, default=0.5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--transforms", action="store_true", help="shift, noise and so on")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    print(fair.load())
    torch.manual_seed(0)
    recogniser = TorchaudioBundle("WAV2VEC2_BASE").freeze().to(args.device)
    names = [name for name in recogniser.layers if name.startswith("transformer")][: args.layers]
    draw = random.Random(0)
    middle = round(args.sound_s * 16000) // recogniser.layers[names[0]].timing.stride // 2
    goals = {"neuron": lambda name, i: neuron(name, i, middle), "channel": channel}
    found, began, worked = {}, time.perf_counter(), time.process_time()
    for goal in goals:
        targets = [
            Target(f"{goal} {name} {i}", goals[goal](name, i))
            for name in names
            for i in draw.sample(range(recogniser.layers[name].features), args.features)
        ]
        settings = LoopSettings(args.steps, 0.05, checks=5, snapshots=0, batch_size=args.batch)
        sound = Spectrum(round(args.sound_s * 16000))
        changed = robust() if args.transforms else None
        made = audiate(recogniser, targets, sound, changed, settings)
        found[goal] = [doubled(values[:, 0]) for values in made.values]
        for name, start in zip(names, range(0, len(targets), args.features), strict=True):
            mine = found[goal][start : start + args.features]
            print(f"  {goal} {name}: {sum(mine)} of {len(mine)} doubled", flush=True)
    took, busy = time.perf_counter() - began, time.process_time() - worked
    both = [each for mine in found.values() for each in mine]
    how = " with transforms" if args.transforms else ""
    print(
        f"wav2vec 2.0 base, random weights: {len(both)} sounds of {args.sound_s:g} s, "
        f"{args.steps} steps{how}: {100 * np.mean(both):.1f} % doubled (bar {100 * BAR_SHARE:g}), "
        f"{took / 60:.1f} min (bar {BAR_MIN:g}), of the processor {busy / 60:.1f} min"
    )


if __name__ == "__main__":
    main()
