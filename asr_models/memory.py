"""What becomes of freed memory while utterances of ever new lengths go by."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt
MOST, LARGEST = 2**30, 2**25  # bytes kept on top of the heap; largest piece taken from it


def keep_freed() -> None:
    """Have the C heap keep what a training step frees for the next one, up to 1 GB.

    By default glibc returns it at once and takes it anew, zeroed page by page: up to a sixth of
    a step. Does nothing where there is no glibc.
    """
    if sys.platform.startswith("linux"):
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(M_TRIM_THRESHOLD, MOST)
            mallopt(M_MMAP_THRESHOLD, LARGEST)


def give_back_freed() -> None:
    """Return the C heap's free pages to the system (5 ms); does nothing where there is no glibc.

    oneDNN keeps a compiled kernel for every new shape. These small pieces come to lie between the
    freed tensors, so glibc cannot shrink its heap, and an evaluation grew by 9 MB with every batch.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
