"""Objectives on what a recogniser says: a class of its output, a word or transcript."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import ctc_loss

from acoustics.errors import UserError
from evaluation.audiation.heard import OUTPUT, Heard
from evaluation.audiation.objective import Context, Evaluation, Term


@dataclass(frozen=True)
class OutputClass(Term):
    """Mean log-probability of a character over all steps; of the blank, if it is empty."""

    character: str

    @property
    def reads(self) -> str:
        """The output."""
        return OUTPUT

    def check(self, context: Context) -> None:
        """Refuse what is no class.

        Raises:
            UserError: it is outside the alphabet, or not one class, or there are no classes.
        """
        context.recogniser.require_classes("an objective on its output")
        if len(context.recogniser.tokens_of(self.character)) > 1:
            raise UserError(f"'{self.character}' is not one class; Transcript('...') is for words")

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """Means over the steps of each row."""
        ours = [term.character for term in terms if isinstance(term, OutputClass)]
        tokens = [[*context.recogniser.tokens_of(character), 0] for character in ours]
        token = torch.tensor([first for first, *_ in tokens], device=context.device)

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            assert heard.log_probs is not None  # noqa: S101 - for the type checker
            return heard.log_probs.mean(1)[rows, token]

        return evaluate


@dataclass(frozen=True)
class Transcript(Term):
    """Log-probability of a word or transcript by CTC, per token (a character, mostly)."""

    text: str

    @property
    def reads(self) -> str:
        """The output."""
        return OUTPUT

    def check(self, context: Context) -> None:
        """Refuse what cannot be said.

        Raises:
            UserError: it is empty, outside the alphabet, or longer than the input has steps, or
                there are no classes.
        """
        context.recogniser.require_classes("an objective on its output")
        tokens = context.recogniser.tokens_of(self.text)
        if not tokens:
            raise UserError("the transcript to be said is empty; give a word")
        *_, last = context.recogniser.layers
        steps = context.states(last) * context.recogniser.tokens_per_state
        needed = len(tokens) + sum(a == b for a, b in pairwise(tokens))  # a blank between equals
        if steps < needed:
            raise UserError(
                f"'{self.text}' needs {needed} steps, but an input of {context.samples} samples "
                f"has {steps}; make it longer"
            )

    @classmethod
    def bind(
        cls, terms: Sequence[Term], rows: Int[Tensor, " term"], context: Context
    ) -> Evaluation:
        """The CTC loss of each row, upside down."""
        texts = [term.text for term in terms if isinstance(term, Transcript)]
        tokens = [context.recogniser.tokens_of(text) for text in texts]
        targets = torch.tensor([token for row in tokens for token in row])
        counts = torch.tensor([len(row) for row in tokens])

        def evaluate(heard: Heard) -> Float[Tensor, " term"]:
            assert heard.log_probs is not None  # noqa: S101 - for the type checker
            # On the CPU: the gradient on a GPU is not deterministic.
            said = heard.log_probs[rows].transpose(0, 1).cpu()
            steps = torch.full((len(texts),), len(said))
            loss = ctc_loss(said, targets, steps, counts, reduction="none")
            return (-loss / counts).to(heard.log_probs.device)

        return evaluate
