"""Which files a run leaves, in the order of the page; tables with their rows."""

from typing import Any

import pyarrow

from evaluation.audiation.learned_inputs import LearnedRow
from evaluation.audiation.study_rows import DiversityRow, EvolutionRow, LayerRow
from evaluation.audiation.study_rows import SoundRow as AudiationRow
from evaluation.contrasts import ContrastRow
from evaluation.embeddings import EmbeddingRow
from evaluation.listening import Sample
from evaluation.listening_test.answers import Answer, Problem
from evaluation.listening_test.her import ListenerRow
from evaluation.listening_test.machine import MachineAnswer
from evaluation.listening_test.triplets import Triplet
from evaluation.masks.folder import MaskFailureRow
from evaluation.masks.rows import CurveRow, MaskRow
from evaluation.masks.rows import SoundRow as MaskSoundRow
from evaluation.masks.summary import MaskSummaryRow
from evaluation.paper.finished_run import WerRow
from evaluation.paper.tables import PaperCell
from evaluation.paper.verdicts import ClaimRow
from evaluation.records import MixtureRow, ScoreRow, SummaryRow, TrialScoreRow, UtteranceRow
from evaluation.run_folder import PROBE_CURVES, RECOGNISER_CURVES
from evaluation.sonification.activity_blocks import BlockRow
from evaluation.sonification.activity_claims import ActivityRow
from evaluation.sonification.complexity import ComplexityRow
from evaluation.sonification.depth_trend import Claim
from evaluation.sonification.dominance_table import DominanceRow
from evaluation.sonification.examples import ExampleRow
from evaluation.sonification.export import FINDINGS, SCHEMAS
from evaluation.sonification.same_word import SameWordRow
from evaluation.sonification.study_tables import HeardRow
from evaluation.sonification.word_pairs import WordFeatureRow, WordOverlapRow, WordPairRow
from evaluation.speaker_probe import AccuracyRow
from evaluation.steps import StepRow
from evaluation.trials import Trial
from otoscope.failures import FailureRow

_NUMBERS = {"step": pyarrow.int64(), "mel_l1": pyarrow.float64(), "value": pyarrow.float64()}


def _curves(columns: list[str]) -> dict[str, pyarrow.DataType]:
    return {name: _NUMBERS.get(name, pyarrow.string()) for name in columns}


HEAD = """\
# Reference: the files of a run

<!-- written by docs/generate/make_files.py from the rows of tables; change those -->

Everything below `runs/<name>`, or `--output`. `*` in a path stands for a name (of a model, a
condition, a layer, an utterance), `**` for any path. CSV files are UTF-8 with a head line, an empty
cell is no value, truth is 1 or 0. Tables of sonification and audiation come as `.parquet` and as
`.csv` with the same columns, truth being true or false in both. Sound is 16-bit FLAC at 16 kHz.
Weights are safetensors; nothing is pickled. Files appear under their names when they are complete.
A name that cannot be a file's is escaped. Paths in tables are relative to the run, those of
sonification and audiation to the folder of their table. The keys of `config.yaml` have
[a page of their own](configs.md).
"""

Entry = tuple[str, str] | tuple[str, str, Any]

