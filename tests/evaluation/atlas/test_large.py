"""An atlas of a network of 30,000 features opens at once and holds little of it."""

from collections.abc import Callable
from typing import Any

import pytest
from atlas import MEMORY_MB, PICTURE_S, PICTURES, browser_mb, new_page, opening, walk
from playwright.sync_api import Browser

from evaluation.atlas.build import build_atlas

JASPER = {"features": 30_000, "blocks": 10, "sub_blocks": 5, "minutes": 6.0, "sampled_layers": 6}


@pytest.mark.slow
def test_30_000_features_open_within_2_s_and_300_mb(
    make_run: Callable[..., Any], browser: Browser
) -> None:
    """Of memory what the page adds to the browser, or what renders pages where that is more."""
    made = make_run(**JASPER)
    assert sum(layer.features for layer in made.layers.values()) == 30_000
    report = build_atlas(made.path, cuts=made.cuts).path.parent
    empty, _ = browser_mb()
    for name, selector in PICTURES.items():
        page = new_page(browser)
        first, picture = opening(page, report / name, selector)
        assert first <= picture <= PICTURE_S
        page.context.close()
    page = new_page(browser)
    page.goto((report / "features.html").as_uri())
    walk(page, made)
    whole, rendering = browser_mb()
    assert max(whole - empty, rendering) <= MEMORY_MB
    page.context.close()
