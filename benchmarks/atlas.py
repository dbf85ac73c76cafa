"""The atlas of a network of 30,000 features: how long it takes to build and to open, what it holds.

    python benchmarks/atlas.py [--features 30000] [--folder DIR] [--repeats 3]

A made-up run (`made_up_run`) becomes an atlas, twice. Its pages are opened from the disk by
headless Chromium, each time in a new one: seconds from the navigation to the first contentful
paint, and to the first frame behind the one in which the heat map, or the network, stands. Then 50
features of 10 layers are opened one after another on the page of features.

Memory is the proportional share (PSS). Headless Chromium holds some 400 MB with an empty page, most
of it a graphics card in software; so what is held to the bar is what the page adds to that, or the
processes that render pages where these are more. Bars: 2 s to the first picture, 300 MB. With
`--folder` the run is kept there.
"""

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import psutil
from made_up_run import MODELS, MadeUpRun, make_run
from playwright.sync_api import Browser, Page, TimeoutError, sync_playwright

from asr_models.layer import spread
from evaluation.atlas.build import build_atlas

PICTURE_S, MEMORY_MB = 2.0, 300.0
MB = 1e6
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--mute-audio"]
PICTURES = {
    "features.html": "#cells[style*='width']",
    "network.html": "#drawing svg",
}
"""What a page has when its picture is drawn."""
LAYERS, FEATURES = 10, 5  # opened one after another
DRAWN = """
  const wait = () => requestAnimationFrame(() => {
    if (document.querySelector(SELECTOR))
      requestAnimationFrame(() => { window.drawn = performance.now(); });
    else wait();
  });
  wait();
"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
SHOWN = "(name) => document.getElementById('feature-title').textContent.endsWith(` ${name}`)"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=30_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = made(given.folder or Path(scratch), given.features)
        tell_build(run)
        report = run.path / "report"
        for name, selector in PICTURES.items():
            tell_opening(report / name, selector, given.repeats)
        tell_memory(report / "features.html", run)


def made(folder: Path, features: int) -> MadeUpRun:
    """The run of so many features in a folder, from scratch: nothing of an atlas is in it."""
    path, start = folder / f"run-{features}", time.perf_counter()
    for old in (path, path.with_name(f"{path.name}-corpus")):
        shutil.rmtree(old, ignore_errors=True)
    run = make_run(path, features)
    sizes = [layer.features for layer in run.layers.values()]
    took = time.perf_counter() - start
    print(f"run: {sum(sizes)} features in {len(sizes)} layers, made in {took:.1f} s")
    return run


def tell_build(run: MadeUpRun) -> None:
    """Prints how long the atlas takes, at first and again, and how large it is."""
    for when in ("at first", "again"):
        start = time.perf_counter()
        build_atlas(run.path, cuts=run.cuts)
        print(f"build, {when}: {time.perf_counter() - start:.1f} s")
    sizes, counts = Counter[str](), Counter[str]()
    for path in (run.path / "report").rglob("*"):
        if path.is_file():
            sizes[path.suffix] += path.stat().st_size
            counts[path.suffix] += 1
    parts = ", ".join(f"{counts[end]} {end} {size / MB:.1f}" for end, size in sizes.most_common())
    print(f"on disk: {sum(sizes.values()) / MB:.1f} MB ({parts})")


def tell_opening(path: Path, selector: str, repeats: int) -> None:
    """Prints when a page shows something, and when its picture is drawn."""
    try:
        found = []
        for _ in range(repeats):
            with chromium() as browser:
                found.append(opening(new_page(browser), path, selector))
    except TimeoutError:
        print(f"{path.name}: NO PICTURE ({selector})")
        return
    for what, times in zip(("first paint", "picture"), zip(*found, strict=True), strict=True):
        share = median(times) / PICTURE_S
        every = ", ".join(f"{seconds:.2f}" for seconds in times)
        verdict = "within" if share <= 1 else "ABOVE"
        print(f"{path.name}, {what}: {every} s; {share:.2f} of the bar ({verdict})")


def opening(page: Page, path: Path, selector: str) -> tuple[float, float]:
    """Seconds to the first contentful paint and to the picture."""
    page.add_init_script(DRAWN.replace("SELECTOR", repr(selector)))
    page.goto(path.as_uri())
    page.wait_for_function("() => window.drawn")
    return page.evaluate(PAINTED) / 1000, page.evaluate("() => window.drawn") / 1000


def tell_memory(path: Path, run: MadeUpRun) -> None:
    """Prints what the browser holds with the page, and behind many features."""
    with chromium() as browser:
        page = new_page(browser)
        page.wait_for_timeout(500)
        empty, _ = browser_mb()
        print(f"the browser with an empty page: {empty:.0f} MB")
        page.goto(path.as_uri())
        page.wait_for_selector(PICTURES[path.name], state="attached")
        tell_held(path.name, page, empty)
        each = walk(page, run)
        tell_held(f"after {LAYERS * FEATURES} features of {LAYERS} layers", page, empty)
        print(f"from one feature to the next: {each:.2f} s")


def walk(page: Page, run: MadeUpRun) -> float:
    """Opens features of many layers one after another; seconds for each."""
    names = [
        f"{layer}/{feature}"
        for layer in spread(list(run.layers), LAYERS)
        for feature in spread([str(i) for i in range(run.layers[layer].features)], FEATURES)
    ]
    start = time.perf_counter()
    for name in names:
        show(page, name)
    return (time.perf_counter() - start) / len(names)


def show(page: Page, name: str) -> None:
    """Follows the deep link to a feature, until its name stands on the page."""
    link = urlencode({"model": MODELS[0], "feature": name})
    page.evaluate("(link) => { location.hash = link; }", link)
    page.wait_for_function(SHOWN, arg=name)


def tell_held(when: str, page: Page, empty: float) -> None:
    """Prints the memory of the browser, of what renders, and of the page's scripts, in MB."""
    page.wait_for_timeout(500)
    heap = page.context.new_cdp_session(page).send("Runtime.getHeapUsage")["usedSize"] / MB
    whole, rendering = browser_mb()
    share = max(whole - empty, rendering) / MEMORY_MB
    print(
        f"{when}: {whole - empty:.0f} MB more, rendering {rendering:.0f} MB, heap {heap:.1f} MB; "
        f"{share:.2f} of the bar ({'within' if share <= 1 else 'ABOVE'})"
    )


def browser_mb() -> tuple[float, float]:
    """Proportional share of memory of all processes of the browser, and of those that render."""
    found = Counter[bool]()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name():
                renders = "--type=renderer" in process.cmdline()
                found[renders] += process.memory_full_info().pss
    return found.total() / MB, found[True] / MB


@contextmanager
def chromium() -> Iterator[Browser]:
    """A new headless browser, of the system."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """An empty page of a desk's size, without a network."""
    return browser.new_context(offline=True, viewport={"width": 1280, "height": 900}).new_page()


if __name__ == "__main__":
    main()
