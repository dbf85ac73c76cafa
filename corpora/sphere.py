"""Headers of NIST SPHERE files, which libsndfile reads less carefully than a corpus needs."""

from pathlib import Path

_MAGIC, _USUAL = b"NIST_1A", 1024
_PLAIN = {"pcm", "alaw", "ulaw", "mu-law"}
_COMPRESSIONS = ("shorten", "shortpack", "wavpack")


def sphere_problem(path: Path) -> str | None:
    """Why a SPHERE file cannot be used; None when it can, or when it is none.

    libsndfile reads a truncated file without a word, and says of a compressed one no more than that
    it is unimplemented.
    """
    fields = read_header(path)
    if fields is None:
        return None
    coding = fields.get("sample_coding", "pcm")  # TIMIT's own headers leave it out
    order = fields.get("sample_byte_format", "01")
    if coding not in _PLAIN or any(name in order for name in _COMPRESSIONS):
        named = order if coding in _PLAIN else coding
        return (
            f"compressed SPHERE ({named}), which cannot be read here: write it anew with "
            "`sph2pipe -f wav`, or with NIST's w_decode"
        )
    try:
        announced = int(fields["sample_count"])
        width = int(fields["sample_n_bytes"]) * int(fields["channel_count"])
    except (KeyError, ValueError):
        return "damaged SPHERE header: no sample_count, sample_n_bytes or channel_count"
    there = (path.stat().st_size - int(fields["header_bytes"])) // max(width, 1)
    if there < announced:
        return f"truncated: {max(there, 0)} of {announced} samples are there"
    return None


def read_header(path: Path) -> dict[str, str] | None:
    """The fields of a SPHERE header by name, and its length as "header_bytes"; None for others.

    The format is two lines, ``NIST_1A`` and the length of the header (1024), then lines of a name,
    a type (``-i``, ``-r`` or ``-s`` with a length) and a value, up to ``end_head``.
    """
    with path.open("rb") as file:
        header = file.read(_USUAL)
        if not header.startswith(_MAGIC):
            return None
        size = header[len(_MAGIC) :].split(None, 1)[:1]
        length = int(size[0]) if size and size[0].isdigit() else _USUAL
        lines = (header + file.read(max(length - _USUAL, 0))).decode("latin-1").splitlines()
    fields = {"header_bytes": str(length)}
    for line in lines[2:]:
        parts = line.split(None, 2)
        if parts[:1] == ["end_head"]:
            break
        if len(parts) == 3:
            fields[parts[0]] = parts[2].strip()
    return fields
