"""`Adapter`: a network that was not built here, as a recogniser under study."""

from abc import abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from acoustics.errors import UserError
from acoustics.foreign_frames import Alignment
from acoustics.mel import LogMel
from asr_models.attachment import Attachment, prove
from asr_models.decoding import best_path, pieced
from asr_models.foreign_sound import normalised
from asr_models.foreign_states import TapPoint, fitted
from asr_models.hooks import Port, Receiver, hooked
from asr_models.layer import Layer
from asr_models.recogniser import Recogniser


class Adapter(Recogniser):
    """A foreign network with the contract of ours: layers with names, states that fit mel frames.

    The sound of every utterance is normalised by itself where the network wants that, and continued
    with zeros so that the states fit (`acoustics.foreign_frames`). States pass through `ports`, one
    for each layer, while the network runs. It stays in eval mode always and is not trained here.

    When it is put under study it proves itself (`asr_models.attachment`). If an utterance alone and
    in a padded batch does not give the same states, utterances of different length go through one
    by one, and only those of equal length together.

    A subclass calls `attach` at the end of its constructor and writes `listen`.

    Attributes:
        model: the foreign network.
        together: whether utterances of different length may share a pass.
        attachment: what was measured when it was put under study.
    """

    model: nn.Module
    trainable = False

    def attach(
        self,
        model: nn.Module,
        points: Sequence[TapPoint],
        tokens: Sequence[str] = (),
        normalise: bool = False,
        apart: str = "",
    ) -> None:
        """Take in the network and where to tap it.

        Args:
            model: the network; it is put into eval mode.
            points: the layers, in order of depth.
            tokens: what each class but the blank spells (none: there are no classes).
            normalise: bring each waveform to mean 0 and variance 1.
            apart: why utterances of different length cannot share a pass, if that is known.
        """
        self.model, self.normalise = model, normalise
        self.together, self._apart = not apart, apart
        self.points = {point.name: point for point in points}
        self.tokens = tuple(tokens)
        if self.has_classes:
            self.alphabet = "".join(sorted(set("".join(tokens))))
        self.log_mel = LogMel()
        naturals = {point.name: point.natural for point in points}
        self.alignment = Alignment(naturals, self.log_mel.hop_length)
        self.layers = {
            p.name: Layer(
                p.name,
                f"ports.{depth - 1}",
                depth,
                self.alignment.timings[p.name],
                p.width,
                p.features,
            )
            for depth, p in enumerate(points, start=1)
        }
        self.ports = nn.ModuleList(Port() for _ in points)
        self.attachment: Attachment | None = None
        self.eval()

    @abstractmethod
    def listen(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch state token"] | None:
        """One pass through the network; log-probabilities with the blank first, or None.

        Args:
            waveform: normalised and continued with zeros.
            lengths: samples of each utterance, its own zeros included.
        """

    def forward(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch state token"], Int[Tensor, " batch"]]:
        """Log-probabilities `(batch, state, token)`, without tokens where there are no classes."""
        if self.together or bool((lengths == lengths[0]).all()):
            log_probs = self._together(waveform, lengths)
        else:
            log_probs = self._one_by_one(waveform, lengths)
        return log_probs, self.state_lengths(self._last, lengths)

    @property
    def has_classes(self) -> bool:
        """Whether its output spells something."""
        return bool(self.tokens)

    def spelt(
        self, log_probs: Float[Tensor, "batch step token"], steps: Int[Tensor, " batch"]
    ) -> list[str]:
        """What the likeliest tokens of an output spell.

        Raises:
            UserError: there are no classes.
        """
        self.require_classes("a transcript")
        rows = best_path(log_probs, steps)
        return [" ".join("".join(self.tokens[t - 1] for t in row).split()) for row in rows]

    def tokens_of(self, text: str) -> list[int]:
        """Tokens of the output that spell a text: classes stand in the network's own order.

        Raises:
            UserError: there are no classes, or none that spell it.
        """
        self.require_classes("a transcript")
        return pieced(text, self.tokens)

    def module_of(self, layer: str) -> nn.Module:
        """The foreign module whose output the port of `layer` hands on."""
        return self.model.get_submodule(self.points[layer].module)

    @property
    def _last(self) -> str:
        return next(reversed(self.layers))

    def _heard(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        sound, samples = self.prepared(waveform, lengths)
        log_probs = self.listen(sound, samples)
        counts = self.state_lengths(self._last, lengths)
        if log_probs is None:
            return sound.new_zeros(len(lengths), int(counts.max()), 0)
        return fitted(log_probs, self.alignment.surplus[self._last], counts, "output")

    def prepared(
        self, waveform: Float[Tensor, "batch sample"], lengths: Int[Tensor, " batch"]
    ) -> tuple[Float[Tensor, "batch padded"], Int[Tensor, " batch"]]:
        """What the network is given: normalised, with zeros before and behind, and its lengths."""
        waveform = waveform[:, : int(lengths.max())]
        if self.normalise:
            waveform = normalised(waveform, lengths)
        samples, left = self.alignment.padded(lengths), self.alignment.left
        behind = int(samples.max()) - left - waveform.shape[1]
        return nn.functional.pad(waveform, (left, behind)), samples

    def _together(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """One pass; states go to their ports at once, so whoever stops there saves the rest."""
        served: set[str] = set()

        def pass_on(name: str, output: Any) -> None:
            served.add(name)
            self._port(name)(self._fitted(name, output, lengths))

        receivers = self._receivers(pass_on)
        with hooked(self.model, receivers):
            log_probs = self._heard(waveform, lengths)
        unserved = (p.module for p in self.points.values() if p.name not in served)
        missed = [path for path in unserved if path in receivers]
        if missed:
            raise UserError(
                f"{', '.join(missed)}: not used when the network runs; take it out of the layers"
            )
        return log_probs

    def _receivers(self, receive: Callable[[str, Any], None]) -> dict[str, Receiver]:
        """Only of layers that somebody taps: the others cost nothing."""
        tapped = [point for point in self.points.values() if self._port(point.name).tapped]
        return {point.module: partial(receive, point.name) for point in tapped}

    def _one_by_one(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        rows: list[Tensor] = []
        kept: dict[str, list[Tensor]] = defaultdict(list)
        for i in range(len(lengths)):
            one = lengths[i : i + 1]

            def keep(name: str, output: Any, one: Tensor = one) -> None:
                kept[name].append(self._fitted(name, output, one)[0])

            with hooked(self.model, self._receivers(keep)):
                rows.append(self._heard(waveform[i : i + 1], one)[0])
        for name, states in kept.items():
            self._port(name)(_padded(states))
        return _padded(rows)

    def _port(self, name: str) -> Port:
        port = self.ports[self.layers[name].depth - 1]
        assert isinstance(port, Port)  # noqa: S101 - for the type checker
        return port

    def _fitted(self, name: str, output: Any, lengths: Tensor) -> Tensor:
        states, surplus = self.points[name].states(output), self.alignment.surplus[name]
        return fitted(states, surplus, self.state_lengths(name, lengths), name)

    def freeze(self) -> "Adapter":
        """Put under study: what it promises is measured, once.

        Raises:
            UserError: it does not hold; says what to set.
        """
        super().freeze()
        if self.attachment is None:
            self.attachment = prove(self, self._apart, self._part)
        return self

    def adopt(self, attachment: Attachment) -> None:
        """Take over what was measured of the same weights before."""
        self.attachment, self.together = attachment, attachment.together

    def _part(self) -> None:
        self.together = False

    def train(self, mode: bool = True) -> "Adapter":
        """Stays in eval mode, frozen or not: these networks drop layers at random in training."""
        super().train(False)
        return self


def _padded(rows: list[Tensor]) -> Tensor:
    """Rows of states of different number as one batch; time is their last axis but one."""
    moved = pad_sequence([row.movedim(-2, 0) for row in rows], batch_first=True)
    return moved.movedim(1, -2)
