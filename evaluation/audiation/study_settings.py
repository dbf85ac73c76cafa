"""What a study audiates and how it is checked: the schema behind YAML and options."""

from dataclasses import dataclass, field
from typing import Literal

from acoustics.errors import UserError
from corpora.corpus import SAMPLE_RATE, Split
from evaluation.audiation.loop import LoopSettings
from evaluation.sonification.pooling import Score

Goal = Literal["channel", "neuron"]
Representation = Literal["spectrum", "samples", "mel", "mfcc"]

REGULARISERS = ("total_variation", "spectral_power", "l2")


@dataclass(frozen=True)
class AudiationSettings:
    """Audiation of features of one recogniser.

    Attributes:
        layers: names or globs.
        most_layers: so many of them, spread over depth (null: all).
        per_layer: live features drawn at random of each layer.
        features: of each layer, instead of random ones: `{cnn1: [3, 17], blstm5: [0]}`.
        goal: `channel`, the mean of a feature over a window as long as `segment_s` in the middle of
            the sound, or `neuron`, one state in the middle, all else being discouraged.
        representation: what is optimised: Fourier coefficients scaled by 1/f (`spectrum`), the
            `samples` themselves, log-`mel` or `mfcc` frames; frames are heard by Griffin-Lim.
        decay: power of 1/f of `spectrum`; 0 is flat.
        transforms: change inputs at random in every step, against brittle solutions.
        total_variation: weight of the regulariser, where 1 is as much as lies between the feature's
            mean over speech and its strongest segment; 0 is without.
        spectral_power: likewise.
        l2: likewise.
        diversity: likewise, where samples of one feature are to differ.
        sound_s: length of a sound; a second or more says how speech-like it is.
        segment_s: length of the window, and of the corpus segments that it is compared with.
        steps: of the optimisation.
        learning_rate: of Adam.
        batch_size: sounds optimised at once.
        held_out: changes, stronger than any of the optimisation, that every sound is heard under.
        controls: features of each layer that are audiated again with every regulariser put the
            other way: with it, where it was without.
        control_weight: of a regulariser that is with there.
        diverse: features of each layer that several samples are made of, to differ and not to.
        samples: of each of them.
        learned_inputs: the notebook's figures, learned inputs of sets of features by layer (null:
            where the recogniser hears MFCCs).
        lambdas: weights of total variation in them, in units of activation.
        set_size: features of a set.
        splits: of the corpus, which the strongest segments come from.
        utterances_per_speaker: of each speaker, the first by id (null: all there are).
        batch_duration_s: seconds of speech heard at once.

    Raises:
        UserError: a value is none of those that there are.
    """

    layers: list[str] = field(default_factory=lambda: ["*"])
    most_layers: int | None = 6
    per_layer: int = 8
    features: dict[str, list[int]] = field(default_factory=dict)
    goal: Goal = "channel"
    representation: Representation = "spectrum"
    decay: float = 1.0
    transforms: bool = True
    total_variation: float = 0.0
    spectral_power: float = 0.0
    l2: float = 0.0
    diversity: float = 0.5
    sound_s: float = 1.0
    segment_s: float = 0.5
    steps: int = 256
    learning_rate: float = 0.05
    batch_size: int = 64
    held_out: int = 4
    controls: int = 1
    control_weight: float = 0.1
    diverse: int = 1
    samples: int = 3
    learned_inputs: bool | None = None
    lambdas: list[float] = field(default_factory=lambda: [0.1, 3.0])
    set_size: int = 3
    splits: list[Split] = field(default_factory=lambda: ["train", "dev", "test"])
    utterances_per_speaker: int | None = 8
    batch_duration_s: float = 40.0

    def __post_init__(self) -> None:
        least = {"per_layer": 1, "most_layers": 1, "steps": 1, "batch_size": 1, "samples": 2}
        least |= {"held_out": 1, "controls": 0, "diverse": 0, "set_size": 1, "decay": 0}
        least |= dict.fromkeys((*REGULARISERS, "diversity", "control_weight"), 0)
        least |= {"utterances_per_speaker": 1}
        for name, lowest in least.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise UserError(f"{name} is {value}; it must be {lowest} or more")
        for name in ("learning_rate", "batch_duration_s"):
            if not getattr(self, name) > 0:
                raise UserError(f"{name} is {getattr(self, name)}; it must be above 0")
        if not 0.05 <= self.segment_s <= self.sound_s:
            raise UserError(
                f"segment_s is {self.segment_s}; it must be 0.05 or more, and sound_s "
                f"({self.sound_s}) at least as long"
            )
        if not self.splits:
            raise UserError("splits: name at least one of train, dev and test")
        if not self.lambdas or min(self.lambdas) < 0:
            raise UserError("lambdas: name one or more weights, none of them negative")

    @property
    def samples_of_sound(self) -> int:
        """Length of a sound."""
        return round(self.sound_s * SAMPLE_RATE)

    @property
    def window(self) -> tuple[int, int]:
        """First sample of the window, and the one behind its last."""
        size = round(self.segment_s * SAMPLE_RATE)
        first = (self.samples_of_sound - size) // 2
        return first, first + size

    @property
    def score(self) -> Score:
        """By which sounds and segments of the corpus are compared."""
        return "mean" if self.goal == "channel" else "max"

    def loop(self, seed: int, checks: int = 17) -> LoopSettings:
        """The loop's."""
        return LoopSettings(self.steps, self.learning_rate, checks, 5, self.batch_size, seed=seed)
