"""Characters to tokens and back."""

from collections.abc import Sequence

from jaxtyping import Float, Int
from torch import Tensor, tensor

from acoustics.errors import UserError


def encode(text: str, alphabet: str) -> list[int]:
    """Tokens of a normalised text; token 0 is the blank and never appears.

    Raises:
        UserError: a character is outside the alphabet.
    """
    unknown = sorted(set(text) - set(alphabet))
    if unknown:
        raise UserError(
            f"characters {''.join(unknown)!r} in {text!r} are outside the alphabet {alphabet!r}; "
            "normalise the transcript or extend the alphabet"
        )
    return [alphabet.index(character) + 1 for character in text]


def pieced(text: str, pieces: Sequence[str]) -> list[int]:
    """The fewest classes that spell a text, where class `i + 1` spells `pieces[i]`.

    Raises:
        UserError: no classes do.
    """
    numbers = {piece: i for i, piece in reversed([*enumerate(pieces, 1)]) if piece}
    longest = max(map(len, numbers), default=0)
    best: list[list[int] | None] = [[]]
    for end in range(1, len(text) + 1):
        ways = [
            [*before, numbers[text[start:end]]]
            for start in range(max(0, end - longest), end)
            if (before := best[start]) is not None and text[start:end] in numbers
        ]
        best.append(min(ways, key=len, default=None))
    found = best[-1]
    if found is None:
        known = ", ".join(repr(piece) for piece in sorted(numbers)[:30])
        raise UserError(f"no classes of this recogniser spell {text!r}; they spell {known}")
    return found


def can_spell(text: str, alphabet: str) -> bool:
    """Whether there is a text and `encode` takes it."""
    return bool(text) and set(text) <= set(alphabet)


def encode_batch(
    texts: list[str], alphabet: str
) -> tuple[Int[Tensor, " token"], Int[Tensor, " batch"]]:
    """All tokens in one row, as CTC wants them, and how many belong to each text."""
    rows = [encode(text, alphabet) for text in texts]
    return tensor([token for row in rows for token in row]), tensor([len(row) for row in rows])


def best_path(
    log_probs: Float[Tensor, "batch state token"], lengths: Int[Tensor, " batch"]
) -> list[list[int]]:
    """The likeliest token of each state, repeats merged, blanks dropped."""
    rows = []
    for best, length in zip(log_probs.argmax(-1).tolist(), lengths.tolist(), strict=True):
        row = best[:length]
        rows.append([t for t, before in zip(row, [0, *row], strict=False) if t not in (0, before)])
    return rows


def greedy_decode(
    log_probs: Float[Tensor, "batch state token"], lengths: Int[Tensor, " batch"], alphabet: str
) -> list[str]:
    """What the best path spells."""
    rows = best_path(log_probs, lengths)
    return ["".join(alphabet[token - 1] for token in row) for row in rows]
