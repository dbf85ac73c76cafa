"""Every notebook runs as it is, without a run, and shows a figure and a sound."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
METHODS = {"probing", "sonification", "audiation", "masks"}


class ThisPython(AsyncKernelManager):
    """Starts a kernel of this interpreter, whatever kernels are registered."""

    @property
    def kernel_spec(self) -> KernelSpec:
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=command, display_name="this", language="python")


@pytest.fixture
def kernel_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to run in; settings of whoever runs the tests do not matter."""
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))))
    place = tmp_path / "place"
    place.mkdir()
    yield place


def test_there_is_one_for_each_method_and_its_page_links_to_it() -> None:
    assert {path.stem for path in NOTEBOOKS} == METHODS
    for path in NOTEBOOKS:
        title = nbformat.read(path, 4).cells[0].source
        assert title.startswith("# ") and f"(../docs/{path.stem}.md)" in title
        assert "What you will see" in " ".join(title.split())
        page = (ROOT / "docs" / f"{path.stem}.md").read_text()
        assert f"(../notebooks/{path.stem}.ipynb)" in page


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_without_outputs(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert code[0].source.startswith("RUN = None")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_a_figure_and_a_sound(path: Path, kernel_place: Path) -> None:
    notebook = nbformat.read(path, 4)
    client = NotebookClient(
        notebook,
        timeout=120,
        km=ThisPython(),
        resources={"metadata": {"path": str(kernel_place)}},
    )
    client.execute()  # raises what a cell raises
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output.get("data", {}) for output in outputs]
    assert any("image/png" in data for data in shown)
    assert any("<audio" in data.get("text/html", "") for data in shown)
