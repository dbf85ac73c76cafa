"""What only shapes an input: diversity, similarity to a sound, and regularisers."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from acoustics.errors import UserError
from evaluation.audiation.feature_terms import check_features
from evaluation.audiation.heard import FRAMES, FREE, MEL, Heard, Listener
from evaluation.audiation.objective import Context, Evaluation, Term


@dataclass(frozen=True)
class Diversity(Term):
    """How different a row is from the others of its group: 1 less the mean of `gram_cosine`.

    Olah, Mordvintsev, Schubert (2017), "Feature Visualization", Appendix: pairwise cosine
    similarity of Gram matrices, in which it does not matter when something happens.

    Attributes:
        layer: on whose states it is measured.
        group: rows of one name are to differ.
    """

    drives = False
    layer: str
    group: str

    @property
    def reads(self) -> str:
        """The layer."""
        return self.layer

    @property
    def kind(self) -> Hashable:
        """Each group by itself."""
        return Diversity, self.layer, self.group

    def check(self, context: Context) -> None:
        """Refuse a layer that is not there.

        Raises:
            UserError: names it.
        """
        check_features(context, self.layer, [0])

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Each row of the group against all others; alone it is as different as can be."""
        layer, others = terms[0].reads, max(1, len(terms) - 1)

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            alike = gram_cosine(heard.states[layer][rows])
            return 1 - (alike.sum(1) - alike.diagonal()) / others

        return evaluate


def gram_cosine(
    states: Float[Tensor, "sample state feature"],
) -> Float[Tensor, "sample sample"]:
    """Cosine between the Gram matrices (feature x feature, over time) of all pairs of samples.

    From products of states: the inner product of `X'X` and `Y'Y` is the squared norm of `XY'`.
    """
    products = torch.einsum("isf,jtf->ijst", states, states).square().sum((2, 3))
    norm = products.diagonal().clamp(min=1e-20).sqrt()
    return products / (norm[:, None] * norm)


@dataclass(frozen=True, eq=False)
class Similarity(Term):
    """How alike a layer's states are to those of another sound, at the same times.

    1 less the squared distance over the squared size of the sound's states (Mahendran and Vedaldi
    2015): 1 if they are equal.

    Attributes:
        layer: on whose states it is measured.
        sound: as long as the inputs.
    """

    layer: str
    sound: Float[np.ndarray, " sample"]

    @property
    def reads(self) -> str:
        """The layer."""
        return self.layer

    def check(self, context: Context) -> None:
        """Refuse a layer that is not there, or a sound of another length.

        Raises:
            UserError: names it.
        """
        check_features(context, self.layer, [0])
        if len(self.sound) != context.samples:
            raise UserError(
                f"the sound to be similar to has {len(self.sound)} samples and inputs have "
                f"{context.samples}; cut it, or make them as long"
            )

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """The sounds' states are heard once."""
        layer = terms[0].reads
        sounds = np.stack([term.sound for term in terms if isinstance(term, Similarity)])
        given = torch.from_numpy(sounds).to(next(context.recogniser.parameters()))
        with torch.no_grad():
            heard = Listener(context.recogniser, [layer], context.samples)(given, "waveform")
        wanted = heard.states[layer]
        size = wanted.square().sum((1, 2)).clamp(min=1e-12)

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            return 1 - (heard.states[layer][rows] - wanted).square().sum((1, 2)) / size

        return evaluate


@dataclass(frozen=True)
class TotalVariation(Term):
    """Mean change to the next frame and to the next band (the notebook's equation 2).

    Of the recogniser's normalised frames, so its weight means the same at every level.
    """

    drives = False

    @property
    def reads(self) -> str:
        """Normalised frames."""
        return FRAMES

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Both sums over the number of values."""

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            assert heard.frames is not None  # noqa: S101 - for the type checker
            frames = heard.frames[rows]
            along = frames.diff(dim=1).abs().sum((1, 2))
            across = frames.diff(dim=2).abs().sum((1, 2))
            return (along + across) / frames[0].numel()

        return evaluate


@dataclass(frozen=True)
class SpectralPower(Term):
    """Mean level of log-mel above silence, in nats.

    A logarithm charges a quiet noise in every band as much as a loud sound: taken away, it leaves
    the sound in silence.
    """

    drives = False

    @property
    def reads(self) -> str:
        """Log-mel."""
        return MEL

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Means over frames and bands."""
        silence = context.recogniser.log_mel.silence

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            assert heard.mel is not None  # noqa: S101 - for the type checker
            return heard.mel[rows].mean((1, 2)) - silence

        return evaluate


@dataclass(frozen=True)
class L2(Term):
    """Mean square of the free numbers.

    They begin as normal noise of a shape that is plausible: taken away, it is that prior.
    """

    drives = False

    @property
    def reads(self) -> str:
        """Nothing that the recogniser gives."""
        return FREE

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Means over all numbers of a row."""

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            assert heard.free is not None  # noqa: S101 - for the type checker
            return heard.free[rows].flatten(1).square().mean(1)

        return evaluate
