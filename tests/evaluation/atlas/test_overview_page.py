"""The first page in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.atlas.build import PAGES, build_atlas


@pytest.fixture(scope="module")
def atlas(whole_run: Path) -> Path:
    return build_atlas(whole_run).path.parent


def curves(page: Any) -> Any:
    """The page, scrolled to its first curves, which are drawn when they come into view."""
    page.locator("#curves .plot").first.scroll_into_view_if_needed()
    page.wait_for_selector("#curves .plot .main-svg")
    return page


def lines(page: Any) -> int:
    """Curves that are drawn in the first panel that is shown."""
    return int(page.locator("#curves figure:not([hidden]) .plot").first.locator(".lines").count())


def test_switching_a_model_or_a_condition_changes_the_curves(
    atlas: Path, open_page: Callable[..., Any]
) -> None:
    page = curves(open_page(atlas / "index.html"))
    before, panels = lines(page), page.locator("#curves figure:visible").count()
    page.get_by_role("checkbox", name="robust").uncheck()
    page.wait_for_function(f"""() => document.querySelectorAll(
        '#curves figure:not([hidden]) .plot')[0].querySelectorAll('.lines').length < {before}""")
    assert not page.locator(".matrix tr[data-model=robust]").first.is_visible()
    page.get_by_role("checkbox", name="snr0").uncheck()
    assert page.locator("#curves figure:visible").count() == panels // 2
    page.get_by_role("radio", name="model", exact=True).check()
    assert page.locator("#curves figure:visible figcaption").first.inner_text() == "baseline"
    page.get_by_role("checkbox", name="clean").uncheck()
    assert page.get_by_text("Nothing is switched on").is_visible()
    assert page.locator("#curves .metric:visible").count() == 0


def test_hover_shows_value_interval_and_counts(atlas: Path, open_page: Callable[..., Any]) -> None:
    page = curves(open_page(atlas / "index.html"))
    point = page.locator("#curves .plot .points .point").nth(4)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.move(x, y, steps=4)
    page.wait_for_selector(".hoverlayer text")
    said = " ".join(page.locator(".hoverlayer text").all_text_contents())
    assert "cnn" in said or "blstm" in said
    assert "n = 120" in said and " to " in said


@pytest.mark.parametrize("dark", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_no_serious_violation_and_nothing_beyond_a_phone(
    atlas: Path, open_page: Callable[..., Any], serious: Callable[[Any], list[str]], dark: bool
) -> None:
    page = curves(open_page(atlas / "index.html", width=390, dark=dark))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []


def test_the_menu_leads_to_every_page_and_the_theme_stays(
    atlas: Path, open_page: Callable[..., Any]
) -> None:
    page = open_page(atlas / "index.html")
    page.locator("#theme").click()
    assert page.evaluate("otoscope.isDark()")
    for address, title in PAGES.values():
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=title).click()
        page.wait_for_url(f"**/{address}")
        assert page.locator("nav [aria-current=page]").inner_text() == title
        assert page.evaluate("otoscope.isDark()")
