"""`otoscope report` and `otoscope serve` as they are typed."""

import http.client
import io
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from otoscope.display import RunDisplay


@pytest.fixture(scope="module")
def run(heard_run: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return heard_run(tmp_path_factory.mktemp("heard") / "run")


@pytest.fixture
def atlas(run: Path, here) -> Path:
    here("report", run).ok()
    return run


def test_report_says_what_it_made_and_where(run: Path, here) -> None:
    first = here("report", run).ok().out.splitlines()
    assert first[-1] == f"{run}/report/index.html" and "files made anew" in first[-2]
    again = here("report", run).ok().out.splitlines()
    assert again[-1] == first[-1] and again[-2] == "0 files made anew"
    assert again[-3] == first[-3] and " MB, " in first[-3]


@pytest.mark.parametrize("terminal", [True, False])
def test_names_of_utterances_are_no_markup_on_the_terminal(terminal: bool) -> None:
    seen = io.StringIO()
    with RunDisplay(Console(file=seen, force_terminal=terminal, width=200)) as display:
        display("report", 0.1, "cutting segments from s[/b]-[red]1", 1.0)
    assert "s[/b]-[red]1" in seen.getvalue()


def test_the_configuration_of_the_run_is_kept_to(run: Path, here, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for path in run.iterdir():
        (tmp_path / "run" / path.name).symlink_to(path)
    (tmp_path / "run/config.yaml").unlink(missing_ok=True)
    (tmp_path / "run/config.yaml").write_text("atlas: {max_megabytes: 0.01}\n")
    call = ("report", tmp_path / "run", "--output", tmp_path / "site")
    assert "beyond 0.01 MB" in here(*call).ok().out
    assert "beyond" not in here(*call, "--max_megabytes", "400").ok().out


def test_a_folder_of_somebody_else_is_left_alone(run: Path, here, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    assert "holds files that are no atlas" in here("report", run, "--output", tmp_path).complaint()
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--max_megabytes 0", ("max_megabytes", "above 0")),
        ("--clips -1", ("clips", "0 or more")),
        ("--sound wav", ("sound", "wav")),
    ],
)
def test_a_mistake_costs_one_line(run: Path, here, options: str, words: tuple[str, ...]) -> None:
    line = here("report", run, *options.split()).complaint()
    assert all(word in line for word in words), line


def test_serve_needs_an_atlas_and_a_port(run: Path, here, atlas: Path, tmp_path: Path) -> None:
    line = here("serve", tmp_path).complaint()
    assert line == f"otoscope: {tmp_path}: has no atlas; `otoscope report {tmp_path}` builds it"
    assert "--port" in here("serve", atlas, "--port", "70000").complaint()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"--port: {port} cannot be had (" in here("serve", atlas, "--port", port).complaint()


def ask(port: int, path: str, **headers: str) -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    found = answer.status, answer.getheader("Content-Type"), answer.read()
    connection.close()
    return found


def test_serve_shows_the_atlas_and_nothing_else(atlas: Path, terminal, ending) -> None:
    (atlas / "report" / "notes.txt").write_text("private")
    (atlas / "report" / "out.html").symlink_to(atlas / "summary.csv")
    began = time.monotonic()
    process = terminal.start("serve", atlas, "--port", "0")
    address = process.stdout.readline()
    assert address.startswith("atlas at http://127.0.0.1:")
    port = int(address.rsplit(":")[-1].rstrip("/\n"))
    page = (atlas / "report" / "index.html").read_bytes()
    assert ask(port, "/") == ask(port, "/index.html") == (200, "text/html", page)
    assert ask(port, "/static/atlas.js")[:2] == (200, "text/javascript")
    assert ask(port, "/index.html", Range="bytes=0-8")[::2] == (206, page[:9])
    climbing = ("/../summary.csv", "/%2e%2e/summary.csv", "/..%2fsummary.csv", "/out.html")
    for path in (*climbing, "/notes.txt", "/none.html", "/data", "/%00", "/" + 5000 * "a"):
        assert ask(port, path)[0] == 404, path
    assert ask(port, "/", Host="evil.example")[0] == 403
    assert ask(port, "/", Origin="http://evil.example")[0] == 403
    process.send_signal(signal.SIGINT)
    ended = ending(process, began).ok()
    assert ended.out.splitlines()[-1] == "ended" and not ended.err


def test_pages_go_where_they_are_asked_for(run: Path, here, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    line = here("report", run, "--output", tmp_path / "in the way").complaint()
    assert f"{tmp_path / 'in the way'}: cannot be written to (File exists)" in line
    said = here("report", run, "--output", tmp_path / "paper").ok().out
    assert said.splitlines()[-1] == f"{tmp_path}/paper/index.html"
    assert here("serve", tmp_path / "none").complaint()
    assert (tmp_path / "paper" / "features.html").is_file()


def test_results_of_another_version_are_told(run: Path, here) -> None:
    (run / "environment.json").write_text('{"versions": {"otoscope": "9.9.9"}}')
    here("report", run).ok()
    page = (run / "report" / "index.html").read_text()
    assert "environment.json: the run is of Otoscope 9.9.9" in page
    (run / "environment.json").unlink()
