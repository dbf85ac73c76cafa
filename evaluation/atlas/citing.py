"""How to cite what an atlas shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES = {
    "probing by resynthesis": "C.-Y. Li, P.-C. Yuan, H.-y. Lee: What does a network layer hear?"
    " Analyzing hidden representations of end-to-end ASR through speech synthesis. ICASSP 2020.",
    "dataset sonification": "A. Ghiasi et al.: Feature Sonification. 2021.",
    "audiation": "N. Trenaman: Rough experiments in feature audiation. 2021.",
    "learned inputs and importance masks": "P. Lake: DeepSpeech audio features.",
}
"""Where each method comes from."""


def citations(environment: Mapping[str, Any]) -> dict[str, Any]:
    """What to cite: the software in the version that made the run, and the sources of the methods.

    Args:
        environment: of the run (`environment.json`).
    """
    versions = environment.get("versions")
    version = versions.get("otoscope", "") if isinstance(versions, dict) else ""
    named = f", version {version}" if version else ""
    software = f"Otoscope{named}: what each layer of a speech recogniser hears."
    return {"software": software, "sources": list(SOURCES.items())}
