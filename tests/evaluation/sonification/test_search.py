"""The search: known answers come out, and all else equals keeping everything and sorting it."""

import json
import multiprocessing
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from acoustics.errors import UserError
from evaluation.sonification.activity import CONSTANT, NEVER_ACTIVE
from evaluation.sonification.layer_groups import grouped
from evaluation.sonification.search import Search, sonify
from evaluation.sonification.search_settings import SearchSettings
from evaluation.sonification.unit_names import NGRAMS
from evaluation.sonification.units import build_units

UNITS = ["segments", "utterances", "words", *NGRAMS]
IH, MOON, BEA, NOTHING = range(4)  # features of layer `fine`


@pytest.fixture(scope="module")
def corpus(toy):
    return toy.corpus(each=2)


@pytest.fixture(scope="module")
def units(corpus):
    return build_units(corpus.cuts, UNITS)


@pytest.fixture(scope="module")
def everything(toy, corpus):
    """All states of all layers."""
    return toy.states(corpus, toy.recogniser())


def most_common(labels: np.ndarray) -> str:
    return Counter(labels.tolist()).most_common(1)[0][0]


def test_kept_words_are_means_of_rectified_states(toy, corpus, units) -> None:
    """Of a layer whose states change sign inside a word; the mean's own rectification is less."""
    recogniser, kept = toy.recogniser(), np.arange(3, 9)
    recogniser.coarse.register_forward_hook(lambda module, inputs, output: output - 1 / 32)
    words, timing = units.registries["words"], recogniser.layers["coarse"].timing
    states = toy.states(corpus, recogniser)["coarse"]
    found = sonify(recogniser, toy.batches(corpus), units, kept_words=kept).words["coarse"]
    expected = toy.scores([np.maximum(s, 0) for s in states], timing, words, "mean").T
    np.testing.assert_allclose(found.rows, expected[kept], rtol=1e-6)
    np.testing.assert_allclose(found.expected, expected.mean(0), rtol=1e-6)
    late = np.maximum(toy.scores(states, timing, words, "mean").T, 0)
    assert found.expected[0] > 1.1 * late.mean(0)[0]


def test_a_known_answer(toy) -> None:
    """One feature fires on a phone, one on a word, one on a speaker and one never, in noise."""
    corpus = toy.corpus(shortest=320)
    units = build_units(corpus.cuts, UNITS)
    found = sonify(toy.recogniser(), toy.batches(corpus), units)
    tops, made = found.tops, units.registries
    phones = made["phones"].label[tops["phones"]["fine"].ids]
    assert set(phones[IH, :12]) == {"ih"}
    words = made["words"].label[tops["words"]["fine"].ids]
    there = Counter(made["words"].label.tolist())["moon"]
    assert words[MOON, : min(there, 20)].tolist() == ["moon"] * min(there, 20)
    ids = tops["segments"]["fine"].ids[BEA]
    bea = Counter(made["segments"].speaker.tolist())["bea"]
    assert set(made["segments"].speaker[ids[:bea]]) == {"bea"}
    assert set(made["segments"].sex[ids[:bea]]) == {"female"}
    assert found.activity["fine"].dead.tolist() == ["", "", "", NEVER_ACTIVE, "", ""]
    assert found.activity["coarse"].dead.tolist() == ["", "", CONSTANT]
    means = found.tables["phone"].means["fine"].mean
    assert found.tables["phone"].labels.names[np.nanargmax(means[:, IH])] == "ih"
    means = found.tables["word"].means["fine"].speaker_mean
    assert found.tables["word"].labels.names[np.nanargmax(means[:, MOON])] == "moon"


@pytest.mark.parametrize("score", ["mean", "sum", "max"])
def test_every_unit_equals_brute_force(toy, corpus, units, everything, score) -> None:
    recogniser, rng = toy.recogniser(), np.random.default_rng(0)
    found = []
    for limit in (None, "utterance", "speaker"):
        for size in (1, 5, 12):
            batches = toy.batches(corpus, size, rng.permutation(len(corpus.cuts)))
            settings = SearchSettings(score=score, limit=limit, k=9)
            found.append(sonify(recogniser, batches, units, settings))
    for unit, registry in units.registries.items():
        owners = {None: None, "utterance": registry.owner, "speaker": registry.speaker}
        for name, layer in recogniser.layers.items():
            scores = toy.scores(everything[name], layer.timing, registry, score)
            expected = {limit: toy.top(scores, 9, own) for limit, own in owners.items()}
            for one in found:
                values, ids = expected[one.settings.limit]
                np.testing.assert_array_equal(one.tops[unit][name].ids, ids, f"{unit} {name}")
                np.testing.assert_array_equal(one.tops[unit][name].scores, values)


