"""What is published does not say where things lay."""

import pytest

from evaluation.places import without_places


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("root: /home/ann/data/timit", "root: timit"),
        ("--corpus.init_args.root=/home/ann/a=b/timit", "--corpus.init_args.root=a=b/timit"),
        ("-c/home/ann/x.yaml", "-cx.yaml"),
        ('{"root":"/home/ann/p", "b": ["/v/w"]}', '{"root":"p", "b": ["w"]}'),
        ("runs/embedded/report ./a/b ../c/d", "runs/embedded/report ./a/b ../c/d"),
        ("https://cs.umd.edu/~amin/apps", "https://cs.umd.edu/~amin/apps"),
        ("3 of 4, 1/2 and a / b", "3 of 4, 1/2 and a / b"),
    ],
)
def test_absolute_paths_lose_their_folders(text: str, left: str) -> None:
    assert without_places(text) == left
