"""The page Layers in a real browser."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.atlas.build import build_atlas

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def atlas(layered_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = Path(shutil.copytree(layered_run, tmp_path_factory.mktemp("page") / "run"))
    return build_atlas(run).path.parent


def at(atlas: Path, hash_: str = "", page: str = "layers") -> str:
    return (atlas / f"{page}.html").as_uri() + hash_


def settled(page: Any) -> Any:
    page.wait_for_selector("#shown:not([aria-busy])")
    return page


def test_a_deep_link_opens_its_layer_and_keys_step(atlas: Path, open_page: Open) -> None:
    page = settled(open_page(at(atlas, "#model=baseline&layer=blstm1&condition=snr0")))
    assert page.locator("#layer-name").inner_text() == "blstm1"
    assert page.get_by_role("radio", name="snr0").is_checked()
    assert "layer 5 of 9" in page.locator("#about").inner_text()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'blstm2'")
    assert "layer=blstm2" in page.url and "condition=snr0" in page.url
    page.go_back()
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'blstm1'")
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'cnn4'")
    page.locator("#layer").focus()
    page.keyboard.press("ArrowRight")  # of the menu itself: one step, not two
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'blstm1'")
    page.locator("#model").select_option("robust")
    page.wait_for_function("() => document.querySelector('#about').textContent.includes('robust')")
    for _ in range(4):
        page.get_by_role("button", name="Layer before").click()
    assert page.get_by_role("button", name="Layer before").is_disabled()
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'cnn1'")


def test_what_is_not_there_is_told_until_something_is_shown(
    atlas: Path, open_page: Open, troubles: list[str], tmp_path: Path
) -> None:
    own = Path(shutil.copytree(atlas, tmp_path / "report"))
    (own / "data/layers/0/8.js").unlink()
    page = settled(open_page(at(own, "#model=none&layer=blstm4&condition=loud")))
    told = page.locator("#trouble")
    assert told.inner_text().startswith("There is no model none and no condition loud here")
    assert page.evaluate("location.hash") == "#model=baseline&layer=blstm4&condition=clean"
    page.get_by_role("button", name="Layer after").click()
    page.wait_for_selector("#trouble:has-text('8.js is missing')")
    settled(page)
    page.get_by_role("button", name="Layer before").click()
    assert told.count() == 0
    troubles.clear()  # the file that is missing


def test_the_layer_is_marked_and_a_condition_changes_its_numbers(
    atlas: Path, open_page: Open
) -> None:
    page = settled(open_page(at(atlas, "#model=baseline&layer=cnn1")))
    chart = page.locator(".chart").filter(has_text="EER")
    clean, x = chart.locator("b").inner_text(), chart.locator(".here").get_attribute("x1")
    assert chart.locator(".reference").count() == 3 and chart.locator(".control").count() == 1
    page.get_by_role("radio", name="snr0").check()
    page.wait_for_function(f"() => document.querySelector('.chart b').textContent !== {clean!r}")
    page.locator("#curves summary").click()
    row = page.locator("#curves tr").filter(has_text="EER")
    assert row.locator("td").first.inner_text().split()[0] == chart.locator("b").inner_text()[:4]
    chart.locator(".hit").nth(8).click()
    page.wait_for_function("() => document.querySelector('#layer-name').textContent === 'blstm5'")
    assert float(chart.locator(".here").get_attribute("x1")) > float(x)


def test_samples_complex_features_and_audiations_play(
    atlas: Path, open_page: Open, hear: Callable[[Any, str], str]
) -> None:
    page = settled(open_page(at(atlas, "#model=baseline&layer=cnn1")))
    places = ("#samples .clip >> nth=0", "#samples .clip >> nth=1", ".examples .clip >> nth=0",
              "#audiations .clip >> nth=0", "#audiations .clip >> nth=1")  # fmt: skip
    played = [hear(page, place) for place in places]
    assert len(set(played)) == len(played) and all("/sounds/" in name for name in played)
    assert "cnn1/3" in page.locator("#audiations").inner_text()  # dead: no sound, but named


def test_features_are_links_and_arrows_move_among_them(atlas: Path, open_page: Open) -> None:
    page = settled(open_page(at(atlas, "#model=baseline&layer=cnn1")))
    cells = page.locator(".cells a")
    assert cells.count() == 4
    assert cells.nth(1).get_attribute("href") == "features.html#model=baseline&feature=cnn1%2F1"
    assert "made" in cells.nth(1).get_attribute("class")
    assert "dead" in cells.nth(3).get_attribute("class")
    cells.first.focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.ariaLabel") == "cnn1/3, dead: never active"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.textContent") == "2"
    assert page.locator("#layer-name").inner_text() == "cnn1"  # the layer stays


def test_texts_of_data_stay_texts(atlas: Path, open_page: Open) -> None:
    page = settled(open_page(at(atlas, "#model=baseline&layer=cnn1")))
    assert "word</script><img src=x onerror=alert(1)>" in page.locator(".heard").first.inner_text()
    assert page.locator("img[src=x]").count() == 0


# With all there is, and with curves alone.
@pytest.mark.parametrize("layer", ["cnn1", pytest.param("cnn2", marks=pytest.mark.slow)])
def test_no_serious_violation_and_nothing_beyond_a_phone(
    atlas: Path, open_page: Open, serious: Callable[[Any], list[str]], layer: str
) -> None:
    page = settled(open_page(at(atlas, f"#model=baseline&layer={layer}"), width=390))
    page.evaluate(
        "() => document.querySelectorAll('details').forEach((one) => { one.open = true; })"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(page) == []
    assert page.locator("#summary .empty").count() == (layer == "cnn2")


def test_a_run_without_layers_says_so(tmp_path: Path, open_page: Open) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("seed: 0\n")
    root = build_atlas(tmp_path / "run").path.parent
    for name in ("layers", "network"):
        page = open_page(at(root, page=name))
        assert "No layer is known of yet. otoscope run" in page.locator("main").inner_text()
