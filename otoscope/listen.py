"""`otoscope listen`: the human listening test, from a run's audio to error rates."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from jsonargparse import ActionYesNo, ArgumentParser, Namespace

from acoustics.errors import UserError
from evaluation.listening_test.folder import ANSWERS, ListeningTest, build_test, load_test
from evaluation.listening_test.run_audio import find_audio
from evaluation.listening_test.triplets import PAIRS
from otoscope.commands import parse
from otoscope.display import output_console, say
from otoscope.listen_score import score
from otoscope.local_server import check_port
from otoscope.locking import Work, locked

USAGE = """usage: otoscope listen build | serve | score [options]

The human listening test: two speakers, then a third utterance; which speaker is it?

  build     make a test folder of the audio that a run kept
  serve     run it on this machine, in a browser
  score     error rate of the listeners in each layer, and of verifiers beside it

'otoscope listen build --help' tells the options of each."""

WORK = Work(
    "listen serve",
    "use its address, or stop it",
    "copy the folder to where answers can be written",
    "answers are kept",
)


def listen(arguments: list[str]) -> None:
    """`otoscope listen`: build, serve or score a listening test."""
    commands: dict[str, Callable[[list[str]], None]] = {
        "build": build, "serve": serve, "score": score
    }  # fmt: skip
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    if arguments[0] not in commands:
        raise UserError(f"listen: unknown command {arguments[0]!r}; see 'otoscope listen --help'")
    commands[arguments[0]](arguments[1:])


def build(arguments: list[str]) -> None:
    """`otoscope listen build`: questions out of a run's audio."""
    parser = ArgumentParser(
        prog="otoscope listen build", exit_on_error=False, allow_abbrev=False,
        description="Makes a folder with the questions of a listening test and all its sounds, "
        "complete in itself. Needs a run that kept its audio.",
    )  # fmt: skip
    add = parser.add_argument
    add("--run", required=True, help="run folder, or that of a further architecture inside it")
    add("--output", required=True, help="folder to make")
    add("--model", default="robust", help="whose layers (default: robust)")
    add("--condition", default="clean", help="in which condition (default: clean)")
    add("--layers", nargs="+", help="names or globs like 'blstm*' (default: all tapped layers)")
    add("--per-layer", type=int, default=10, help="questions of each layer (default: 10)")
    add("--pairs", default="balanced", help=f"sexes of the two: {', '.join(PAIRS)}")
    add(
        "--natural",
        action=ActionYesNo(no_prefix="no-"),
        default=True,
        help="natural speech as one more layer, the control (default: yes)",
    )
    add("--seed", type=int, default=0, help="of the questions and of their order")
    options = parse(parser, arguments)
    _check(options)
    audio = find_audio(
        Path(options.run), options.model, options.condition, options.layers, options.natural
    )
    test = build_test(audio, Path(options.output), options.per_layer, options.seed, options.pairs)
    _show(test)


def _check(options: Namespace) -> None:
    if options.per_layer < 1:
        raise UserError(f"--per-layer: {options.per_layer} is not possible, it must be 1 or more")
    if options.seed < 0:
        raise UserError(f"--seed: {options.seed} is not possible, it must be 0 or more")
    if options.pairs not in PAIRS:
        raise UserError(f"--pairs: unknown {options.pairs!r}; known are {', '.join(PAIRS)}")


def _show(test: ListeningTest) -> None:
    console, layers = output_console(), ", ".join(test.settings["layers"])
    for line in (
        f"{len(test.triplets)} questions, {test.settings['per_layer']} of each layer: {layers}",
        *test.settings["notes"],
        f"now: otoscope listen serve {test.folder}",
    ):
        say(console, line)


def serve(arguments: list[str]) -> None:
    """`otoscope listen serve`: the test in a browser on this machine."""
    from otoscope.listen_server import serve as serve_test

    parser = ArgumentParser(
        prog="otoscope listen serve", exit_on_error=False, allow_abbrev=False,
        description="Runs a listening test at an address of this machine, for any number of "
        "listeners, until Ctrl-C. Answers lie in DIR/answers, one file for each.",
    )  # fmt: skip
    parser.add_argument("folder", help="folder that `otoscope listen build` made")
    parser.add_argument("--port", type=int, default=8765, help="0: any free one (default: 8765)")
    options = parse(parser, arguments)
    check_port(options.port)
    test = load_test(Path(options.folder))

    def announce(address: str) -> None:
        print(f"listening test at {address}", flush=True)
        print(f"answers go to {test.folder / ANSWERS}; Ctrl-C ends it", flush=True)

    with locked(test.folder, WORK):
        asyncio.run(serve_test(test, options.port, announce))
    print(f"ended; now: otoscope listen score {test.folder}")
