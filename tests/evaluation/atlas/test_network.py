"""The page Network: layers in their places, residuals as arcs, every layer a link; its figure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asr_models.layer_card import LayerCard
from evaluation.atlas.build import build_atlas
from evaluation.atlas.network_figure import block_of, heights, network_figure, residuals
from evaluation.paper.panels import NothingToDrawError, save_figure

Open = Callable[..., Any]
BLOCKS, SUBS = 10, 5
ARCS = """() => [...document.querySelectorAll('.arc:not(.faint)')]
    .map((arc) => [arc.dataset.from, arc.dataset.to])"""
TOLD = "() => document.querySelector('#told').textContent"


def jasper() -> list[LayerCard]:
    """53 layers; each block ends with the ends of all blocks before (dense residuals)."""
    layers = [LayerCard("prologue", 1, "convolution", 320, 80.0, 256, 256)]
    ends = ["prologue"]
    for block in range(1, BLOCKS + 1):
        width = 128 * (2 + (block - 1) // 2)
        for sub in range(1, SUBS + 1):
            inputs = tuple(dict.fromkeys([*(ends if sub == SUBS else ()), layers[-1].name]))
            name = f"block{block}.sub{sub}"
            layers.append(LayerCard(name, len(layers) + 1, "convolution", 320, 80.0, width, width,
                                     inputs))  # fmt: skip
        ends.append(layers[-1].name)
    for name, width in (("epilogue1", 896), ("epilogue2", 1024)):
        layers.append(LayerCard(name, len(layers) + 1, "convolution", 320, 80.0, width, width,
                                 (layers[-1].name,)))  # fmt: skip
    return layers


def write(run: Path, model: str, layers: list[LayerCard]) -> None:
    folder = run / "recognisers" / model
    folder.mkdir(parents=True)
    names = LayerCard.__dataclass_fields__
    rows = [{name: getattr(layer, name) for name in names} for layer in layers]
    (folder / "layers.json").write_text(json.dumps(rows))
    (run / "config.yaml").write_text("seed: 0\n")


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("network") / "run"
    write(run, "jasper", jasper())
    stack = [
        LayerCard("cnn1", 1, "convolution", 160, 0.0, 1280, 16),
        LayerCard("cnn2", 2, "convolution", 320, 80.0, 1280, 32, ("cnn1",)),
        LayerCard("blstm1", 3, "recurrent", 640, 240.0, 192, 192, ("cnn2",)),
    ]
    write(run, "small", stack)
    (run / "samples.csv").write_text("")
    return build_atlas(run).path.parent


def test_layers_belong_to_blocks() -> None:
    names = ["block4.sub2", "blstm3", "layer_1", "encoder.layers.11", "prologue", "12"]
    told = ["block4", "blstm", "layer", "encoder.layers", "prologue", "12"]
    assert [block_of(name) for name in names] == told


def test_residuals_are_inputs_beyond_the_layer_before() -> None:
    """Block b of a dense Jasper has b of them: the prologue and the blocks before."""
    layers = jasper()
    found = residuals(layers)
    assert len(found) == sum(range(1, BLOCKS + 1))
    assert found[0] == (0, SUBS) and all(j - i > 1 for i, j in found)
    assert all(layers[i].name in layers[j].inputs for i, j in found)
    strange = [LayerCard("a", 1), LayerCard("b", 2, inputs=("nowhere", "a"))]
    assert residuals(strange) == []


def test_the_figure_has_a_box_for_each_layer_to_scale(tmp_path: Path) -> None:
    layers = jasper()
    figure = network_figure(layers)
    boxes = [patch for patch in figure.axes[0].patches if hasattr(patch, "get_height")]
    assert len(boxes) == len(layers) == 53
    assert len(figure.axes[0].patches) - len(boxes) == len(residuals(layers))
    tallest = max(box.get_height() for box in boxes)
    for box, layer in zip(boxes, layers, strict=True):
        assert box.get_height() / tallest == pytest.approx((layer.features or 0) / 1024)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"1024", "53", "block10", "20 ms"} <= set(texts)
    paths = save_figure(figure, tmp_path, "network", ["svg", "pdf"])
    assert paths[1].read_bytes().startswith(b"%PDF")


def test_unknown_features_are_equal_boxes_and_said() -> None:
    layers = [LayerCard("a", 1, features=3), LayerCard("b", 2)]
    assert heights(layers) is None
    figure = network_figure(layers)
    assert len({patch.get_height() for patch in figure.axes[0].patches}) == 1
    assert any("features unknown" in text.get_text() for text in figure.axes[0].texts)
    with pytest.raises(NothingToDrawError, match="no layer"):
        network_figure([])


def test_every_layer_is_a_link_that_opens_it(atlas: Path, open_page: Open) -> None:
    page = open_page((atlas / "network.html").as_uri() + "#model=jasper")
    links = page.locator("#drawing a")
    assert links.count() == 53
    hrefs = [link.get_attribute("href") for link in links.all()]
    assert hrefs == [f"layers.html#model=jasper&layer={layer.name}" for layer in jasper()]
    links.nth(7).click()
    page.wait_for_url("**/layers.html**")
    page.wait_for_function(
        "() => document.querySelector('#layer-name').textContent === 'block2.sub2'"
    )


def test_hover_and_focus_show_arcs_and_facts(atlas: Path, open_page: Open) -> None:
    page = open_page((atlas / "network.html").as_uri() + "#model=jasper")
    assert page.evaluate(ARCS) == []
    links = page.locator("#drawing a")
    links.nth(10).hover()  # block2.sub5
    ends = [f"block{block}.sub5" for block in range(3, BLOCKS + 1)]
    into = [["prologue", "block2.sub5"], ["block1.sub5", "block2.sub5"]]
    assert page.evaluate(ARCS) == into + [["block2.sub5", end] for end in ends]
    told = page.evaluate(TOLD)
    for fact in (
        "block2.sub5: convolution, 256 features",
        "320 samples (20 ms)",
        "sample 80 (5 ms)",
    ):
        assert fact in told
    page.mouse.move(5, 5)
    assert page.evaluate(ARCS) == []
    links.first.focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.dataset.layer") == "epilogue2"
    assert page.evaluate(ARCS) == []
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.layer") == "block10.sub5"
    assert len(page.evaluate(ARCS)) == BLOCKS
    assert page.evaluate("document.querySelector('#drawing').scrollLeft") > 500
    page.get_by_role("checkbox", name="all residual connections").check()
    assert page.locator(".arc.faint").count() == 55


def test_it_is_dragged_and_a_drag_is_no_click(atlas: Path, open_page: Open) -> None:
    page = open_page((atlas / "network.html").as_uri() + "#model=jasper")
    box = page.locator("#drawing a .box").nth(12).bounding_box()
    x, y = box["x"] + 5, box["y"] + 5
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 300, y, steps=5)
    page.mouse.up()
    assert page.evaluate("document.querySelector('#drawing').scrollLeft") == pytest.approx(
        300, abs=2
    )
    page.wait_for_timeout(100)
    assert "network.html" in page.url


def test_heights_are_to_scale_by_features_and_by_width(atlas: Path, open_page: Open) -> None:
    page = open_page((atlas / "network.html").as_uri() + "#model=small&layer=gone")
    assert page.locator("#trouble").inner_text().startswith("There is no layer gone here")
    assert page.evaluate("location.hash") == "#model=small"
    read = "() => [...document.querySelectorAll('.box')].map((box) => box.height.baseVal.value)"
    tall = page.evaluate(read)
    assert [height / tall[2] for height in tall] == pytest.approx([16 / 192, 32 / 192, 1])
    page.get_by_role("radio", name="width of a state").check()
    wide = page.evaluate(read)
    assert [height / wide[0] for height in wide] == pytest.approx([1, 1, 192 / 1280])
    assert not page.get_by_role("checkbox", name="all residual").is_visible()
    assert page.locator(".model[data-model=jasper]").is_hidden()
    row = page.locator(".model:not([hidden]) tbody tr").nth(1).inner_text()
    assert " ".join(row.split()) == "2 cnn2 convolution 32 1280 320 (20 ms) 80 (5 ms) cnn1"


@pytest.mark.parametrize("model", [pytest.param("jasper", marks=pytest.mark.slow), "small"])
def test_no_serious_violation_and_only_the_drawing_scrolls(
    atlas: Path, open_page: Open, serious: Callable[[Any], list[str]], model: str
) -> None:
    page = open_page((atlas / "network.html").as_uri() + f"#model={model}", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    inside = "(box) => box.scrollWidth > box.clientWidth"
    assert page.locator("#drawing").evaluate(inside) == (model == "jasper")
    assert serious(page) == []