def test_tables_equal_brute_force(toy, corpus, units, everything) -> None:
    found = sonify(toy.recogniser(), toy.batches(corpus, 7), units)
    for tier in ("word", "phone"):
        registry, table = units.tiers[tier], found.tables[tier]
        for name, layer in toy.recogniser().layers.items():
            sums = toy.scores(everything[name], layer.timing, registry, "sum")
            for row, label in enumerate(table.labels.names):
                said = registry.label == label
                speakers = sorted(set(registry.speaker[said]))
                own = [sums[:, said & (registry.speaker == s)].mean(1) for s in speakers]
                means = table.means[name]
                np.testing.assert_allclose(means.mean[row], sums[:, said].mean(1), rtol=1e-5)
                np.testing.assert_allclose(means.speaker_mean[row], np.mean(own, 0), rtol=1e-5)
            np.testing.assert_allclose(means.expected, sums.mean(1), rtol=1e-5)


def test_activity_equals_brute_force(toy, corpus, units, everything) -> None:
    found = sonify(toy.recogniser(), toy.batches(corpus, 7), units)
    for name, states in everything.items():
        together, activity = np.concatenate(states), found.activity[name]
        assert activity.states == len(together)
        np.testing.assert_array_equal(activity.maximum, together.max(0))
        np.testing.assert_allclose(activity.mean, together.mean(0), atol=1e-6)
    np.testing.assert_allclose(found.activity["fine"].density, (together > 0).mean(0))


def test_a_set_of_features_counts_by_its_mean(toy, corpus, units, everything) -> None:
    sets = {"fine:two": [IH, MOON], "coarse:one": [1]}
    settings = SearchSettings(layers=["fine", "coarse"], sets=sets, score="max")
    found = sonify(toy.recogniser(), toy.batches(corpus, 7), units, settings)
    assert list(found.searched) == ["coarse", "coarse:one", "fine", "fine:two"]
    timing = toy.recogniser().layers["fine"].timing
    both = [states[:, [IH, MOON]].mean(1, keepdims=True) for states in everything["fine"]]
    scores = toy.scores(both, timing, units.registries["words"], "max")
    np.testing.assert_array_equal(found.tops["words"]["fine:two"].ids, toy.top(scores, 20)[1])
    one, whole = found.tops["words"]["coarse:one"], found.tops["words"]["coarse"]
    assert one.ids.tolist() == whole.ids[1:2].tolist()


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_merge_to_the_result_of_one(toy, corpus, units, ranks) -> None:
    recogniser, settings = toy.recogniser(), SearchSettings(limit="speaker")
    one = sonify(recogniser, toy.batches(corpus), units, settings)
    parts = [Search(recogniser, units, settings) for _ in range(ranks)]
    for i, batch in enumerate(toy.batches(corpus, 2)):
        parts[i % ranks].add(batch)
    first = parts[0]
    for part in parts[1:]:
        first.attendance.heard += part.attendance.heard
        for unit, tops in first.gathering.tops.items():
            for mine, other in zip(tops, part.gathering.tops[unit], strict=True):
                mine.merge_state(other)
        for tier, tables in first.gathering.tables.items():
            for name, table in tables.items():
                table.merge_state(part.gathering.tables[tier][name])
        for name, metric in first.gathering.activity.items():
            metric.merge_state(part.gathering.activity[name])
    same(one, first.result())


def same(one, other) -> None:
    """Two results are equal; sums of floats within their last bits."""
    np.testing.assert_array_equal(one.heard, other.heard)
    for unit, layers in one.tops.items():
        for name, top in layers.items():
            np.testing.assert_array_equal(top.ids, other.tops[unit][name].ids)
            np.testing.assert_array_equal(top.scores, other.tops[unit][name].scores)
    for tier, table in one.tables.items():
        for name, means in table.means.items():
            for mine, theirs in zip(means, other.tables[tier].means[name], strict=True):
                np.testing.assert_allclose(mine, theirs, rtol=1e-6)
    for name, activity in one.activity.items():
        np.testing.assert_array_equal(activity.density, other.activity[name].density)
        np.testing.assert_array_equal(activity.quantiles, other.activity[name].quantiles)


