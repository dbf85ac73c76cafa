"""What a run shows while it works: bars on a terminal, lines elsewhere."""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

WIDTH_ELSEWHERE = 150  # columns, where the output is not a terminal


def output_console() -> Console:
    """The standard output, wide enough for the tables where it is no terminal."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_ELSEWHERE)


def say(console: Console, line: str) -> None:
    """Print a line as it is, whatever names and paths are in it."""
    console.print(line, highlight=False, soft_wrap=True, markup=False)


class RunDisplay:
    """Progress of the stages; use it in a `with` and hand it to `run_stages` as watcher."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.bars: dict[str, TaskID] = {}
        self.spoken: dict[str, float] = {}
        self.progress = Progress(
            TextColumn("{task.fields[stage]:<28}", markup=False),
            BarColumn(30),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            console=console,
            transient=True,
        )

    def __enter__(self) -> "RunDisplay":
        if self.console.is_terminal:
            self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self.progress.stop()

    def __call__(self, stage: str, fraction: float, text: str, seconds: float) -> None:
        """Show that `stage` is at `fraction` after `seconds`."""
        if fraction >= 1.0:
            if stage in self.bars:
                self.progress.remove_task(self.bars.pop(stage))
            self.console.print(f"  {stage:<28} done in {seconds:6.1f} s", highlight=False)
        elif self.console.is_terminal:
            if stage not in self.bars:
                self.bars[stage] = self.progress.add_task("", total=1.0, stage=stage, text=text)
            self.progress.update(self.bars[stage], completed=fraction, text=text)
        elif time.monotonic() - self.spoken.get(stage, 0.0) > 30.0:
            self.spoken[stage] = time.monotonic()
            line = f"  {stage:<28} {100 * fraction:3.0f} %  {text}"
            self.console.print(line, highlight=False, soft_wrap=True, markup=False)
            sys.stdout.flush()
