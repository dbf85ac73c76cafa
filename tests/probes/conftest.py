"""Tiny probe banks."""

from collections.abc import Callable

import pytest

from probes.bank import ProbeBank


@pytest.fixture
def make_bank(tiny_recogniser) -> Callable[..., ProbeBank]:
    """Makes banks that all study the same recogniser."""

    def make(**settings: object) -> ProbeBank:
        settings = {"recogniser": tiny_recogniser(), "hidden": 16, "highway_layers": 2} | settings
        return ProbeBank(**settings)

    return make
