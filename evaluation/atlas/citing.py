"""How to cite what an atlas shows."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import metadata
from typing import Any, NamedTuple


class Source(NamedTuple):
    """Where a method comes from, and its entry for BibTeX."""

    method: str
    text: str
    bibtex: str


SOURCES = (
    Source(
        "probing by resynthesis",
        "C.-Y. Li, P.-C. Yuan, H.-y. Lee: What does a network layer hear? Analyzing hidden"
        " representations of end-to-end ASR through speech synthesis. ICASSP 2020."
        " arXiv:1911.01102.",
        """@inproceedings{li2020layer,
  author    = {Li, Chung-Yi and Yuan, Pei-Chieh and Lee, Hung-yi},
  title     = {What Does a Network Layer Hear? Analyzing Hidden Representations of End-to-End
               {ASR} Through Speech Synthesis},
  booktitle = {ICASSP},
  year      = {2020},
  note      = {arXiv:1911.01102}
}""",
    ),
    Source(
        "dataset sonification",
        "A. Ghiasi, H. Kazemi, R. Huang, E. Liu, M. Goldblum, T. Goldstein: Feature sonification:"
        " an investigation on the features learned for automatic speech recognition. 2021."
        " https://cs.umd.edu/~amin/apps/visxai/sonification/",
        """@misc{ghiasi2021sonification,
  author = {Ghiasi, Amin and Kazemi, Hamid and Huang, Ronny and Liu, Emily and Goldblum, Micah
            and Goldstein, Tom},
  title  = {Feature Sonification: An investigation on the features learned for Automatic Speech
            Recognition},
  url    = {https://cs.umd.edu/~amin/apps/visxai/sonification/},
  year   = {2021}
}""",
    ),
    Source(
        "audiation",
        "N. Trenaman: Rough experiments in feature audiation. 5 July 2021.",
        """@misc{trenaman2021audiation,
  author = {Trenaman, Noah},
  title  = {Rough experiments in feature audiation},
  year   = {2021},
  month  = jul
}""",
    ),
    Source(
        "learned inputs and importance masks",
        "P. Lake: DeepSpeech audio features. A notebook without a date.",
        """@misc{lake-deepspeech,
  author       = {Lake, P.},
  title        = {{DeepSpeech} Audio Features},
  howpublished = {Notebook, undated}
}""",
    ),
)
"""Where each method comes from."""

SUBTITLE = "what each layer of a speech recogniser hears"


def citations(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What to cite: the software in the version that made the run, and the sources of the methods.

    Who wrote the software and where it lies is told as far as the installed package says it.

    Args:
        environment: of the run (`environment.json`).
    """
    versions = environment.get("versions")
    version = str(versions.get("otoscope", "")) if isinstance(versions, dict) else ""
    about = metadata("otoscope")
    named_by = about.get_all("Author") or about.get_all("Author-email") or [""]
    author = named_by[0].partition(" <")[0]
    url = next((line.partition(", ")[2] for line in about.get_all("Project-URL") or ()), "")
    named = f", version {version}" if version else ""
    software = (
        f"{author}: " * bool(author) + f"Otoscope{named}: {SUBTITLE}." + f" {url}" * bool(url)
    )
    fields = {
        "author": f"{{{author or 'Otoscope'}}}", "title": f"Otoscope: {SUBTITLE}",
        "version": version, "url": url,
    }  # fmt: skip
    lines = [f"  {name:7} = {{{value}}}" for name, value in fields.items() if value]
    entry = "@software{otoscope,\n" + ",\n".join(lines) + "\n}"
    return {
        "software": software,
        "sources": [(source.method, source.text) for source in SOURCES],
        "bibtex": "\n\n".join([entry, *(source.bibtex for source in SOURCES)]),
    }
