"""Keeps speechbrain's lazy modules from being imported by whoever looks through all modules."""

import sys


def settle_lazy_modules() -> None:
    """Give speechbrain's lazy modules a `__file__`; call it when speechbrain has been imported.

    They import what they stand for (k2, flair, ...), which may not be there, as soon as they are
    asked for an attribute that they lack. Whoever asks all of `sys.modules` for their files, as
    hypothesis does, and is not `inspect`, which they know, ends with their ImportError.
    """
    from speechbrain.utils.importutils import LazyModule

    for module in list(sys.modules.values()):
        if isinstance(module, LazyModule):
            module.__file__ = None
