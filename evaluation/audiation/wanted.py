"""Which features are audiated, in which variants, how often."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from acoustics.errors import UserError
from corpora.seeding import derived_seed
from evaluation.audiation.study_settings import REGULARISERS, AudiationSettings
from evaluation.sonification.result import Sonification

AS_ASKED = "as asked"
DIFFERING, ALIKE = "samples that differ", "samples by chance"


@dataclass(frozen=True)
class Wanted:
    """One sound to be made.

    Attributes:
        variant: `AS_ASKED`, what is put the other way, or which kind of sample it is.
        layer: of the feature.
        feature: counted from 0.
        settings: of this variant.
        sample: counts several sounds of one feature and variant.
    """

    variant: str
    layer: str
    feature: int
    settings: AudiationSettings
    sample: int = 0

    @property
    def name(self) -> str:
        """Of the feature, as in file names: `cnn1-17`."""
        return f"{self.layer}-{self.feature}"


def wanted_features(
    found: Sonification, layers: Sequence[str], settings: AudiationSettings, seed: int
) -> dict[str, list[int]]:
    """Features of every layer: the given ones, else random ones among those alive in the corpus.

    Args:
        found: of the search.
        layers: of `asked.wanted_layers`.
        settings: of the study.
        seed: of the draw.

    Raises:
        UserError: no layer has a live feature.
    """
    if settings.features:
        return {layer: list(settings.features[layer]) for layer in layers}
    drawn = {layer: live(found, layer, settings.per_layer, seed, "audiation") for layer in layers}
    if not any(drawn.values()):
        raise UserError(
            f"every feature of {', '.join(layers)} is dead in this corpus; choose other layers, or "
            "name features"
        )
    return drawn


def live(found: Sonification, layer: str, count: int, seed: int, purpose: str) -> list[int]:
    """So many random features of a layer that are not dead, or all of them, sorted."""
    alive = (found.activity[layer].dead == "").nonzero()[0]
    rng = np.random.default_rng(derived_seed(purpose, seed, layer))
    return sorted(rng.permutation(alive)[:count].tolist())


def all_wanted(
    features: Mapping[str, Sequence[int]], settings: AudiationSettings
) -> Iterator[Wanted]:
    """Every sound: each feature as asked, some of them in every variant, some several times."""
    for layer, numbers in features.items():
        yield from (Wanted(AS_ASKED, layer, feature, settings) for feature in numbers)
    for layer, numbers in features.items():
        for variant, changed in turned(settings).items():
            for feature in numbers[: settings.controls]:
                yield Wanted(variant, layer, feature, changed)
        alike = replace(settings, diversity=0.0)
        for variant, chosen in ((ALIKE, alike), (DIFFERING, settings)):
            for feature in numbers[: settings.diverse]:
                for sample in range(settings.samples):
                    yield Wanted(variant, layer, feature, chosen, sample)


def turned(settings: AudiationSettings) -> dict[str, AudiationSettings]:
    """Settings with one regulariser each put the other way, by what that is called."""
    found = {}
    on = settings.transforms
    found["without transforms" if on else "with transforms"] = replace(settings, transforms=not on)
    if settings.representation == "spectrum":
        shaped = settings.decay > 0
        changed = replace(settings, decay=0.0 if shaped else 1.0)
        found["without 1/f" if shaped else "with 1/f"] = changed
    for name in REGULARISERS:
        weight, text = getattr(settings, name), "L2" if name == "l2" else name.replace("_", " ")
        new: Any = 0.0 if weight else settings.control_weight
        found[f"{'without' if weight else 'with'} {text}"] = replace(settings, **{name: new})
    return found
