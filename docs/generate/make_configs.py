"""Writes docs/configs.md: every key of an experiment, from the constructors that read them.

python docs/generate/make_configs.py
"""

import importlib
import inspect
import json
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from docstrings import UndocumentedError, cell, meanings, shown, summary

import asr_models
import corpora
import evaluation.verifiers
from asr_models.recogniser import Recogniser
from corpora.corpus import Corpus, ImpulseResponses, NoiseSource
from evaluation.audiation.study_settings import AudiationSettings
from evaluation.masks.mask_settings import MaskSettings
from evaluation.sonification.study_settings import StudySettings
from evaluation.verifiers.encoder import SpeakerEncoder
from otoscope.configuration import as_values, experiment_parser
from otoscope.experiment import Experiment

PAGE = Path(__file__).parents[1] / "configs.md"

PARTS: dict[type, str] = {
    Corpus: "corpora",
    NoiseSource: "noise",
    ImpulseResponses: "rooms",
    Recogniser: "recognisers",
    SpeakerEncoder: "encoders-of-verifiers",
}
"""What is named by `class_path`, and the heading of its section."""

STUDIES = (StudySettings, AudiationSettings, MaskSettings)
"""Settings that a command of its own has too, there with the defaults of the class."""

HEAD = """\
# Reference: configurations

<!-- written by docs/generate/make_configs.py from constructors and docstrings; change those -->

An experiment is a YAML file that says what differs from the embedded one. `otoscope run -c FILE`
reads it, `--key value` changes single keys, and `config.yaml` of the run folder has all of them as
they were. What takes a `class_path` and `init_args` has a section below; a class of your own, of
the same base, can stand there as well. The files of a run have [a page of their own](files.md); how
to write a first configuration is in the [tutorial](tutorial.md).

```sh
otoscope run -c mine.yaml --evaluation.conditions '[clean, snr10]' --probe.hidden 128
otoscope run -c mine.yaml --print_config   # all keys as they would be, and no run
```

A list replaces the one before it. `${oc.env:NAME,default}` takes a value from the environment. A
key that is not there, or a value of another type, is refused by its name before any work.

## Keys

The default is that of the embedded experiment. Where `otoscope sonify`, `audiate` or `mask` has
another, called by itself, it stands behind "alone".
"""


def page() -> str:
    """The whole page."""
    parser = experiment_parser()
    values = as_values(parser, parser.parse_args([]))
    parts = [HEAD]
    plain: list[str] = []
    for name, kind in _arguments(Experiment).items():
        data = _dataclass_in(kind)
        row = _row(name, _type(kind, data), values[name] if data is None else None, Experiment)
        if data is None:
            plain.append(row)
            continue
        said = meanings(Experiment)[name]
        parts.append(
            f"\n### `{name}`\n\n{said[0].upper()}{said[1:]}\n\n{_table(name, kind, values)}"
        )
    parts.insert(1, "\n" + _titled(plain))
    for base, heading in PARTS.items():
        parts.append(f"\n## {heading.replace('-', ' ').capitalize()}\n")
        parts += [_section(found) for found in _subclasses(base)]
    return "".join(parts)


def _titled(rows: list[str]) -> str:
    return "| key | type | default | what |\n|---|---|---|---|\n" + "".join(rows)


def _table(name: str, kind: Any, values: Mapping[str, Any]) -> str:
    """The keys below a key whose value is a dataclass, or a dictionary of them."""
    data = _dataclass_in(kind)
    assert data is not None  # noqa: S101 - for the type checker
    if get_origin(kind) is dict:
        return _titled(list(_rows(f"{name}.NAME", data, None)))
    given = values[name]
    return _titled(list(_rows(name, data, given)))


def _rows(prefix: str, data: type, given: Mapping[str, Any] | None) -> Iterator[str]:
    for name, kind in _arguments(data).items():
        own = _default(data, name)
        inner = _dataclass_in(kind)
        value = own if given is None else given[name]
        if inner is not None and given is not None:
            yield from _rows(f"{prefix}.{name}", inner, value)
            continue
        alone = data in STUDIES and own != value
        other = f", alone {_value(own)}" if alone else ""
        yield _row(f"{prefix}.{name}", _type(kind, inner), value, data, other)


def _row(name: str, kind: str, value: Any, owner: type, other: str = "") -> str:
    known = meanings(owner)
    key = name.rpartition(".")[2]
    if not known.get(key):
        raise UndocumentedError(f"{owner.__qualname__}: its docstring does not say what {key} is")
    return f"| `{name}` | {kind} | {_value(value)}{other} | {cell(known[key].rstrip('.'))} |\n"


def _section(found: type) -> str:
    """A class that can be named, with its arguments."""
    title = f"\n### `{found.__module__}.{found.__qualname__}`\n\n{summary(found)}\n"
    rows = [
        _row(name, shown(kind), _default(found, name), found)
        for name, kind in _arguments(found).items()
    ]
    return f"{title}\n{_titled(rows)}" if rows else title


def _type(kind: Any, data: type | None) -> str:
    """A type, with a link to what can be named there."""
    if data is not None:
        text = shown(kind).replace(data.__name__, "keys as those of `baseline`")
    else:
        text = shown(kind)
    for base, heading in PARTS.items():
        text = text.replace(base.__name__, f"[{base.__name__}](#{heading})")
    return text


def _dataclass_in(kind: Any) -> type | None:
    """The dataclass that a type is, may be, or has as values."""
    inner = (kind, *get_args(kind))
    return next((one for one in inner if isinstance(one, type) and is_dataclass(one)), None)


def _arguments(owner: type) -> dict[str, Any]:
    """Types of the arguments of a constructor, in order."""
    names = list(inspect.signature(owner.__init__).parameters)[1:]
    hints = get_type_hints(owner.__init__)
    return {name: hints[name] for name in names}


def _default(owner: type, name: str) -> Any:
    """The default of an argument; `MISSING` where it must be given."""
    if is_dataclass(owner):
        (one,) = [field for field in fields(owner) if field.name == name]
        return one.default_factory() if one.default_factory is not MISSING else one.default
    value = inspect.signature(owner.__init__).parameters[name].default
    return MISSING if value is inspect.Parameter.empty else value


def _value(value: Any) -> str:
    """A value as YAML, in one line."""
    if value is MISSING:
        return "must be given"
    if isinstance(value, Mapping) and "class_path" in value:
        return _named(value)
    if value == "":
        return "empty"
    if isinstance(value, str):
        return f"`{value}`"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _named(value: Mapping[str, Any]) -> str:
    """A class, and the arguments that are not its own defaults."""
    module, _, name = value["class_path"].rpartition(".")
    owner = getattr(importlib.import_module(module), name)
    given = value.get("init_args") or {}
    plain = {key: json.loads(json.dumps(_default(owner, key))) for key in given}
    other = [f"{key}: {json.dumps(given[key])}" for key in given if given[key] != plain[key]]
    return f"`{value['class_path']}`" + (f" with `{', '.join(other)}`" if other else "")


def _subclasses(base: type) -> list[type]:
    """What is ours and can be made, by name."""
    for package in (corpora, asr_models, evaluation.verifiers):
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{package.__name__}.{module.name}")
    found, rest = set[type](), [base]
    while rest:
        below = rest.pop().__subclasses__()
        rest += below
        found |= {one for one in below if not inspect.isabstract(one)}
    ours = ("corpora.", "asr_models.", "evaluation.verifiers.")
    return sorted(
        (one for one in found if one.__module__.startswith(ours)), key=lambda one: one.__qualname__
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
