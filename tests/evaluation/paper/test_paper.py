"""The whole paper from run folders, and its section in the report."""

import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from acoustics.errors import UserError
from evaluation.atlas.build import build_atlas
from evaluation.atlas.settings import AtlasSettings
from evaluation.listening import audio_path, write_audio
from evaluation.listening_test.folder import load_test
from evaluation.paper.finished_run import read_finished_run
from evaluation.paper.paper import write_paper
from evaluation.paper.section import paper_section
from evaluation.paper.tables import PaperCell
from evaluation.paper.verdicts import ClaimRow
from evaluation.records import SummaryRow, read_rows, write_rows

EVIL = "<script>alert(1)</script>\"'|$&"


def write(run: Path, **others: Path) -> Path:
    output = run / "paper"
    write_paper(run, {"vgg_lstm": run, **others}, output)
    return output


@pytest.fixture(scope="module")
def papered(whole_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a paper of two architectures; the second lies in a folder of the first."""
    run = Path(shutil.copytree(whole_run, tmp_path_factory.mktemp("paper") / "run"))
    second = run / "pure_lstm"
    second.mkdir()
    lines = (run / "summary.csv").read_text().splitlines()
    tapped = [line for line in lines if ",blstm" in line or line.startswith("model")]
    (second / "summary.csv").write_text("\n".join(tapped) + "\n")
    write(run, pure_lstm=second)
    return run


def test_everything_is_there_and_the_index_names_it(papered: Path) -> None:
    output = papered / "paper"
    names = {path.name for path in output.iterdir()}
    for table in ("table1", "table2_ge2e", "verifiers", "loss"):
        assert {f"{table}.csv", f"{table}.md", f"{table}.tex"} <= names
    for figure in ("figure2", "figure3", "figure4", "loss", "table2_ge2e", "figure2_pure_lstm"):
        assert {f"{figure}.svg", f"{figure}.png"} <= names
    assert {"claims.csv", "claims.md", "index.md", "paper.json"} <= names
    index = (output / "index.md").read_text()
    linked = {unquote(name) for name in re.findall(r"\]\(([^)]+)\)", index)}
    assert linked == names - {"index.md", "paper.json", "claims.csv"}


def test_what_is_missing_is_named(papered: Path) -> None:
    missing = json.loads((papered / "paper" / "paper.json").read_text())["missing"]
    text = "\n".join(missing)
    for words in (
        "vgg_lstm: contrasts.csv is missing",
        "vgg_lstm: steps.csv is missing",
        "recognisers/robust/wer.csv is missing",
        "vgg_lstm: lacks condition snr20, snr10",
        "no listening/her.csv",
        "states of noisy and clean speech: no row of state_distance",
        "pure_lstm: pure_lstm has no listening samples",
    ):
        assert words in text
    assert "is not among the runs" not in text


def test_tables_and_claims_read_back(papered: Path) -> None:
    cells = list(read_rows(papered / "paper" / "table2_ge2e.csv", PaperCell))
    assert len(cells) == 8 * (9 + 5)
    assert {cell.architecture for cell in cells} == {"vgg_lstm", "pure_lstm"}
    assert sum(not cell.missing for cell in cells) == 4 * (9 + 5)  # two of four conditions
    assert all(cell.mean is not None or cell.missing for cell in cells)
    claims = list(read_rows(papered / "paper" / "claims.csv", ClaimRow))
    assert {claim.claim for claim in claims} == set(range(1, 8))
    assert {claim.verdict for claim in claims} <= {"holds", "does not hold", "cannot be said"}


def test_the_same_run_gives_the_same_bytes(make_run, tmp_path: Path) -> None:
    numbers = {(model, "clean", layer, "eer", "v"): eer
               for model in ("baseline", "robust")
               for layer, eer in (("cnn1", 4.0), ("blstm1", 20.0))}  # fmt: skip
    run = make_run(numbers).path
    for folder in ("one", "two"):
        write_paper(run, {"vgg_lstm": run}, tmp_path / folder)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert {"figure2.svg", "table2_v.png", "claims.csv", "table1.tex", "paper.json"} <= names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_one_architecture_and_one_condition_are_enough(run_folder: Path) -> None:
    lines = (run_folder / "summary.csv").read_text().splitlines()
    clean = [line for line in lines if ",snr0," not in line and not line.startswith("untrained")]
    (run_folder / "summary.csv").write_text("\n".join(clean) + "\n")
    (run_folder / "samples.csv").unlink()
    index = json.loads((write(run_folder) / "paper.json").read_text())
    assert "the paper's pure-LSTM is not among the runs" in index["missing"]
    assert "vgg_lstm: lacks condition snr20, snr10, snr0" in index["missing"]
    assert {figure["name"] for figure in index["figures"]} >= {"figure2", "figure4", "loss"}
    noise = index["claims"][1]["rows"]
    assert [row["sentence"] for row in noise] == ["The run has no noisy condition."]


def test_a_run_without_summary_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"summary\.csv: cannot be read"):
        write(tmp_path)
    write_rows(tmp_path / "summary.csv", SummaryRow, [])
    with pytest.raises(
        UserError, match=r"has no row; delete .*summary\.csv and call `otoscope run`"
    ):
        write(tmp_path)


def section_of(run: Path) -> str:
    page = build_atlas(run).path.read_text()
    return page.split('<section id="paper"')[1].split("</section>")[0]


def test_the_atlas_shows_the_paper(papered: Path) -> None:
    built = build_atlas(papered)
    section = built.path.read_text().split('<section id="paper"')[1].split("</section>")[0]
    assert '<a href="#paper">Paper</a>' in built.path.read_text()
    for words in (
        "Table 1: word error rate",
        "Table 2: equal error rate by ge2e",
        "cannot be said",
        "Speaker information falls with depth",
        "pure_lstm (not written yet)",
    ):
        assert words in section
    images = re.findall(r'src="([^"]+)"', section)
    index = json.loads((papered / "paper" / "paper.json").read_text())
    assert len(images) == len(index["figures"]) == section.count("<figcaption>")
    first = (built.path.parent / images[0]).read_bytes()
    assert first == (papered / "paper" / "figure2.png").read_bytes()
    assert '<small class="published">48.07</small>' in section
    links = re.findall(r'href="([^"]+)"', section)
    kinds = {link.rpartition(".")[2] for link in links}
    assert kinds == {"svg", "png"} and all((built.path.parent / link).is_file() for link in links)


def test_links_to_reports_that_are_there(papered: Path) -> None:
    report = papered / "pure_lstm" / "report" / "index.html"
    report.parent.mkdir(exist_ok=True)
    report.write_text("")
    page = build_atlas(papered).path
    assert '<a href="../pure_lstm/report/index.html">pure_lstm</a>' in page.read_text()
    assert (page.parent / "../pure_lstm/report/index.html").resolve() == report.resolve()
    shutil.rmtree(report.parent)


def test_figures_keep_to_the_size_of_the_atlas(papered: Path) -> None:
    built = build_atlas(papered, AtlasSettings(max_megabytes=5.0))
    assert built.left_out > 0
    section = built.path.read_text().split('<section id="paper"')[1].split("</section>")[0]
    index = json.loads((papered / "paper" / "paper.json").read_text())
    assert section.count("<img") < len(index["figures"])


def test_names_cannot_become_markup(papered: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(papered, tmp_path / "run"))
    path = run / "paper" / "paper.json"
    evil = json.dumps(EVIL)[1:-1]
    text = path.read_text()
    for word in ("ge2e", "pure_lstm", "blstm3", "cannot be said", "robust"):
        text = text.replace(word, word + evil)
    index = json.loads(text)
    index["figures"][0]["name"] = "../../../etc/passwd"
    index["architectures"]["x"] = "javascript:alert(1)"
    path.write_text(json.dumps(index))
    section = section_of(run)
    assert "<script" not in section and "blstm3&lt;script&gt;" in section
    assert "passwd" not in section
    assert "javascript:" not in section


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "it is no JSON: Expecting"),
        ("[]", "it is of another form)"),
        ('{"figures": [{}]}', "it lacks 'name')"),
        ("{}", "it lacks 'figures')"),
        (None, "No such file or directory)"),
    ],
)
def test_a_broken_index_is_named(tmp_path: Path, content: str | None, reason: str) -> None:
    (tmp_path / "paper").mkdir()
    if content is not None:
        (tmp_path / "paper" / "paper.json").write_text(content)
    notes: list[str] = []
    assert paper_section(tmp_path, notes) is None
    assert len(notes) == 1
    assert notes[0].startswith(f"paper/paper.json: cannot be read ({reason}")
    assert notes[0].endswith(
        f"; delete {tmp_path / 'paper'} and call `otoscope run` with the same configuration again"
    )


def test_the_rest_is_shown_when_the_paper_cannot_be(run_folder: Path) -> None:
    (run_folder / "paper").mkdir()
    page = build_atlas(run_folder).path.read_text()
    assert "paper/paper.json: cannot be read" in page and '<section id="paper"' not in page


def test_hostile_names_of_layers_and_verifiers_go_through(make_run) -> None:
    numbers = {(model, "clean", layer, "eer", f"{EVIL}/../x"): 5.0
               for model in ("baseline", "robust") for layer in (EVIL, "cnn1")}  # fmt: skip
    run = make_run(numbers).path
    output = write(run)
    tables = list(output.glob("table2_*.tex"))
    assert len(tables) == 1 and len(list(run.glob("**/table2_*.png"))) == 1
    assert "<script>" not in (output / "index.md").read_text()
    section = section_of(run)
    assert "<script" not in section and "&lt;script&gt;" in section
    assert section.count("<img") == 2


def test_only_a_lack_of_rows_leaves_a_figure_out(
    make_run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of the drawing itself is not passed off as something that the run lacks."""
    run = make_run({("robust", "clean", "cnn1", "eer", "v"): 4.0}).path

    def mistaken(name: str, names: list[str]) -> tuple[str, str]:
        raise ValueError(f"{name} is not in list")

    monkeypatch.setattr("evaluation.paper.figures.colour_of", mistaken)
    with pytest.raises(ValueError, match="v is not in list"):
        write_paper(run, {"vgg_lstm": run}, tmp_path / "paper")


def test_answers_to_recordings_of_another_run_are_left_out(make_run) -> None:
    """Trained anew, the run has other sounds: what people said of the old ones is not about it."""
    said = SummaryRow("robust", "clean", "cnn1", None, "her", "human", 20.0, 10.0, 30.0, 20, 0)
    numbers = {("robust", "clean", layer, "eer", "v"): 4.0 for layer in ("cnn1", "blstm1")}
    run = make_run(numbers, human=[said])
    assert run.human == [said] and not any("her.csv" in note for note in run.notes)
    asked = {t.a for t in load_test(run.path / "listening").triplets if t.layer == "cnn1"}
    heard = run.path / audio_path("robust", "clean", "cnn1", asked.pop())
    write_audio(heard, 0.1 * np.sin(np.arange(4000)), 16000)
    missing = json.loads((write(run.path) / "paper.json").read_text())["missing"]
    (note,) = [note for note in missing if "her.csv was left out" in note]
    assert note == (
        "vgg_lstm: listening/her.csv was left out: the listening test heard other recordings than "
        "this run's; build it again"
    )
    assert not read_finished_run("vgg_lstm", run.path).human
    heard.unlink()
    (note,) = [note for note in read_finished_run("x", run.path).notes if "her.csv was" in note]
    assert "cannot be compared with this run's" in note and heard.name in note
    (run.path / "listening" / "listen.json").unlink()
    (note,) = [note for note in read_finished_run("x", run.path).notes if "her.csv was" in note]
    assert "holds no listening test" in note
