"""The questions of the listening test: two speakers, then a third utterance of one of them.

Source: Li, Yuan, Lee 2020, What does a network layer hear?, section 3.2, subjective evaluation.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from evaluation.listening_test.drawing import ANY, DIFFERENT, SAME, Drawn, TripletDraw
from evaluation.records import UtteranceRow

PAIRS = ("balanced", "same-sex", "different-sex", "any")
SIDES = ("a", "b")


@dataclass(frozen=True, slots=True)
class Triplet:
    """One question (a row of triplets.csv): `answer` says whose speaker `x` has, `a` or `b`.

    The names of the question and of its sounds tell nothing about layer, speaker or answer.
    """

    triplet: str
    layer: str
    depth: int | None
    a: str
    b: str
    x: str
    speaker_a: str
    speaker_b: str
    sex_a: str
    sex_b: str
    answer: str
    sound_a: str
    sound_b: str
    sound_x: str

    def __post_init__(self) -> None:
        if self.answer not in SIDES:
            raise ValueError(f"the answer is a or b, not {self.answer!r}")

    @property
    def sounds(self) -> tuple[str, str, str]:
        """Names of the sounds in the order in which they are heard first."""
        return self.sound_a, self.sound_b, self.sound_x

    @property
    def utterances(self) -> tuple[str, str, str]:
        """What the sounds render."""
        return self.a, self.b, self.x


def make_triplets(
    layers: Mapping[str, Sequence[UtteranceRow]],
    depths: Mapping[str, int | None],
    per_layer: int = 10,
    seed: int = 0,
    pairs: str = "balanced",
    salt: str = "",
) -> list[Triplet]:
    """Draws the same number of questions for every layer.

    Within a layer the answer is `a` as often as `b` (an odd one out alternates between layers),
    speakers and then utterances are used as evenly as possible, no question comes twice, and the
    third utterance says another sentence than its match wherever there is one.

    Args:
        layers: for each layer the utterances that can be heard of it.
        depths: of the layers; None for what has none.
        per_layer: questions of each layer.
        seed: of the draw; the same seed and utterances give the same questions.
        pairs: whether the two speakers are of one sex: `same-sex`, `different-sex`, half of the
            questions each (`balanced`, as far as the speakers allow), or `any`.
        salt: what listeners cannot know. With it, who has the code and the seed can tell neither
            the names of questions and sounds nor the sides of the right answers.

    Raises:
        UserError: a layer has too few speakers or utterances for that.
    """
    key = key_of(seed, salt)
    first = int(keyed(key, "first side").integers(len(SIDES)))
    uses: Counter[str] = Counter()  # of speakers, over all layers
    drawn: list[tuple[str, str, Drawn]] = []
    for place, (layer, rows) in enumerate(layers.items()):
        generator = np.random.default_rng([seed, *layer.encode()])
        draw = TripletDraw(layer, rows, generator, uses)
        draw.check(per_layer, {"same-sex": SAME, "different-sex": DIFFERENT}.get(pairs, ANY))
        slots = list(islice(_slots(pairs, place, first), per_layer))
        for side, kind in _mixed(slots, keyed(key, f"sides of {layer}")):
            drawn.append((layer, side, draw(kind, strict=pairs != "balanced")))
    return _named(drawn, depths, key)


def _slots(pairs: str, place: int, first: int) -> Iterator[tuple[str, str]]:
    """Answer and kind of pair of one question after the other; all four mixtures come equally."""
    kinds = {"balanced": (SAME, DIFFERENT), "same-sex": (SAME, SAME)}
    kinds |= {"different-sex": (DIFFERENT, DIFFERENT), "any": (ANY, ANY)}
    number = 0
    while True:
        kind = kinds[pairs][(number + number // 2 + place // 2) % 2]
        yield SIDES[(number + place + first) % 2], kind
        number += 1


def _mixed(
    slots: Sequence[tuple[str, str]], generator: np.random.Generator
) -> list[tuple[str, str]]:
    """Sides shuffled among questions of one kind of pair: of every mixture as many as before."""
    sides = [side for side, _ in slots]
    for kind in dict.fromkeys(kind for _, kind in slots):
        places = [place for place, slot in enumerate(slots) if slot[1] == kind]
        shuffled = [sides[place] for place in generator.permutation(places)]
        for place, side in zip(places, shuffled, strict=True):
            sides[place] = side
    return [(side, kind) for side, (_, kind) in zip(sides, slots, strict=True)]


def _named(
    drawn: Sequence[tuple[str, str, Drawn]], depths: Mapping[str, int | None], key: str
) -> list[Triplet]:
    shuffled = keyed(key, "names")
    numbers = shuffled.permutation(len(drawn))
    sounds = shuffled.permutation(3 * len(drawn)).reshape(-1, 3)
    triplets = []
    for number, names, (layer, side, (match, other, x)) in zip(numbers, sounds, drawn, strict=True):
        a, b = (match, other) if side == "a" else (other, match)
        triplets.append(
            Triplet(
                opaque(key, "question", int(number)), layer, depths[layer],
                a.utterance, b.utterance, x.utterance, a.speaker, b.speaker, a.sex, b.sex, side,
                *(opaque(key, "sound", int(name)) for name in names),
            )
        )  # fmt: skip
    return triplets


def key_of(seed: int, salt: str) -> str:
    """What all that must stay hidden from a listener is drawn by."""
    return f"{seed} {salt}"


def keyed(key: str, what: str) -> np.random.Generator:
    """A generator that only who knows the key can repeat."""
    return np.random.default_rng(list(hashlib.sha256(f"{key} {what}".encode()).digest()))


def opaque(key: str, kind: str, number: int) -> str:
    """A name that gives nothing away: 12 hexadecimal digits."""
    return hashlib.sha256(f"otoscope {kind} {key} {number}".encode()).hexdigest()[:12]
