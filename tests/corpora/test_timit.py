"""TIMIT from a tiny folder in its layout, with SPHERE headers written by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet
from lhotse.supervision import AlignmentItem

from acoustics.errors import UserError
from corpora.audio import load_waveform
from corpora.datamodule import SpeechDataModule
from corpora.sphere import read_header, sphere_problem
from corpora.timit import TimitCorpus
from corpora.timit_files import read_labels, read_speakers, spelled
from corpora.timit_layout import CORE_TEST
from corpora.timit_phones import PHONES_39, PHONES_61, fold, folded

SAMPLES = np.arange(-8000, 8000, dtype=np.int16)  # one second, every sample different
WORDS = "1200 4001 don't\n4001 8000 look\n"
PHONES = "0 1200 h#\n1200 2000 d\n2000 3333 ow\n3333 4001 n\n4001 8000 q\n8000 15900 h#\n"
TABLE = """;  SPEAKER INFORMATION
;  ID  Sex DR Use  RecDate   BirthDate  Ht    Race Edu  Comments
AAA0  F  1  TRN  03/03/86  06/17/60  5'4"   WHT  BS
BBB0  M  1  TRN  03/03/86  03/03/60  6'0"   WHT  BS   has a cold
CCC0  F  2  TRN  01/08/86  ??/??/??  5'9"   ???  ??
ELC0  F  1  TST  01/08/86  05/26/56  ?'??"  WHT  HS
"""
PLACES = {
    "TRAIN": {"DR1": ["FAAA0", "MBBB0"], "DR2": ["FCCC0", "MDDD0"]},
    "TEST": {"DR1": ["FELC0", "MEEE0"]},
}
IDS = ("SA1", "SI9", "SX7")


def sphere(
    samples: np.ndarray = SAMPLES, order: str = "01", extra: str = "", **changes: int
) -> bytes:
    """A SPHERE file as TIMIT has them: 1024 bytes of header, then 16-bit samples."""
    fields = {"channel_count": 1, "sample_count": len(samples), "sample_rate": 16000}
    lines = [
        f"{name} -i {value}" for name, value in (fields | {"sample_n_bytes": 2} | changes).items()
    ]
    lines += [f"sample_byte_format -s{len(order)} {order}", "sample_sig_bits -i 16"]
    header = "\n".join(
        ["NIST_1A", "   1024", "database_id -s5 TIMIT", *lines, f"{extra}end_head", ""]
    )
    body = samples.astype(">i2" if order == "10" else "<i2").tobytes()
    return header.encode().ljust(1024) + body


def write_timit(root: Path, upper: bool = True) -> Path:
    def named(name: str) -> str:
        return name if upper else name.lower()

    for part, regions in PLACES.items():
        for region, speakers in regions.items():
            for speaker in speakers:
                folder = root.joinpath(*map(named, (part, region, speaker)))
                folder.mkdir(parents=True)
                for sentence in IDS:
                    for end, content in (
                        ("WAV", sphere()),
                        ("TXT", b"0 16000 Don't look -- it's well-made, \"Ann\".\r\n"),
                        ("WRD", WORDS.encode()),
                        ("PHN", PHONES.encode()),
                    ):
                        (folder / named(f"{sentence}.{end}")).write_bytes(content)
    (root / named("DOC")).mkdir()
    (root / named("DOC") / named("SPKRINFO.TXT")).write_text(TABLE)
    return root


@pytest.fixture
def timit(tmp_path: Path) -> Path:
    return write_timit(tmp_path / "TIMIT")


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., TimitCorpus]:
    def make(root: Path, dev_speakers: int = 0, **settings: object) -> TimitCorpus:
        cache = str(tmp_path / "cache")
        return TimitCorpus(str(root), dev_speakers=dev_speakers, cache=cache, **settings)  # type: ignore[arg-type]

    return make


Make = Callable[..., TimitCorpus]


def names(cuts: CutSet) -> list[str]:
    return [cut.id for cut in cuts]


def first_folder(root: Path) -> Path:
    return root / "TRAIN" / "DR1" / "FAAA0"


def test_upper_and_lower_case_are_read_alike(tmp_path: Path, corpus: Make) -> None:
    found = []
    for upper in (True, False):
        root = write_timit(tmp_path / ("UP" if upper else "low"), upper)
        cuts = corpus(root).load("train")
        assert names(cuts) == [
            f"{speaker}-{sentence}"
            for speaker in ("FAAA0", "FCCC0", "MBBB0", "MDDD0")
            for sentence in ("SI9", "SX7")
        ]
        found.append([cut.supervisions[0].to_dict() for cut in cuts])
        assert names(corpus(root).load("test"))[::2] == ["FELC0-SI9", "MEEE0-SI9"]
    assert found[0] == found[1]


def test_times_are_those_of_the_samples(timit: Path, corpus: Make) -> None:
    cut = next(iter(corpus(timit).load("train")))
    alignment = cut.supervisions[0].alignment
    assert alignment["word"] == [
        AlignmentItem("don't", 1200 / 16000, 2801 / 16000),
        AlignmentItem("look", 4001 / 16000, 3999 / 16000),
    ]
    assert [item.symbol for item in alignment["phone"]] == ["h#", "d", "ow", "n", "q", "h#"]
    spans = [tuple(map(int, line.split()[:2])) for line in PHONES.splitlines()]
    assert [(item.start, item.end) for item in alignment["phone"]] == [
        (begin / 16000, end / 16000) for begin, end in spans
    ]


@pytest.mark.parametrize("order", ["01", "10"])
def test_sphere_samples_are_read_as_they_are(timit: Path, corpus: Make, order: str) -> None:
    (first_folder(timit) / "SI9.WAV").write_bytes(sphere(order=order))
    cut = next(iter(corpus(timit).load("train")))
    assert cut.duration == 1.0 and cut.sampling_rate == 16000
    for waveform in (load_waveform(cut)[0], cut.load_audio()[0]):
        np.testing.assert_array_equal(waveform * 32768, SAMPLES)


def test_transcripts_are_spelled_as_recognisers_spell(timit: Path, corpus: Make) -> None:
    (first_folder(timit) / "SX7.TXT").unlink()
    texts = [cut.supervisions[0].text for cut in corpus(timit).load("train")]
    assert texts[:2] == ["don't look it's well made ann", "don't look"]
    assert spelled("Café—noir; 66 a.m.?") == "cafe noir 66 am"


def test_sentences_that_all_say_are_left_out_unless_asked_for(timit: Path, corpus: Make) -> None:
    assert not any("-SA" in name for name in names(corpus(timit).load("train")))
    both = corpus(timit, dialect_sentences=True)
    assert sum("-SA" in name for name in names(both.load("train"))) == 4
    assert both.fingerprint() != corpus(timit).fingerprint()


def test_what_is_known_of_speakers(timit: Path, corpus: Make) -> None:
    cuts = [*corpus(timit).load("train"), *corpus(timit).load("test")]
    known = {c.supervisions[0].speaker: c.supervisions[0] for c in cuts}
    assert {name: s.gender for name, s in known.items()} == {
        name: "female" if name[0] == "F" else "male" for name in known
    }
    assert known["FAAA0"].custom == {"dialect": "New England", "age_years": 25, "height_cm": 162.6}
    assert known["MBBB0"].custom == {"dialect": "New England", "age_years": 26, "height_cm": 182.9}
    assert known["FCCC0"].custom == {"dialect": "Northern", "height_cm": 175.3}
    assert known["FELC0"].custom == {"dialect": "New England", "age_years": 29}
    assert known["MDDD0"].custom == {"dialect": "Northern"}


def test_without_the_table_the_folders_tell_sex_and_dialect(timit: Path, corpus: Make) -> None:
    (timit / "DOC" / "SPKRINFO.TXT").unlink()
    supervision = next(iter(corpus(timit).load("train"))).supervisions[0]
    assert (supervision.gender, supervision.custom) == ("female", {"dialect": "New England"})


def test_speakers_are_held_out_of_train(timit: Path, corpus: Make) -> None:
    held = corpus(timit, dev_speakers=2)
    dev, train = ({c.supervisions[0].speaker for c in held.load(s)} for s in ("dev", "train"))
    assert len(dev) == len(train) == 2 and not dev & train
    assert {name[0] for name in dev} == {"F", "M"}
    assert names(corpus(timit, dev_speakers=2).load("dev")) == names(held.load("dev"))


def test_core_test(timit: Path, corpus: Make) -> None:
    assert len(CORE_TEST) == 24 and sum(name[0] == "F" for name in CORE_TEST) == 8
    core = corpus(timit, core_test=True)
    assert names(core.load("test")) == ["FELC0-SI9", "FELC0-SX7"]
    absent = {name for name, reason in core.problems("test") if "core test" in reason}
    assert absent == CORE_TEST - {"FELC0"}
    (timit / "TEST" / "DR1" / "FELC0").rename(timit / "TEST" / "DR1" / "FELX0")
    with pytest.raises(UserError, match=r"TEST holds no usable audio .* of the core test set"):
        corpus(timit, core_test=True).prepare()


def test_bad_files_cost_themselves_and_say_why(timit: Path, corpus: Make) -> None:
    folder = first_folder(timit)
    shorten = "sample_coding -s26 pcm,embedded-shorten-v2.00\n"
    bad = {
        "SX1": (sphere(extra=shorten), r"compressed SPHERE (pcm,embedded-shorten-v2.00)"),
        "SX2": (sphere(order="shortpack-v0"), "compressed SPHERE (shortpack-v0)"),
        "SX3": (sphere(SAMPLES[:500], sample_count=16000), "truncated: 500 of 16000 samples"),
        "SX4": (sphere()[:700], "truncated: 0 of 16000 samples"),
        "SX5": (b"", "empty file"),
        "SX6": (sphere().replace(b"sample_count", b"simple_count"), "damaged SPHERE header"),
        "SX8": (sphere().replace(b"\n", b"\r\n"), "unreadable"),
        "SX9": (b"not audio", "unreadable"),
    }
    for name, (content, _) in bad.items():
        (folder / f"{name}.WAV").write_bytes(content)
        (folder / f"{name}.TXT").write_text("0 16000 Look.")
    (folder / "SX10.PHN").write_text(PHONES)
    (folder / "SX11.WAV").write_bytes(sphere())
    (folder / "SX12.WAV").write_bytes(sphere())
    (folder / "SX12.WRD").write_text("0 1200 don't\n1200 look\n")
    found = corpus(timit)
    assert len(found.load("train")) == 8
    problems = dict(found.problems("train"))
    for name, (_, reason) in bad.items():
        assert problems.pop(f"FAAA0-{name}").startswith(reason), name
    assert problems == {
        "FAAA0-SX10": "has labels but no audio (.WAV)",
        "FAAA0-SX11": "no transcript (.TXT or .WRD)",
        "FAAA0-SX12": "line 2 of SX12.WRD is no 'begin end label': '1200 look'",
    }
    data = SpeechDataModule(found)
    data.cuts("train")
    assert len(data.unusable) == len(bad) + 3


def test_a_corpus_that_is_all_compressed_says_the_way_out(timit: Path, corpus: Make) -> None:
    for path in (timit / "TRAIN").rglob("*.WAV"):
        path.write_bytes(sphere(extra="sample_coding -s26 pcm,embedded-shorten-v2.00\n"))
    with pytest.raises(UserError, match=r"TRAIN holds no usable audio .*sph2pipe -f wav"):
        corpus(timit).prepare()


def test_converted_audio_is_read_and_preferred(timit: Path, corpus: Make) -> None:
    folder = first_folder(timit)
    soundfile.write(folder / "x.wav", SAMPLES, 16000)
    riff = (folder / "x.wav").read_bytes()
    (folder / "SI9.WAV").write_bytes(riff)
    (folder / "SX7.WAV").write_bytes(sphere(order="shortpack-v0"))
    (folder / "SX7.WAV.wav").write_bytes(riff)
    cuts = list(corpus(timit).load("train"))
    assert [cut.id for cut in cuts[:2]] == ["FAAA0-SI9", "FAAA0-SX7"]
    for cut in cuts[:2]:
        np.testing.assert_array_equal(load_waveform(cut)[0] * 32768, SAMPLES)


def test_labels_that_do_not_fit_are_kept_counted_and_named(timit: Path, corpus: Make) -> None:
    """A missing tier, an item beyond the end, an unknown phone: remarks; the utterance is used."""
    folder = first_folder(timit)
    (folder / "SI9.PHN").unlink()
    (folder / "SX7.PHN").write_text("0 8000 h#\n8000 9000 aa\n9000 12000 xx\n12000 20000 h#\n")
    (folder / "SX7.WRD").write_text("4001 9000 don't\n8000 12000 look\n17000 18000 now\n")
    found = corpus(timit)
    cuts = {cut.id: cut for cut in found.load("train")}
    assert set(cuts["FAAA0-SI9"].supervisions[0].alignment) == {"word"}
    assert [item.symbol for item in cuts["FAAA0-SX7"].supervisions[0].alignment["phone"]] == [
        *("h#", "aa", "xx", "h#")
    ]
    data = SpeechDataModule(found)
    heard = [name for batch in data.corpus_dataloader() for name in batch.ids]
    assert len(heard) == len(set(heard)) == 12 and not data.unusable
    data.corpus_dataloader()
    assert data.remarks == [
        ("train", "FAAA0-SI9", "has no phone alignment"),
        (
            *("train", "FAAA0-SX7"),
            "word alignment: 1 of 3 overlapping earlier ones (first 'look' at 0.50 s), kept",
        ),
        (
            *("train", "FAAA0-SX7"),
            "word alignment: 1 of 3 outside the audio (first 'now' at 1.06 s), left out",
        ),
        (
            *("train", "FAAA0-SX7"),
            "phone alignment: 1 of 4 outside the known set (first 'xx' at 0.56 s), kept",
        ),
        (
            *("train", "FAAA0-SX7"),
            "phone alignment: 1 of 4 reaching beyond the audio (first 'h#' at 0.75 s), cut",
        ),
    ]


def test_without_any_labels_there_are_no_alignments(timit: Path, corpus: Make) -> None:
    for path in [*timit.rglob("*.PHN"), *timit.rglob("*.WRD")]:
        path.unlink()
    data = SpeechDataModule(corpus(timit))
    assert all(not cut.supervisions[0].alignment for cut in data.cuts("train"))
    data.corpus_dataloader()
    assert data.remarks == []


def test_where_it_lies(timit: Path, corpus: Make, tmp_path: Path) -> None:
    before = corpus(timit)
    before.prepare()
    for inner in ("data", "timit/TIMIT"):
        root = tmp_path / "elsewhere" / inner
        root.parent.mkdir(parents=True, exist_ok=True)
        timit.rename(root)
        after = corpus(tmp_path / "elsewhere")
        assert after.fingerprint() == before.fingerprint()
        assert next(iter(after.load("train"))).load_audio().shape == (1, 16000)
        root.rename(timit)
    with pytest.raises(UserError, match="there are no folders TRAIN and TEST"):
        corpus(tmp_path / "nowhere").prepare()


def test_a_speaker_in_both_parts_is_refused(timit: Path, corpus: Make) -> None:
    (timit / "TEST" / "DR2" / "faaa0").mkdir(parents=True)
    with pytest.raises(UserError, match="speaker FAAA0 is in both TRAIN and TEST"):
        corpus(timit).prepare()


def test_the_61_phones_fold_into_39() -> None:
    assert (len(PHONES_61), len(PHONES_39)) == (61, 39)
    groups: dict[str, set[str]] = {}
    for phone in PHONES_61:
        groups.setdefault(fold(phone) or "none", set()).add(phone)
    assert {name: found for name, found in groups.items() if len(found) > 1} == {
        "sil": {"h#", "pau", "epi", "bcl", "dcl", "gcl", "pcl", "tcl", "kcl"},
        **{"aa": {"aa", "ao"}, "ah": {"ah", "ax", "ax-h"}, "er": {"er", "axr"}},
        **{"ih": {"ih", "ix"}, "uw": {"uw", "ux"}, "hh": {"hh", "hv"}, "l": {"l", "el"}},
        **{"m": {"m", "em"}, "n": {"n", "en", "nx"}, "ng": {"ng", "eng"}, "sh": {"sh", "zh"}},
    }
    assert groups["none"] == {"q"} and groups.keys() - {"none"} == PHONES_39
    assert all(fold(phone) == phone for phone in PHONES_39) and fold("xx") == "xx"


def test_folded_tiers_keep_their_times(timit: Path, corpus: Make) -> None:
    both = [corpus(timit, phones=phones) for phones in (61, 39)]
    fine, coarse = (next(iter(c.load("train"))).supervisions[0].alignment["phone"] for c in both)
    assert [item.symbol for item in coarse] == ["sil", "d", "ow", "n", "sil"]
    assert [item.start for item in coarse] == [i.start for i in fine if i.symbol != "q"]
    assert folded(fine) == coarse and both[1].phone_set == PHONES_39
    assert both[0].pauses == {"pau", "epi", "h#"} < PHONES_61 and both[1].pauses == {"sil"}


def test_files_by_themselves(tmp_path: Path) -> None:
    (tmp_path / "a.PHN").write_text("\n-5 10 H#\r\n10 5 aa\n")
    assert read_labels(tmp_path / "a.PHN") == [
        AlignmentItem("h#", -5 / 16000, 15 / 16000),
        AlignmentItem("aa", 10 / 16000, -5 / 16000),
    ]
    (tmp_path / "a.wav").write_bytes(sphere())
    assert read_header(tmp_path / "a.wav")["sample_count"] == "16000"
    soundfile.write(tmp_path / "b.wav", SAMPLES, 16000)
    assert read_header(tmp_path / "b.wav") is None and sphere_problem(tmp_path / "b.wav") is None
    (tmp_path / "T.TXT").write_text("; nothing\nshort row\n")
    assert read_speakers(tmp_path / "T.TXT") == {}
