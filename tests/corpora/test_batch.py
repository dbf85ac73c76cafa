"""Utterances taken out of batches and put together again."""

import torch

from corpora.batch import joined


def test_single_utterances_joined_are_the_batch(make_batch) -> None:
    batch = make_batch([900, 1500, 1200])
    batch.failures, batch.warnings = [("u9", "silent")], [("u0-1", "clipped")]
    singles = [batch.single(row) for row in range(3)]
    assert [one.waveform.shape for one in singles] == [(1, 900), (1, 1500), (1, 1200)]
    assert all(not one.failures and not one.warnings for one in singles)
    again = joined(singles)
    for name in ("waveform", "clean", "lengths"):
        assert torch.equal(getattr(again, name), getattr(batch, name))
    for name in ("ids", "speakers", "texts", "noises", "snr_db", "sexes"):
        assert getattr(again, name) == getattr(batch, name)


def test_batches_are_padded_to_the_longest_and_keep_what_they_say(make_batch) -> None:
    one, other = make_batch([900, 700], seed=1), make_batch([1500], seed=2)
    one.failures, other.warnings = [("u9", "silent")], [("u2-0", "clipped")]
    both = joined([one, other])
    assert both.waveform.shape == (3, 1500) and both.lengths.tolist() == [900, 700, 1500]
    assert torch.equal(both.waveform[:2, :900], one.waveform)
    assert not both.waveform[0, 900:].any()
    assert (both.failures, both.warnings) == ([("u9", "silent")], [("u2-0", "clipped")])
