"""The page Features in a real browser: the map, the search, the card, its sounds and its keys."""

import csv
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.atlas.build import build_atlas

Open = Callable[..., Any]
BOX = "document.getElementById('cells').getBoundingClientRect()"


@pytest.fixture(scope="module")
def run(make_run: Callable[..., Any]) -> Path:
    made = make_run()
    build_atlas(made.path, cuts=made.cuts)
    path: Path = made.path
    return path


def opened(open_page: Open, run: Path, link: str = "", **how: Any) -> Any:
    page = open_page((run / "report/features.html").as_uri() + link, **how)
    page.wait_for_selector("#feature .units", state="attached")
    return page


def layers(page: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = page.evaluate(
        "otoscope.features.load('features/0/map').then((map) => map.layers)"
    )
    return found


def cell(page: Any, layer: int, at: float) -> tuple[float, float]:
    """Where on the page a cell is drawn; `at` from 0 below to 1 above."""
    count = len(layers(page))
    box = page.evaluate(f"(({{left, top, width, height}}) => [left, top, width, height])({BOX})")
    left, top, width, height = box
    return left + (layer + 0.5) * width / count, top + (1 - at) * height


def ordered(page: Any, layer: int) -> list[int]:
    """Features of a column from below."""
    found: list[int] = page.evaluate(
        """(layer) => otoscope.features.load('features/0/map').then((map) => {
            const first = map.layers.slice(0, layer).reduce((sum, one) => sum + one.features, 0);
            return Array.from(map.order.subarray(first, first + map.layers[layer].features));
        })""",
        layer,
    )
    return found


def title(page: Any) -> str:
    found: str = page.locator("#feature-title").inner_text()
    return found


def shown(page: Any, name: str) -> None:
    """Waits until the card of this feature is there."""
    page.wait_for_function(
        "(name) => document.getElementById('feature-title').textContent === name", arg=name
    )


def follow(page: Any, feature: str) -> None:
    """Follows a link to a feature within the page."""
    page.evaluate(
        "(values) => { location.hash = new URLSearchParams(values); }",
        {"model": "baseline", "feature": feature},
    )


def named(page: Any, layer: int, feature: int) -> str:
    return f"baseline · {layers(page)[layer]['name']}/{feature}"


def test_a_click_on_the_map_opens_the_feature_that_is_drawn_there(
    open_page: Open, run: Path
) -> None:
    page = opened(open_page, run)
    for layer, at in ((0, 0.99), (2, 0.5), (len(layers(page)) - 1, 0.01)):
        page.evaluate("scrollTo(0, 0)")
        order = ordered(page, layer)
        page.mouse.click(*cell(page, layer, at))
        expected = named(page, layer, order[int(at * len(order))])
        shown(page, expected)
        link = page.evaluate("Object.entries(otoscope.hash())")
        assert dict(link) == {"model": "baseline", "feature": expected.split(" · ")[1]}


WRONG_CELLS = """() => otoscope.features.load('features/0/map').then((map) => {
    const canvas = document.getElementById('cells'), pen = canvas.getContext('2d');
    const step = canvas.width / map.layers.length, wrong = [];
    const two = (number) => number.toString(16).padStart(2, '0');
    let first = 0;
    map.layers.forEach((layer, l) => {
        for (let at = 0; at < layer.features; at += 1) {
            const i = first + map.order[first + at], value = map.value[i];
            const shade = Math.min(20, Math.floor(value * 21));
            const colour = map.dead[i] || Number.isNaN(value) ? map.grey : map.shades[shade];
            const y = canvas.height * (1 - (at + 0.5) / layer.features);
            const dot = pen.getImageData(Math.floor((l + 0.25) * step), Math.floor(y), 1, 1).data;
            if ('#' + Array.from(dot.slice(0, 3), two).join('') !== colour) wrong.push([l, at]);
        }
        first += layer.features;
    });
    return wrong;
})"""
"""Cells that are not drawn in their colour."""


def test_cells_have_the_colours_of_their_shares(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    wrong = page.evaluate(WRONG_CELLS)
    assert len(wrong) <= 2  # under the mark of the feature that is open


def test_resting_on_a_cell_plays_its_segment(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    page.mouse.click(5, 300)  # browsers play nothing before
    x, y = cell(page, 1, 0.9)
    page.mouse.move(x, y)
    page.wait_for_function("() => document.getElementById('audio').currentTime > 0")
    feature = ordered(page, 1)[int(0.9 * layers(page)[1]["features"])]
    name = named(page, 1, feature).split(" · ")[1]
    assert page.locator("#playing").inner_text() == f"baseline · {name}, its strongest segment"
    assert page.locator("#tip b").inner_text() == name
    page.uncheck("#hover-plays")
    before = page.locator("#playing").inner_text()
    page.mouse.move(*cell(page, 2, 0.5))
    page.wait_for_timeout(300)
    assert page.locator("#playing").inner_text() == before


TOUCH = """([x, y]) => {
    const how = { clientX: x, clientY: y, pointerType: 'touch', bubbles: true };
    const cells = document.getElementById('cells');
    for (const kind of ['pointerdown', 'pointerleave', 'click'])
        cells.dispatchEvent(new PointerEvent(kind, how));
}"""


def test_a_finger_hears_a_cell_before_it_opens_it(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    before = title(page)
    order = ordered(page, 1)
    name = named(page, 1, order[int(0.5 * len(order))])
    x, y = cell(page, 1, 0.5)
    page.evaluate(TOUCH, [x, y])
    page.wait_for_function("() => document.getElementById('audio').currentTime > 0")
    assert page.locator("#tip b").inner_text() == name.split(" · ")[1]
    assert title(page) == before
    page.evaluate(TOUCH, [x, y + 9])  # the same place for a finger
    shown(page, name)


def test_the_keyboard_walks_over_the_map_and_opens(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    page.locator("#cells").focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    order = ordered(page, 0)
    for _ in range(3):
        page.keyboard.press("PageDown")
    for _ in order:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    name = named(page, 0, order[1])
    assert page.locator("#announced").inner_text().startswith(name.split(" · ")[1])
    page.keyboard.press("Enter")
    shown(page, name)
    assert page.evaluate("document.activeElement.id") == "feature-title"
    page.keyboard.press("n")
    page.wait_for_function(
        "(name) => document.getElementById('feature-title').textContent !== name", arg=name
    )
    page.keyboard.press("p")
    shown(page, name)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")  # wherever nothing has the focus
    page.wait_for_function(
        "(name) => document.getElementById('feature-title').textContent !== name", arg=name
    )
    page.go_back()
    shown(page, name)


def options(page: Any, text: str) -> list[str]:
    page.fill("#find", text)
    page.wait_for_function("() => !document.getElementById('found').hidden")
    page.wait_for_timeout(200)
    found: list[str] = page.locator("#found [role=option]").all_inner_texts()
    return found


def test_search_finds_features_layers_words_and_phones(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    layer = layers(page)[2]
    for text in (f"{layer['name']}/1", f"{layer['name'].upper()} 1"):
        assert options(page, text)[0].split("\\n")[0].startswith(f"{layer['name']}/1")
    page.keyboard.press("Enter")
    shown(page, named(page, 2, 1))
    assert f"layer of {layer['features']} features" in options(page, layer["name"])[0]
    index = page.evaluate(
        """() => otoscope.features.load('features/0/search').then(({ tiers }) =>
            tiers.map(({ tier, names, layer, feature }) =>
                [tier, names[0], layer[0], feature[0]]))"""
    )
    for tier, label, first, feature in index:
        found = options(page, label)
        assert any(label in text and " of " in text for text in found)
        assert page.locator("#found .heading", has_text=f"the {tier} “{label}”").count() == 1
        best = (
            page.locator("#found [role=group]", has_text=f"the {tier} “{label}”")
            .locator("[role=option]")
            .first
        )
        assert best.inner_text().startswith(f"{layers(page)[first]['name']}/{feature}")
    options(page, index[0][1])
    page.keyboard.press("ArrowDown")
    active = page.get_attribute("#find", "aria-activedescendant")
    wanted = page.locator(f"#{active} b").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "(name) => document.getElementById('feature-title').textContent.endsWith(name)", arg=wanted
    )
    assert "Nothing here is called" in options(page, "no such thing")[0]
    page.keyboard.press("Escape")
    assert page.locator("#found").is_hidden()


def test_segments_play_one_by_one_and_all(
    open_page: Open, run: Path, hear: Callable[..., str]
) -> None:
    page = opened(open_page, run)
    assert page.locator(".segments li").count() == 20
    assert hear(page, ".segments li:nth-child(2) .clip").endswith(".flac")
    page.locator(".players .all").click()
    for place in (1, 2):
        page.wait_for_selector(f".segments li:nth-child({place}) .clip[aria-pressed=true]")
    page.locator(".players .all").click()
    assert page.locator(".clip[aria-pressed=true]").count() == 0


def test_the_cursor_runs_while_the_strongest_segment_plays(open_page: Open, run: Path) -> None:
    page = opened(open_page, run)
    assert page.locator(".trace .curve").count() == 1
    assert page.locator(".trace .spoken text").count() > 0
    page.locator(".activation .clip").click()
    page.wait_for_function(
        "() => document.querySelector('.trace .cursor').getAttribute('visibility') === 'visible'"
    )
    page.wait_for_function(
        "() => document.querySelector('.trace .cursor').getAttribute('visibility') === 'hidden'"
    )


def test_an_audiation_stands_beside_its_segment_or_how_to_make_one(
    open_page: Open, run: Path, hear: Callable[..., str]
) -> None:
    with (run / "audiation/baseline/sounds.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if row["variant"] == "as asked" and not row["problem"])
    link = f"#model=baseline&feature={row['layer']}/{row['feature']}"
    page = opened(open_page, run, link)
    assert page.locator(".audiation .mel").count() == 2
    assert page.locator(".audiation .evolution .curve").count() == 1
    assert hear(page, ".audiation figure:nth-child(1) .clip").endswith(".flac")
    assert f"{float(row['reached']):.3g}" in page.locator(".audiation").inner_text()
    having = {(row["layer"], row["feature"]) for row in rows}
    layer = layers(page)[0]
    bare = next(i for i in range(layer["features"]) if (layer["name"], str(i)) not in having)
    follow(page, f"{layer['name']}/{bare}")
    shown(page, named(page, 0, bare))
    told = page.locator(".audiation").inner_text()
    assert "No audiation was made" in told and f"--features '{{{layer['name']}: [{bare}]}}'" in told


def test_a_link_loads_the_index_the_map_and_one_layer(open_page: Open, run: Path) -> None:
    page = open_page(run / "report/features.html")
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    name = json.loads((run / "sonification/baseline/layers.json").read_text())[3]["name"]
    page.goto("about:blank")
    page.goto((run / "report/features.html").as_uri() + f"#model=baseline&feature={name}/1")
    page.wait_for_selector(".trace .curve")
    data = [re.sub(r".*/data/", "", url) for url in asked if "/data/" in url]
    assert data == ["index.js", "features/0/map.js", "features/0/3.js", "features/0/3/trace.js"]
    assert title(page) == f"baseline · {name}/1"
    page.evaluate("location.hash = 'model=baseline&feature=nowhere/1'")
    page.wait_for_selector("[role=alert]")
    assert "no feature nowhere/1 here" in page.locator("[role=alert]").inner_text()
    assert f"feature={name}".replace("/", "%2F") in page.url
    page.evaluate("location.hash = 'model=nobody&feature=nowhere/2'")
    page.wait_for_function(
        "() => document.querySelector('[role=alert]').textContent.includes('nobody')"
    )
    page.locator("#next").click()
    page.wait_for_selector("[role=alert]", state="detached")


@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.slow)])
def test_nothing_is_in_the_way(
    open_page: Open, run: Path, serious: Callable[[Any], list[str]], width: int
) -> None:
    page = opened(open_page, run, width=width)
    page.wait_for_selector(".trace .curve")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []
    options(page, layers(page)[0]["name"])
    page.keyboard.press("ArrowDown")
    assert serious(page) == []


@pytest.mark.slow
def test_hostile_names_are_text(make_run: Callable[..., Any], open_page: Open) -> None:
    made = make_run(evil=True)
    build_atlas(made.path, cuts=made.cuts)
    page = opened(open_page, made.path)
    name = list(made.layers)[1]
    follow(page, f"{name}/1")
    shown(page, f"baseline · {name}/1")
    assert options(page, name)
    page.mouse.move(*cell(page, 1, 0.5))
    assert page.locator("main script, main iframe, main img[onerror]").count() == 0


def without(run: Path, folder: Path, *names: str) -> Path:
    """The same sonification with some files less."""
    study = folder / "sonification/baseline"
    shutil.copytree(run / "sonification/baseline", study, ignore=shutil.ignore_patterns("clips"))
    shutil.copy(run / "config.yaml", folder)
    for name in names:
        (study / name).unlink()
    build_atlas(folder)
    return folder


def test_without_sexes_the_map_shows_density(run: Path, tmp_path: Path, open_page: Open) -> None:
    page = opened(open_page, without(run, tmp_path, "selectivity.parquet"))
    assert "density" in page.locator("#legend").inner_text()
    assert "density" in page.get_attribute("#cells", "aria-label")
    page.mouse.move(*cell(page, 0, 0.9))
    assert "of the time" in page.locator("#tip").inner_text()


def test_a_table_less_is_told_on_the_card(run: Path, tmp_path: Path, open_page: Open) -> None:
    names = ("segments.parquet", "labels.parquet", "discarded.parquet", "traces.safetensors")
    page = opened(open_page, without(run, tmp_path, *names))
    told = page.locator("#feature").inner_text()
    assert "no table of segments" in told and "no table of speaker-discarded" in told
    assert "was not kept for this layer" in told
