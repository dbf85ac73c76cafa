"""espeak-ng in synthesis mode, with the times of its words and phonemes.

espeak-ng keeps its voice, its echo buffer and its random numbers in global state, so that what one
call returns depends on the calls before it. It is therefore run in a child process of its own,
``python -m corpora.espeak``: one list of requests gives one sequence of waveforms, whatever else
the parent has done, and a crash of the C library cannot take the parent along.
"""

import contextlib
import ctypes
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, cast

import espeakng_loader
import numpy as np
from numpy.typing import NDArray

ESPEAK_RATE = 22050

_SYNCHRONOUS = 2  # calls back from within espeak_Synth; retrieval mode polls every 20 ms
_PHONEME_EVENTS, _PHONEME_IPA, _DO_NOT_EXIT = 1, 2, 1 << 15
_UTF8, _END_PAUSE = 1, 0x1000
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_QUIET = 60  # of 100: at full volume some variants are clipped by the library itself
_LIST_END, _WORD, _PHONEME = 0, 1, 7


@dataclass(frozen=True)
class Utterance:
    """One request: ``voice`` is an espeak name such as ``gmw/en-US+f2``.

    ``rate`` is in words per minute; ``pitch`` and ``pitch_range`` run from 0 to 99 (50 is normal).
    """

    voice: str
    text: str
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50


@dataclass(frozen=True)
class Event:
    """A word or phoneme: where it begins in samples at 22.05 kHz, and what it is.

    ``text_position`` counts the characters before it in the request. ``symbol`` is IPA for a
    phoneme, "" for a word and for a pause.
    """

    kind: str
    sample: int
    text_position: int
    symbol: str


@dataclass(frozen=True)
class Spoken:
    """The answer to an :class:`Utterance`: ``(sample,)`` int16 at 22.05 kHz, and its events."""

    waveform: NDArray[np.int16]
    events: list[Event]


def speak(utterances: list[Utterance]) -> Iterator[Spoken]:
    """Speak ``utterances`` in order, in one child process.

    Yields:
        One :class:`Spoken` for each utterance, in order.

    Raises:
        RuntimeError: When espeak-ng fails; the message carries what it said.
    """
    command = [sys.executable, "-m", "corpora.espeak"]
    root = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=root
    ) as child:
        stdin, stdout, stderr = (
            cast(IO[bytes], p) for p in (child.stdin, child.stdout, child.stderr)
        )
        # The child reads all requests before it answers, so neither side can block the other.
        with contextlib.suppress(BrokenPipeError):
            stdin.write(json.dumps([asdict(u) for u in utterances]).encode())
            stdin.close()
        try:
            for _ in utterances:
                header = stdout.readline()
                if not header:
                    reason = stderr.read().decode(errors="replace").strip()
                    raise RuntimeError(f"espeak-ng stopped: {reason.splitlines()[-1:] or 'killed'}")
                answer = json.loads(header)
                samples = stdout.read(2 * answer["samples"])
                events = [Event(*event) for event in answer["events"]]
                yield Spoken(np.frombuffer(samples, dtype="<i2"), events)
        finally:
            child.kill()


class _Identifier(ctypes.Union):
    _fields_ = [
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    ]


class _Event(ctypes.Structure):  # espeak_EVENT of speak_lib.h
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Identifier),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class _Synthesiser:
    """The library, loaded once in the child process."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        options = _PHONEME_EVENTS | _PHONEME_IPA | _DO_NOT_EXIT
        data = espeakng_loader.get_data_path().encode()
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, options)
        if rate != ESPEAK_RATE:
            raise RuntimeError(f"espeak_Initialize returned {rate} instead of {ESPEAK_RATE}")
        self._chunks: list[NDArray[np.int16]] = []
        self._events: list[tuple[str, int, int, str]] = []
        self._callback = _Callback(self._collect)  # kept: ctypes does not hold a reference
        self._library.espeak_SetSynthCallback(self._callback)

    def _collect(self, samples, count, events) -> int:  # type: ignore[no-untyped-def]
        if count > 0:
            self._chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        index = 0
        while events[index].type != _LIST_END:
            event = events[index]
            position = max(event.text_position - 1, 0)
            if event.type == _WORD:
                self._events.append(("word", event.sample, position, ""))
            elif event.type == _PHONEME:
                symbol = event.id.string.decode("utf-8", errors="ignore")
                self._events.append(("phone", event.sample, position, symbol))
            index += 1
        return 0

    def __call__(self, utterance: Utterance) -> tuple[bytes, list[tuple[str, int, int, str]]]:
        self._chunks.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(utterance.voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {utterance.voice!r}")
        parameters = {
            _RATE: utterance.rate,
            _VOLUME: _QUIET,
            _PITCH: utterance.pitch,
            _RANGE: utterance.pitch_range,
        }
        for parameter, value in parameters.items():
            self._library.espeak_SetParameter(parameter, value, 0)
        self._library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        text = utterance.text.encode() + b"\0"
        status = self._library.espeak_Synth(
            text, ctypes.c_size_t(len(text)), 0, 1, 0, _UTF8 | _END_PAUSE, None, None
        )
        if status != 0:
            raise RuntimeError(f"espeak_Synth returned {status} for {utterance.text!r}")
        self._library.espeak_Synchronize()
        waveform = np.concatenate(self._chunks) if self._chunks else np.zeros(0, np.int16)
        return waveform.astype("<i2").tobytes(), list(self._events)


def main() -> None:
    """Answer the JSON list of requests on stdin: a JSON line, then raw samples, for each."""
    requests = json.load(sys.stdin)
    synthesise = _Synthesiser()
    for request in requests:
        samples, events = synthesise(Utterance(**request))
        header = json.dumps({"samples": len(samples) // 2, "events": events})
        sys.stdout.buffer.write(header.encode() + b"\n" + samples)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
