"""A training's configuration: what a TOML file can say, and every way in which it is refused."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from nerve.model.config import TaggerConfig
from nerve.training import config
from nerve.training.config import Config, ConfigError, CorpusConfig, TrainingConfig
from nerve.training.data import datasets
from tests.support import ROOT

CORPUS = '[[corpora]]\ndataset = "wnut17"\n'


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Config]:
    """The configuration in a file of this content."""

    def read(content: str) -> Config:
        (tmp_path / "mine.toml").write_text(content, encoding="utf-8")
        return config.read(tmp_path / "mine.toml", {}, [])

    return read


def test_a_file_says_everything(read: Callable[[str], Config]) -> None:
    found = read("""
        name = "mine"
        description = "names"
        language = "en"
        licence = "CC0-1.0"
        labels = ["PER", "LOC"]
        [training]
        epochs = 3
        learning_rate = 0.5
        [tagger]
        cell = "gru"
        bidirectional = false
        [[corpora]]
        dataset = "wnut17"
        map = { person = "PER", location = "LOC", product = "?", group = "O" }
        annotates = ["PER"]
        no_names = ["@"]
        unknown_after = ["@"]
        [[corpora]]
        train = "a.conll"
        dev = "b.conll"
        test = "c.conll"
    """)
    assert (found.name, found.description, found.language, found.licence) == ("mine", "names", "en", "CC0-1.0")
    assert found.labels == ("PER", "LOC")
    assert (found.training.epochs, found.training.learning_rate, found.training.seed) == (3, 0.5, 1)
    assert (found.tagger.cell, found.tagger.bidirectional, found.tagger.layers) == ("gru", False, 1)
    assert found.corpora == (
        CorpusConfig(
            "wnut17",
            map={"person": "PER", "location": "LOC", "product": "?", "group": "O"},
            annotates=("PER",),
            no_names=("@",),
            unknown_after=("@",),
        ),
        CorpusConfig(train="a.conll", dev="b.conll", test="c.conll"),
    )
    assert [corpus.name for corpus in found.corpora] == ["wnut17", "a"]


def test_overrides_win_over_the_file_and_leave_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(f'name = "file"\nlicence = "MIT"\n[training]\nepochs = 3\nseed = 7\n{CORPUS}', encoding="utf-8")
    overrides = {"": {"name": "flag"}, "training": {"epochs": 5}, "tagger": {"layers": 2}}
    found = config.read(path, overrides, [{"dataset": "gmb"}])
    assert (found.name, found.licence) == ("flag", "MIT")
    assert (found.training.epochs, found.training.seed, found.tagger.layers) == (5, 7, 2)
    assert [corpus.dataset for corpus in found.corpora] == ["gmb"]


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        # not TOML
        ("name = = 3", ["line 1"]),
        # unknown keys, at every place
        (f"nam = 'x'\n{CORPUS}", ["unknown key 'nam'", "name"]),
        (f"[training]\nepoch = 3\n{CORPUS}", ["training", "unknown key 'epoch'", "epochs"]),
        (f"[tagger]\nlayer = 3\n{CORPUS}", ["tagger", "unknown key 'layer'", "layers"]),
        (f"{CORPUS}maps = {{}}", ["corpora", "unknown key 'maps'", "map"]),
        # wrong types
        (f"name = 3\n{CORPUS}", ["name is 3", "a string"]),
        (f"training = 3\n{CORPUS}", ["training", "table"]),
        (f"tagger = ['lstm']\n{CORPUS}", ["tagger", "table"]),
        (f"[training]\nepochs = 2.5\n{CORPUS}", ["training.epochs is 2.5", "a whole number"]),
        (f"[training]\nepochs = '2'\n{CORPUS}", ["training.epochs is '2'", "a whole number"]),
        (f"[training]\nepochs = true\n{CORPUS}", ["training.epochs is True", "a whole number"]),
        (f"[training]\nlearning_rate = '1'\n{CORPUS}", ["training.learning_rate is '1'", "a number"]),
        (f"[tagger]\nbidirectional = 1\n{CORPUS}", ["tagger.bidirectional is 1", "true or false"]),
        (f"[tagger]\ncell = 'lstn'\n{CORPUS}", ["tagger.cell is 'lstn'", "'rnn', 'gru' or 'lstm'"]),
        (f"labels = 'PER'\n{CORPUS}", ["labels", "list"]),
        (f"labels = ['PER', 3]\n{CORPUS}", ["labels.1 is 3", "a string"]),
        (f"labels = ['']\n{CORPUS}", ["labels.0 is ''", "a string that is not empty"]),
        ("corpora = 'wnut17'", ["corpora", "a list"]),
        ("corpora = ['wnut17']", ["corpora.0 is 'wnut17'", "a table"]),
        ("[[corpora]]\ndataset = 17", ["corpora.0.dataset is 17", "a string"]),
        (f"{CORPUS}map = 'PER'", ["map", "table"]),
        (f"{CORPUS}map = {{ person = 3 }}", ["corpora.0.map.person is 3", "a string"]),
        (f"{CORPUS}annotates = 'PER'", ["annotates", "list"]),
        (f"{CORPUS}no_names = '@'", ["no_names", "list"]),
        (f"{CORPUS}unknown_after = '@'", ["unknown_after", "list"]),
        # out of range
        (f"[training]\nepochs = 0\n{CORPUS}", ["training.epochs is 0", "at least 1"]),
        (f"[training]\nseed = -1\n{CORPUS}", ["training.seed is -1", "at least 0"]),
        (f"[training]\nlearning_rate = 1.5\n{CORPUS}", ["training.learning_rate is 1.5", "at most 1.0"]),
        (f"[training]\naverage = 1.0\n{CORPUS}", ["training.average is 1.0", "at most 0.99999"]),
        (f"[tagger]\nlayers = 17\n{CORPUS}", ["tagger.layers is 17", "at most 16"]),
        (f"[tagger]\ndropout = 0.96\n{CORPUS}", ["tagger.dropout is 0.96", "at most 0.95"]),
        (f"[tagger]\npair_size = -1\n{CORPUS}", ["tagger.pair_size is -1", "at least 0"]),
        # settings that contradict each other
        (f"[training]\ninit = 'a.pt'\nvectors = 'v.txt'\n{CORPUS}", ["init and vectors exclude each other"]),
        (f"[training]\ninit = 'a.pt'\npair_vectors = 'v.txt'\n{CORPUS}", ["init and vectors exclude each other"]),
        # corpora that contradict themselves, each other or the labels
        ("", ["no corpus"]),
        ("corpora = []", ["no corpus"]),
        ("[[corpora]]", ["either a dataset", "or a train file"]),
        (f"{CORPUS}train = 'a'\ndev = 'b'", ["either a dataset", "or a train file"]),
        (f"{CORPUS}test = 'c'", ["either a dataset", "or a train file"]),
        (f"{CORPUS}licence = 'CC0'", ["licence", "wnut17 has its own"]),
        ("[[corpora]]\ndev = 'a.conll'", ["a.conll", "train"]),
        ("[[corpora]]\ndev = 'b.conll'", ["b.conll", "train"]),
        (f"{CORPUS}split = '80/20'", ["wnut17 is read as it was published"]),
        (f"{CORPUS}offsets = 'utf16'", ["wnut17 is read as it was published"]),
        ("[[corpora]]\ntrain = 'a'\noffsets = 'letters'", ["offsets: 'letters' is none of codepoints, inclusive"]),
        ("[[corpora]]\ntrain = 'a'\nscheme = 'BIO'", ["scheme: 'BIO' is none of auto, bio"]),
        ("[[corpora]]\ntrain = 'a'\nfold = '6/5'", ["fold: '6/5' is not I/N"]),
        ("[[corpora]]\ntrain = 'a'\nfold = '1/5'\nsplit = '80/20'", ["split and fold exclude each other"]),
        ("[[corpora]]\ntrain = 'a'\nfold = '1/5'\ntest = 'c'", ["c stands beside a"]),
        (
            "[[corpora]]\ntrain='a'\nsplit='8/2'\n[[corpora]]\ntrain='b'\nsplit='8/2'",
            ["only one of them can be divided"],
        ),
        (CORPUS + CORPUS, ["two are called wnut17"]),
        ("[[corpora]]\ntrain='a/x.conll'\ndev='d'\n[[corpora]]\ntrain='b/x.conll'\ndev='d'", ["two are called x"]),
        (f"labels = ['PER', 'PER']\n{CORPUS}", ["labels", "PER is there twice"]),
        (f"labels = ['PER', 'O']\n{CORPUS}", ["labels", "O and ? are not labels"]),
        (f"labels = ['PER', '?']\n{CORPUS}", ["labels", "O and ? are not labels"]),
        (f"labels = ['PER']\n{CORPUS}annotates = ['PRE']", ["wnut17", "annotates", "PRE is none of PER"]),
        (f"labels = ['PER']\n{CORPUS}map = {{ person = 'PRE' }}", ["wnut17", "map", "PRE is none of PER"]),
    ],
)
def test_a_refusal_is_one_line_that_names_the_file_and_the_key(
    read: Callable[[str], Config], tmp_path: Path, content: str, facts: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        read(content)
    message = str(caught.value)
    assert message.startswith(f"{tmp_path / 'mine.toml'}: ")
    assert "\n" not in message
    assert all(fact in message for fact in facts), message


EVERY_KEY = CorpusConfig(
    "wnut17", map={"person": "PER"}, annotates=("PER",), no_names=("@",), unknown_after=("@", "RT"), guideline="en"
)


def test_a_stored_configuration_is_the_same_when_it_is_read_again() -> None:
    config_ = Config(
        corpora=(EVERY_KEY, CorpusConfig(train="a", dev="b", test="c")),
        training=TrainingConfig(epochs=3, own_tokens=True, vectors="v.txt"),
        tagger=TaggerConfig(cell="gru", layers=2),
        name="mine",
        labels=("PER", "LOC"),
    )
    stored = json.loads(json.dumps(config_.to_json()))
    assert config.from_json(stored, "mine.pt") == config_
    assert (
        config.stored_corpora({**stored, "command": "nerve train", "temperature": 1.5}, "mine.pt") == config_.corpora
    )


def test_a_key_that_is_younger_than_what_was_stored_has_its_default() -> None:
    stored = json.loads(json.dumps(Config(corpora=(EVERY_KEY,)).to_json()))
    del stored["corpora"][0]["unknown_after"]
    del stored["training"]["own_tokens"]
    found = config.from_json(stored, "mine.pt")
    assert found == Config(corpora=(replace(EVERY_KEY, unknown_after=()),))
    assert config.stored_corpora(stored, "mine.pt") == found.corpora


def test_what_was_stored_by_a_newer_version_is_refused_by_name() -> None:
    stored = {"corpora": [{"dataset": "wnut17", "weight": 2}]}
    with pytest.raises(ConfigError, match=r"^mine: its stored corpora: 0: unknown key 'weight'"):
        config.stored_corpora(stored, "mine")


def test_settings_without_corpora_have_none() -> None:
    assert config.stored_corpora({}, "mine") == ()


def test_a_file_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.toml: .*No such file"):
        config.read(tmp_path / "absent.toml", {}, [])


def test_a_file_that_is_not_utf8_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(ConfigError, match=r"latin\.toml: .*utf-8"):
        config.read(tmp_path / "latin.toml", {}, [])


def test_a_whole_number_is_a_number(read: Callable[[str], Config]) -> None:
    assert read(f"[training]\nclip = 5\n{CORPUS}").training == TrainingConfig()


def test_the_bundled_models_configuration_names_only_sets_that_ship_openly() -> None:
    found = config.read(ROOT / "recipes" / "en" / "en.toml", {}, [])
    assert set(found.labels) == {"PER", "ORG", "LOC", "MISC", "DATE"}
    named = [corpus.dataset for corpus in found.corpora if corpus.dataset]
    assert [dataset for dataset in named if not datasets.ships_openly(dataset)] == []


def test_of_its_own_the_bundled_model_learns_from_templates_and_silver_text_only() -> None:
    found = config.read(ROOT / "recipes" / "en" / "en.toml", {}, [])
    own = [corpus.train for corpus in found.corpora if not corpus.dataset]
    assert own == ["en.work/templates.jsonl", "en.work/silver.txt"]


def test_the_multilingual_models_configuration_states_an_open_licence_for_each_corpus() -> None:
    found = config.read(ROOT / "recipes" / "multi" / "multi.toml", {}, [])
    own = [corpus for corpus in found.corpora if not corpus.dataset]
    licences = ("CC BY-SA 4.0", "CC BY 4.0", "CC0", "MIT", "Apache-2.0")
    assert [corpus.name for corpus in own if corpus.licence not in licences] == []
    assert all(datasets.ships_openly(corpus.dataset) for corpus in found.corpora if corpus.dataset)
