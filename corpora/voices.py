"""Synthetic speakers: an espeak-ng voice variant, an accent, a speaking rate and a pitch.

A variant sets the vocal tract (formants), the breath and the roughness of a voice; women and men
are told apart by the ``gender`` line of the variant's own file. Variants that whisper, croak or
imitate machines are left out, and so are those that hardly differ from one that is in.
"""

from dataclasses import dataclass

from corpora.corpus import NoiseSplit

# The first eight of each, who speak in the default test split, are the most distinct by GE2E.
WOMEN = (
    *("f1", "anika", "belinda", "Andrea", "grandma", "Annie", "steph3", "aunty"),
    *("f5", "linda", "Alicia", "f3", "steph", "f4", "f2"),
)
MEN = (
    *("m1", "Marco", "Hugo", "Andy", "travis", "sandro", "m8", "antonio"),
    *("Lee", "miguel", "victor", "m5", "m7", "m4", "AnxiousAndy"),
)
NOISE_VARIANTS = ("shelby", "Gene", "Denis", "zac", "Reed", "Michael", "steph2", "Jacky")
"""Variants of the voices that babble; no corpus speaker has one."""

ACCENTS = ("gmw/en", "gmw/en-US", "gmw/en-GB-scotland", "gmw/en-GB-x-rp")

KEPT_APART = 32
"""So many speakers of the corpus, its test speakers among them, share no voice with others."""

_PITCHES = (48, 84, 12, 66)
_GOLDEN = 0.6180339887


@dataclass(frozen=True)
class Speaker:
    """A synthetic speaker; ``rate`` is in words per minute, ``pitch`` runs from 0 to 99."""

    name: str
    sex: str
    variant: str
    accent: str
    rate: int
    pitch: int

    @property
    def voice(self) -> str:
        """The name espeak-ng knows this variant and accent by."""
        return f"{self.accent}+{self.variant}"

    @property
    def attributes(self) -> dict[str, str | int]:
        """What else than sex may be asked about this voice."""
        accent = self.accent.removeprefix("gmw/")
        return {"variant": self.variant, "accent": accent, "rate": self.rate, "pitch": self.pitch}


def corpus_speakers(count: int) -> list[Speaker]:
    """The first ``count`` speakers, women and men in turn; a longer list begins like a shorter one.

    Every variant is heard once before one comes again with another accent, rate and pitch.

    Raises:
        ValueError: When there are not that many distinct combinations.
    """
    limit = 2 * len(ACCENTS) * min(len(WOMEN), len(MEN))
    if count > limit:
        raise ValueError(f"{count} speakers asked for, at most {limit} can be told apart")
    return [_speaker(i // 2, woman=i % 2 == 0) for i in range(count)]


def other_speakers(count: int) -> list[Speaker]:
    """Speakers to train verifiers on, women and men in turn; none is among the first of the corpus.

    Their variants are those of the corpus, in other accents than `KEPT_APART` speakers have them,
    each at four pitches, which a verifier tells apart as other people.

    Raises:
        ValueError: When there are not that many distinct combinations.
    """
    taken = {speaker.voice for speaker in corpus_speakers(KEPT_APART)}
    free: list[list[tuple[str, str]]] = [
        [(v, a) for a in ACCENTS for v in variants if f"{a}+{v}" not in taken]
        for variants in (WOMEN, MEN)
    ]
    limit = 2 * len(_PITCHES) * min(map(len, free))
    if count > limit:
        raise ValueError(f"{count} speakers asked for, at most {limit} can be told apart")
    return [_other(i // 2, free[i % 2], woman=i % 2 == 0) for i in range(count)]


def noise_speakers(split: NoiseSplit) -> list[Speaker]:
    """Twelve voices that babble: four variants in three accents, other ones in each split."""
    first = 0 if split == "train" else 1
    variants = NOISE_VARIANTS[first::2]
    return [
        Speaker(
            name=f"{split}-voice{i:02d}",
            sex="",
            variant=variants[i % len(variants)],
            accent=ACCENTS[(3 * i + first) % len(ACCENTS)],
            rate=150 + 4 * i,
            pitch=(30, 60, 45)[i // len(variants)],
        )
        for i in range(3 * len(variants))
    ]


def _speaker(index: int, woman: bool) -> Speaker:
    variants = WOMEN if woman else MEN
    turn, place = divmod(index, len(variants))
    # A variant's pitch moves in wide steps from turn to turn; its rate runs through a
    # low-discrepancy sequence, so that no two speakers of a turn agree in both.
    spread = (index * _GOLDEN) % 1.0
    pitch = (48, 78, 22, 63, 35, 90, 10, 55)[turn] + round(12 * spread) - 6
    return Speaker(
        name=f"{'w' if woman else 'm'}{index:02d}",
        sex="female" if woman else "male",
        variant=variants[place],
        accent=ACCENTS[(3 * place + 5 * turn + (0 if woman else 4)) % len(ACCENTS)],
        rate=106 + round(34 * ((index * _GOLDEN * 3 + 0.3 * turn) % 1.0)),
        pitch=pitch,
    )


def _other(index: int, free: list[tuple[str, str]], woman: bool) -> Speaker:
    turn, place = divmod(index, len(free))
    variant, accent = free[place]
    spread = (index * _GOLDEN) % 1.0
    return Speaker(
        name=f"{'v' if woman else 'u'}{index:03d}",
        sex="female" if woman else "male",
        variant=variant,
        accent=accent,
        rate=106 + round(34 * ((index * _GOLDEN * 3 + 0.3 * turn) % 1.0)),
        pitch=_PITCHES[turn] + round(12 * spread) - 6,
    )
