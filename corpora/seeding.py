"""Random numbers that depend on what they are for, not on the order in which they are drawn."""

import hashlib

import numpy as np


def derived_seed(*parts: object) -> int:
    """A 63-bit seed from any sequence of printable parts, equal on every machine."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def generator(*parts: object) -> np.random.Generator:
    """A generator of its own for ``parts``, e.g. ``generator(seed, epoch, utterance_id)``."""
    return np.random.default_rng(derived_seed(*parts))