def rank_of_two(rank: int, folder: Path, recogniser, units, batches) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2
    )
    mine = batches[rank::2]
    mine[0].failures = [(f"lost-{rank}", f"unreadable in {rank}")]
    found = sonify(recogniser, mine, units)
    told = {
        "ids": {u: {n: t.ids.tolist() for n, t in tops.items()} for u, tops in found.tops.items()},
        "means": found.tables["word"].means["fine"].speaker_mean.tolist(),
        "density": found.activity["fine"].density.tolist(),
        "lost": found.lost,
    }
    (folder / f"{rank}.json").write_text(json.dumps(told))
    torch.distributed.destroy_process_group()


def test_two_processes_give_the_tables_of_one(toy, corpus, tmp_path) -> None:
    lost = [toy.cut("lost-0", 8000), toy.cut("lost-1", 8000)]
    units = build_units([*corpus.cuts, *lost], ["segments", "words", "phones3"])
    recogniser, batches = toy.recogniser(), toy.batches(corpus, 5)
    one = sonify(recogniser, batches, units)
    fork = multiprocessing.get_context("fork")
    pair = [fork.Process(target=rank_of_two, args=(i, tmp_path, recogniser, units, batches))
            for i in (0, 1)]  # fmt: skip
    for process in pair:
        process.start()
    for process in pair:
        process.join(120)
        assert process.exitcode == 0
    for rank in (0, 1):
        told = json.loads((tmp_path / f"{rank}.json").read_text())
        for unit, tops in one.tops.items():
            assert {n: top.ids.tolist() for n, top in tops.items()} == told["ids"][unit]
        expected = one.tables["word"].means["fine"].speaker_mean
        np.testing.assert_allclose(told["means"], expected, rtol=1e-6)
        assert told["density"] == one.activity["fine"].density.tolist()
        assert told["lost"] == {"lost-0": "unreadable in 0", "lost-1": "unreadable in 1"}


def test_padding_that_is_not_zero_changes_nothing(toy, corpus, units) -> None:
    leaky = toy.recogniser()
    for module in (leaky.coarse, leaky.fine):
        module.register_forward_hook(
            lambda _, inputs, out: out.masked_fill(
                ~(inputs[1][:, None, :, None] if out.ndim == 4 else inputs[1][..., None]), torch.nan
            )
        )
    batches = toy.batches(corpus, 12)
    same(sonify(toy.recogniser(), batches, units), sonify(leaky, batches, units))


