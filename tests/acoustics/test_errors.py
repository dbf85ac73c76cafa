"""Errors: what the user can mend is found in what a library made of it."""

import pytest

from acoustics.errors import UserError, mistake_in


def test_a_mistake_is_found_where_a_parser_hands_it_on() -> None:
    with pytest.raises(KeyError) as caught:
        try:
            try:
                raise UserError("layers: none")
            except UserError as error:
                raise ValueError("does not validate") from error
        except ValueError as error:
            raise KeyError("recogniser") from error
    assert mistake_in(caught.value) == "layers: none"
    assert mistake_in(UserError("itself")) == "itself"


def test_a_bug_while_a_mistake_is_handled_is_a_bug() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        try:
            raise UserError("layers: none")
        except UserError:
            1 / 0  # noqa: B018
    assert mistake_in(caught.value) is None
