"""The command line: `otoscope COMMAND [options]`."""

import sys
from collections.abc import Callable, Sequence

from acoustics.errors import mistake_in

USAGE = """usage: otoscope COMMAND [options]

Otoscope shows what each layer of a speech recogniser hears.

  run       one whole experiment, from speech to scores and report
            (without options: the embedded one, no download needed)
  asr       train, validate or test a recogniser        fit | validate | test | import
            (or take NVIDIA's public weights of Jasper)
  probe     train, validate or test a bank of probes    fit | validate | test
  verifier  train or validate a speaker verifier        fit | validate
  layers    what can be tapped in a recogniser, with stride and width
  sonify    what drives every feature of every layer: segments, words, phones, speakers
  audiate   sounds made to drive features, held against the corpus
  mask      the least of an utterance with which a recogniser says the same
  score     score any folder of rendered or enhanced speech against clean speech
  listen    the human listening test                    build | serve | score
  report    build the atlas of a run again: pages to look at and listen to
  serve     show it in a browser on this machine

'otoscope COMMAND --help' tells the options of each."""


def _run(arguments: list[str]) -> None:
    from otoscope.commands import run

    run(arguments)


def _layers(arguments: list[str]) -> None:
    from otoscope.commands import layers

    layers(arguments)


def _report(arguments: list[str]) -> None:
    from otoscope.report import report

    report(arguments)


def _serve(arguments: list[str]) -> None:
    from otoscope.serve import serve

    serve(arguments)


def _sonify(arguments: list[str]) -> None:
    from otoscope.sonify import sonify

    sonify(arguments)


def _audiate(arguments: list[str]) -> None:
    from otoscope.audiate import audiate

    audiate(arguments)


def _mask(arguments: list[str]) -> None:
    from otoscope.mask import mask

    mask(arguments)


def _score(arguments: list[str]) -> None:
    from otoscope.score import score

    score(arguments)


def _listen(arguments: list[str]) -> None:
    from otoscope.listen import listen

    listen(arguments)


def _asr(arguments: list[str]) -> None:
    from otoscope.lightning_cli import asr

    asr(arguments)


def _probe(arguments: list[str]) -> None:
    from otoscope.lightning_cli import probe

    probe(arguments)


def _verifier(arguments: list[str]) -> None:
    from otoscope.lightning_cli import verifier

    verifier(arguments)


COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "run": _run,
    "asr": _asr,
    "probe": _probe,
    "verifier": _verifier,
    "layers": _layers,
    "sonify": _sonify,
    "audiate": _audiate,
    "mask": _mask,
    "score": _score,
    "listen": _listen,
    "report": _report,
    "serve": _serve,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status.

    A mistake of the user's is one line on the standard error and status 2. A traceback is for our
    own bugs.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if given[0] == "--version":
        from importlib.metadata import version

        print(f"otoscope {version('otoscope')}")
        return 0
    if given[0] not in COMMANDS:
        print(f"otoscope: unknown command '{given[0]}'; see 'otoscope --help'", file=sys.stderr)
        return 2
    try:
        COMMANDS[given[0]](given[1:])
    except Exception as error:
        mistake = mistake_in(error)
        if mistake is None:
            raise
        print(f"otoscope: {mistake}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        how = "goes on from here" if given[0] == "run" else "begins anew"  # only a run has stages
        print(f"otoscope: stopped; the same command {how}", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
