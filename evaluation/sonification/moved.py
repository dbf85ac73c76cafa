"""The same segments at other places of their utterances: what their lengths alone do to a search.

The mean activation over a short segment reaches further than that over a long one, and by how much
depends on how long a layer remembers. So features of mere noise prefer some lengths, and lengths
are numbers of phones. A segment that is moved keeps its length, its utterance and its number of
phones, and is where nothing of this was said.

Words are few, and moved ones hardly fit what a feature answers to. But n-grams begin at every
phone, and moved ones are everywhere too: there, only what has more (or fewer) phones than usually
go into the time for which a feature is active is beyond them.
"""

from dataclasses import replace

import numpy as np

from evaluation.sonification.unit_names import compared_ngrams
from evaluation.sonification.units import SpeechUnits

WITHIN = (0.25, 0.75)
"""How far segments are moved, in parts of their utterance: never to where they were, on a ring."""


def moved_units(units: SpeechUnits, seed: int) -> SpeechUnits:
    """The units, with the words and the n-grams of phones among them also at other places.

    All segments of an utterance are moved by the same lag, so that they overlap as before; what
    would reach beyond its end begins again at its beginning.

    Args:
        units: of `build_units`.
        seed: of the lags.
    """
    samples = units.utterances.samples
    shares = np.random.default_rng(seed).uniform(*WITHIN, len(samples))
    lag = (shares * samples).astype(np.int64)
    moved = {}
    for unit in ("words", *compared_ngrams(units.registries)):
        if unit not in units.registries:
            continue
        registry = units.registries[unit]
        length = registry.end - registry.start
        places = samples[registry.owner] - length + 1
        start = (registry.start + lag[registry.owner]) % places
        moved[unit] = replace(registry, start=start, end=start + length)
    return replace(units, moved=moved)