def test_activations_that_are_no_number_are_named_counted_and_never_win(toy, corpus, units) -> None:
    recogniser = toy.recogniser()
    bea = 1 + list(toy.speakers).index("bea")

    def spoil(_, inputs, out):
        out[..., MOON] = out[..., MOON].masked_fill(inputs[0] // 256 == bea, torch.nan)
        return out

    recogniser.fine.register_forward_hook(spoil)
    found = sonify(recogniser, toy.batches(corpus), units)
    clean = sonify(toy.recogniser(), toy.batches(corpus), units)
    for unit, registry in units.registries.items():
        top = found.tops[unit]["fine"]
        assert "bea" not in registry.speaker[top.ids[MOON]]
        assert top.broken.tolist() == [0, (registry.speaker == "bea").sum(), 0, 0, 0, 0]
        others = [IH, BEA, NOTHING, 4, 5]
        assert (top.ids[others] == clean.tops[unit]["fine"].ids[others]).all()
    broken = found.activity["fine"].broken
    assert broken[MOON] > 0
    assert broken.sum() == broken[MOON]
    remark = f"1 of 6 features, in up to {broken[MOON]} of {found.activity['fine'].states} states"
    spoilt = {unit: sum(registry.speaker == "bea") for unit, registry in units.registries.items()}
    assert [line for line in found.remarks() if line.startswith("fine")] == [
        f"fine: activations that are no finite numbers in {remark}",
        *(f"fine, {unit}: {count} scores of segments are lost" for unit, count in spoilt.items()),
    ]


def test_what_cannot_be_loaded_is_named_and_loses_nothing_else(toy, corpus, units) -> None:
    batches = toy.batches(corpus, 4)
    lost = batches[2].ids[1]
    batches[2] = batches[2].select([0, 2, 3])
    batches[2].failures = [(lost, "truncated")]
    batches.insert(1, batches[0].select([]))
    found = sonify(toy.recogniser(), batches, units)
    assert found.lost == {lost: "truncated"}
    assert lost not in units.registries["segments"].utterance[found.tops["segments"]["fine"].ids]
    assert found.heard.sum() == len(corpus.cuts) - 1
    assert f"{lost}: not heard, truncated" in found.remarks()


def test_an_utterance_without_a_batch_is_named(toy, corpus, units) -> None:
    found = sonify(toy.recogniser(), toy.batches(corpus, 4)[1:], units)
    assert found.lost == dict.fromkeys([cut.id for cut in corpus.cuts[:4]], "no batch had it")


def test_what_lhotse_hands_out_twice_counts_once(toy, corpus, units) -> None:
    batches = toy.batches(corpus)
    again = batches[0].select([0, 1])
    again.ids = [f"{name}_dup0" for name in again.ids]
    same(
        sonify(toy.recogniser(), batches, units), sonify(toy.recogniser(), [*batches, again], units)
    )


def test_an_utterance_that_comes_twice_is_refused(toy, corpus, units) -> None:
    batches = toy.batches(corpus)
    with pytest.raises(UserError, match="utterance 'ann-0' came 2 times"):
        sonify(toy.recogniser(), [*batches, batches[0]], units)


def test_batches_of_other_utterances_are_refused(toy, corpus) -> None:
    batch = toy.batches(corpus)[0]
    with pytest.raises(UserError, match="'ann-0' is not among those to be searched: build"):
        sonify(toy.recogniser(), [batch], build_units([toy.cut("x", 16000)]))
    with pytest.raises(UserError, match=r"'ann-0' has \d+ samples, but its cut 4000"):
        sonify(toy.recogniser(), [batch], build_units([toy.cut("ann-0", 4000)]))


def test_without_alignments_segments_are_searched_all_the_same(toy, corpus) -> None:
    cuts = [toy.cut(cut.id, len(corpus.sounds[cut.id])) for cut in corpus.cuts]
    found = sonify(toy.recogniser(), toy.batches(corpus), build_units(cuts))
    assert list(found.tops) == ["segments"]
    assert found.tables == {}
    assert found.remarks() == [
        "words: not searched, no utterance has an alignment of its words",
        "phones: not searched, no utterance has an alignment of its phones",
    ]


def test_layers_are_sorted_together_up_to_a_size() -> None:
    features = {"a": 3, "b": 4, "c": 9, "d": 1, "e": 6, "f": 1}
    assert grouped(features, 7) == [{"a": 3, "b": 4}, {"c": 9}, {"d": 1, "e": 6}, {"f": 1}]


def test_progress_ends_at_one(toy, corpus, units) -> None:
    said: list[float] = []
    sonify(toy.recogniser(), toy.batches(corpus), units,
           progress=lambda share, line: said.append(share))  # fmt: skip
    assert said == sorted(said)
    assert said[-1] == 1.0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": ["fin"]}, "layer 'fin' is unknown; this recogniser has coarse, fine"),
        ({"sets": {"fine": [1]}}, "feature set 'fine' must be called layer:name"),
        ({"sets": {"fin:a": [1]}}, "feature set 'fin:a' must be called layer:name"),
        ({"sets": {"fine:a": [6]}}, "feature set 'fine:a': fine has features 0 to 5, not 6"),
        ({"sets": {"fine:a": []}}, "feature set 'fine:a' must name one or more features"),
        ({"sets": {"fine:a": [1, 1]}}, "feature set 'fine:a' must name one or more features"),
        ({"k": 0}, "k is 0; it must be 1 or more"),
    ],
)
def test_settings_that_cannot_be(toy, units, settings, message) -> None:
    with pytest.raises(UserError, match=message):
        Search(toy.recogniser(), units, SearchSettings(**settings))


def test_a_score_or_limit_that_there_is_not() -> None:
    for name, message in (("score", "it can be mean, sum, max"), ("limit", "utterance, speaker")):
        settings = SearchSettings()
        object.__setattr__(settings, name, "median")  # past the type checker of the tests
        with pytest.raises(UserError, match=f"{name} is 'median'.*{message}"):
            settings.__post_init__()


def test_a_real_recogniser_gives_the_same_for_any_batches(
    toy, corpus, units, tiny_recogniser
) -> None:
    recogniser = tiny_recogniser().freeze()
    one = sonify(recogniser, toy.batches(corpus, 1), units)
    other = sonify(recogniser, toy.batches(corpus, 9), units)
    for unit, tops in one.tops.items():
        for name, top in tops.items():
            theirs = other.tops[unit][name]
            np.testing.assert_allclose(top.scores, theirs.scores, rtol=1e-4, atol=1e-4)
            assert (top.ids == theirs.ids).mean() > 0.95, (unit, name)
