"""The page features."""

from __future__ import annotations

from typing import Any

from evaluation.atlas.catalogue import Atlas


def context(atlas: Atlas) -> dict[str, Any]:
    """What the template of the page reads."""
    return {}
