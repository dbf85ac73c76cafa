"""The harness itself, on a site of three files that is built like the atlas."""

import functools
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from evaluation.listening import write_audio

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; "
    "img-src 'self' file: data: blob:; media-src 'self' file:; base-uri 'none'; form-action 'none'"
)
PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>A tiny atlas</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="static/atlas.css">
<script defer src="static/atlas.js"></script>
</head>
<body>
<main>
<h1>Layers</h1>
<p id="layer"></p>
<button id="play" data-src="sounds/a.flac">play</button>
<audio id="audio"></audio>
BODY
</main>
</body>
</html>
"""
SCRIPT = """
const otoscope = { take: (name, value) => document.getElementById("layer").textContent = value };
const shard = document.createElement("script");
shard.src = "data/blstm3.js";
document.head.append(shard);
document.getElementById("play").addEventListener("click", (event) => {
  const audio = document.getElementById("audio");
  audio.src = event.target.dataset.src;
  audio.play();
});
"""
STYLE = "body { color-scheme: light dark; color: light-dark(#222, #eee); background: Canvas; }"


@pytest.fixture
def site(tmp_path):
    """Makes the site, with something more in its page; gives the path of the page."""

    def make(body: str = "", script: str = "", style: str = "") -> Path:
        for name in ("static", "data", "sounds"):
            (tmp_path / name).mkdir()
        (tmp_path / "static" / "atlas.js").write_text(SCRIPT + script)
        (tmp_path / "static" / "atlas.css").write_text(STYLE + style)
        (tmp_path / "data" / "blstm3.js").write_text('otoscope.take("blstm3", "<b>17</b>");')
        tone = 0.1 * np.sin(np.arange(16000) / 10)
        write_audio(tmp_path / "sounds" / "a.flac", tone, 16000)
        page = tmp_path / "index.html"
        page.write_text(PAGE.replace("BODY", body))
        return page

    return make


def test_a_shard_is_taken_and_a_sound_is_heard_from_a_file(site, open_page, hear, serious) -> None:
    page = open_page(site())
    page.wait_for_function("() => document.getElementById('layer').textContent === '<b>17</b>'")
    assert hear(page, "#play").endswith("/sounds/a.flac")
    assert page.evaluate("() => document.getElementById('audio').currentTime") > 0
    assert serious(page) == []


def test_the_same_site_is_heard_where_it_is_served(site, open_page, hear) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder = functools.partial(Quiet, directory=str(site().parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        assert hear(open_page(f"{address}/index.html"), "#play") == f"{address}/sounds/a.flac"
        server.shutdown()


def test_a_page_has_the_width_and_the_colours_that_were_asked_for(site, open_page) -> None:
    here = site()
    for width, dark in ((375, True), (1280, False)):
        page = open_page(here, width=width, dark=dark)
        assert page.evaluate("() => innerWidth") == width
        assert page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches") is dark
        colour = "rgb(238, 238, 238)" if dark else "rgb(34, 34, 34)"
        assert page.evaluate("() => getComputedStyle(document.body).color") == colour


@pytest.mark.parametrize(
    ("body", "script", "told"),
    [
        ("", "console.error('no such feature');", "console: no such feature"),
        ("", "setTimeout(() => { throw new Error('lost'); });", "script: lost"),
        ("<script>window.bad = 1</script>", "", "console: Executing inline script violates"),
        ('<img alt="" src="pictures/none.png">', "", "not loaded: file:///"),
        ("", "setTimeout(() => { new Audio('sounds/none.flac').load(); });", "not loaded: file:"),
        ("", "window.open('https://otoscope.invalid/');", "request: https://otoscope.invalid/"),
    ],
    ids=["console", "script", "inline", "picture", "sound", "network"],
)
def test_what_goes_wrong_on_a_page_is_told(site, open_page, troubles, body, script, told) -> None:
    page = open_page(site(body, script))
    page.wait_for_timeout(200)
    assert any(trouble.startswith(told) for trouble in troubles), troubles
    troubles.clear()


def test_a_request_to_a_network_is_told_and_goes_nowhere(site, open_page, troubles) -> None:
    here = site('<img id="far" alt="" src="https://otoscope.invalid/far.png">')
    here.write_text(here.read_text().replace("img-src 'self'", "img-src https:"))
    page = open_page(here)
    assert page.evaluate("() => document.getElementById('far').naturalWidth") == 0
    assert "request: https://otoscope.invalid/far.png" in troubles
    troubles.clear()


def test_pale_text_and_a_control_without_a_name_are_serious(site, open_page, serious) -> None:
    page = open_page(
        site(
            '<p id="pale">pale</p><input id="bare">',
            style="#pale { color: light-dark(#bbb, #eee); }",  # in the dark it can be read
        )
    )
    found = serious(page)
    assert [line.split(":")[0] + ":" + line.split(":")[1] for line in found] == [
        "light: color-contrast, #pale",
        "light: label, #bare",
        "dark: label, #bare",
    ]
    assert page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches") is False


def test_a_player_that_stays_silent_is_not_heard(site, open_page, hear) -> None:
    page = open_page(site('<button id="dumb">play</button>'))
    page.set_default_timeout(500)
    with pytest.raises(Exception, match="Timeout 500ms exceeded"):
        hear(page, "#dumb")