SECTIONS: dict[str, tuple[str, list[Entry]]] = {
    "The run": (
        "What was asked for, with what, and what is done.",
        [
            ("config.yaml", "every key of the experiment as it was: the run starts again from it"),
            ("environment.json", "seed, and versions of Python and of what the numbers depend on"),
            ("stages.json", "each stage: `done` or `open`, and its seconds"),
            (".stages/*.json", "a stage that is done: the hash of all that determines it"),
            (".lock", "whether a process works on the run"),
            ("failures.csv", "what could not be used, or only with a remark", FailureRow),
            ("corpus/failures.csv", "the same of one stage; so in each stage's folder"),
            ("wandb/**", "offline W&B run: `wandb sync` uploads it"),
            ("tensorboard/**", "where `loggers` names it"),
            (
                "*/corpus.json",
                "the corpus that was heard: class and fingerprint; clips come from no other",
            ),
            ("*/config.yaml", "of these commands, what was asked for; of an architecture, its run"),
            ("*/environment.json", "beside these"),
            ("report/**", "the atlas, a static site; `report/index.html` is the page to open"),
        ],
    ),
    "What is heard": (
        "Test speech, mixtures and trials are the same for all models.",
        [
            ("utterances.csv", "the test utterances", UtteranceRow),
            ("mixtures.csv", "the noisy mixtures of the test utterances", MixtureRow),
            ("trials.csv", "the pairs that verifiers compare", Trial),
        ],
    ),
    "Recognisers, probes and verifiers": (
        "Weights, the card that says what they are, and how they were learnt. An adapter's "
        "`attachment.json` is what was measured when it was put under study.",
        [
            ("recognisers/*/recogniser.safetensors", "weights"),
            ("recognisers/*/recogniser.json", "class, arguments, hash of the weights"),
            ("recognisers/*/attachment.json", "of a network from elsewhere: timing, padding"),
            ("recognisers/*/layers.json", "of each layer: depth, kind, stride, width, inputs"),
            ("recognisers/*/curves.csv", "its training", _curves(RECOGNISER_CURVES)),
            ("recognisers/*/failures.csv", "as above"),
            ("recognisers/*/wer.csv", "where `paper` asks for it", WerRow),
            ("probes/*/probes.safetensors", "weights of the probes of all layers"),
            ("probes/*/probes.json", "recogniser, log-mel, layers and body that they are for"),
            ("probes/*/curves.csv", "their training", _curves(PROBE_CURVES)),
            ("probes/*/failures.csv", "as above"),
            ("verifiers/*/**", "weights, card and curves of verifiers that the run trained"),
        ],
    ),
    "Probing by resynthesis": (
        "[What it is](probing.md). `reference` holds what belongs to no model: `natural`, "
        "`copy-synthesis`, `mean-mel`.",
        [
            ("summary.csv", "every number", SummaryRow),
            ("scores.csv", "every utterance", ScoreRow),
            ("trial_scores.csv", "every trial", TrialScoreRow),
            ("steps.csv", "where a curve steps", StepRow),
            ("contrasts.csv", "differences of models on identical mixtures", ContrastRow),
            ("variants.csv", "`summary.csv` of the probes' variants: the same columns"),
            ("samples.csv", "what there is to look at and listen to", Sample),
            ("samples/*/*/*/*.png", "its mel pictures: model, condition, layer, utterance"),
            ("mels/*/*/*/*.npy", "its log-mels, (frame, mel), float"),
            ("audio/*/*/*/*.flac", "all scored sound: model, condition, layer, utterance"),
            ("tables/*/*/*.csv", "the tables of one model and condition, before they are joined"),
            ("tables/*/*/embeddings.csv", "where `identity` asks for it", EmbeddingRow),
            ("tables/*/*/embeddings.safetensors", "the matrices that it names"),
            ("states/*/scores.csv", "distances of states; as `scores.csv`"),
            ("states/*/trial_scores.csv", "of the speaker probe; as `trial_scores.csv`"),
            ("states/*/accuracy.csv", "how well it knows training speakers", AccuracyRow),
            ("identity/*/trial_scores.csv", "natural against rendered speech; as above"),
        ],
    ),
    "Dataset sonification": (
        "[What it is](sonification.md). `sonification/overview` has all models side by side.",
        [
            ("sonification/*/utterances.csv", "what was searched", HeardRow),
            ("sonification/*/features.csv", "activity of every feature", SCHEMAS["features"]),
            ("sonification/*/segments.csv", "its best segments", SCHEMAS["segments"]),
            ("sonification/*/labels.csv", "their words and phones", SCHEMAS["labels"]),
            ("sonification/*/discarded.csv", "speaker-discarded", SCHEMAS["discarded"]),
            ("sonification/*/selectivity.csv", "for groups of speakers", FINDINGS["selectivity"]),
            ("sonification/*/dominance.csv", "layers that groups dominate", DominanceRow),
            ("sonification/*/same_word.csv", "the same word by two speakers", SameWordRow),
            ("sonification/*/word_pairs.csv", "words that are shown", WordPairRow),
            ("sonification/*/word_features.csv", "features that are shown of them", WordFeatureRow),
            ("sonification/*/word_overlaps.csv", "overlaps of whole layers", WordOverlapRow),
            ("sonification/*/complexity.csv", "phones per segment", ComplexityRow),
            (
                "sonification/*/complexity_draws.csv",
                "the draws behind the intervals",
                FINDINGS["complexity_draws"],
            ),
            ("sonification/*/activity_pattern.csv", "density, length, spikiness", ActivityRow),
            ("sonification/*/blocks.csv", "ends of blocks", BlockRow),
            ("sonification/*/examples.csv", "a few features of each layer", ExampleRow),
            ("sonification/*/claims.csv", "the article's claims", Claim),
            ("sonification/*/remarks.csv", "what is missing or odd", SCHEMAS["remarks"]),
            ("sonification/*/failures.csv", "as above"),
            ("sonification/*/clips/*.flac", "segments: utterance, first sample, sample behind"),
            ("sonification/*/figures/*", "SVG and PNG"),
            ("sonification/*/*.parquet", "each of these tables"),
            ("sonification/*/spoken.csv", "words and phones where traces are", FINDINGS["spoken"]),
            ("sonification/*/layers.json", "as that of the recogniser"),
            ("sonification/*/traces.safetensors", "activation around each best segment"),
        ],
    ),
    "Audiation": (
        "[What it is](audiation.md).",
        [
            ("audiation/*/sounds.csv", "every sound", AudiationRow),
            ("audiation/*/layers.csv", "summed up by layer", LayerRow),
            ("audiation/*/evolution.csv", "on the way", EvolutionRow),
            ("audiation/*/diversity.csv", "several samples of a feature", DiversityRow),
            ("audiation/*/learned_inputs.csv", "where they are asked for", LearnedRow),
            ("audiation/*/*.parquet", "each of these tables"),
            ("audiation/*/failures.csv", "as above"),
            ("audiation/*/sounds/*.flac", "the sounds: layer, feature"),
            ("audiation/*/clips/*.flac", "the strongest segments of the corpus"),
            ("audiation/*/pictures/*.png", "of each sound: mel, activation, evolution"),
            ("audiation/*/figures/*", "of all sounds"),
            ("audiation/*/learned_inputs/**", "figures and animations"),
        ],
    ),
    "Importance masks": (
        "[What they are](masks.md).",
        [
            ("masks/*/masks.csv", "every mask and its controls", MaskRow),
            ("masks/*/summary.csv", "means over utterances", MaskSummaryRow),
            ("masks/*/curves.csv", "insertion and deletion", CurveRow),
            ("masks/*/sounds.csv", "what is heard in the sounds", MaskSoundRow),
            ("masks/*/failures.csv", "what has no mask", MaskFailureRow),
            ("masks/*/audio/*/*.flac", "the sounds of a mask"),
            (
                "masks/*/arrays/*.safetensors",
                "frames, mask, controls and search as data: `evaluation.masks.arrays`",
            ),
            ("masks/*/figures/*", "pictures, animations, curves"),
        ],
    ),
    "The paper and the listening test": (
        "Where [the paper](paper.md) or a [listening test](listening.md) was asked for. "
        "A further architecture has a whole run folder of its own, under its name.",
        [
            ("paper/index.md", "what there is, and what the run lacks; `index.json` is the same"),
            ("paper/claims.csv", "the paper's claims; `claims.md` is the same", ClaimRow),
            ("paper/table*.csv", "its tables; so `verifiers`, `loss`, ...", PaperCell),
            ("paper/**", "the same as Markdown and LaTeX; figures as SVG and PNG"),
            ("listening/triplets.csv", "the questions", Triplet),
            ("listening/listen.json", "how the test was made"),
            ("listening/audio/*", "its sounds under names that tell nothing"),
            ("listening/answers/*.csv", "of one listener", Answer),
            ("listening/her.csv", "human error rates: the columns of `summary.csv`"),
            ("listening/listeners.csv", "of each listener", ListenerRow),
            ("listening/verifier_answers.csv", "what verifiers answer", MachineAnswer),
            ("listening/problems.csv", "lines that do not count", Problem),
        ],
    ),
}
"""Headings, and below each a line and its files."""
