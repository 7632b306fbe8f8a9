"""The registry of public corpora: what is pinned, what is fetched and refused, and what is in the published files.

Small files of our own are served over loopback. The counts of the real ones are checked where these are present:
in $NERVE_ORIGINALS, else in shared/data/originals beside the repository.
"""

import functools
import hashlib
import http.server
import os
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from nerve.model.annotation import Sentence
from nerve.model.tags import spans_of
from nerve.training.data import datasets
from nerve.training.data.datasets import DatasetError
from nerve.training.data.formats import read_iob2
from tests.support import ROOT

CONTENT = b"EU\tB-corporation\n\nBonn\tB-location\n\n" * 5000
SIZE = f"{len(CONTENT):,}"


# -- the registry ------------------------------------------------------------------------------------------------


def test_every_set_is_known_by_its_name():
    assert set(datasets.names()) == {
        *(
            "conll2003",
            "conllpp",
            "gmb",
            "uner_en_ewt",
            "broad_twitter",
            "wnut17",
            "msra",
            "weibo",
            "resume",
            "cluener",
            "docred",
        ),
        *("uner_zh_gsd", "uner_zh_gsdsimp", "crossner", "crossner/politics", "crossner/science", "crossner/music"),
        *("crossner/literature", "crossner/ai"),
    }


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("docred", ("train", "dev", "test")),
        ("conll2003", ("train", "dev", "test")),
        ("conllpp", ("test",)),
        ("gmb", ("train", "dev", "test")),
        ("msra", ("train", "dev", "test")),
        ("broad_twitter", ("train", "dev")),
        ("crossner/ai", ("train", "dev")),
        ("crossner", ("train", "dev")),
    ],
)
def test_a_set_says_which_splits_it_has(name, splits):
    assert datasets.splits(name) == splits


@pytest.mark.parametrize("name", datasets.names())
def test_a_set_says_under_which_licence_it_is(name):
    assert datasets.licence(name)


@pytest.mark.parametrize("name", datasets.names())
def test_weights_ship_openly_only_where_the_licence_allows(name):
    closed = {"conll2003", "conllpp", "msra", "weibo", "resume", "cluener"}
    assert datasets.ships_openly(name) == (name not in closed)


@pytest.mark.parametrize("name", datasets.names())
def test_every_file_is_pinned_to_a_commit(name):
    for source in datasets.sources(name):
        assert source.url.startswith("https://")
        # A commit's first 8 digits name it as well, where no more of them are known.
        assert any(len(part) in (8, 40) and set(part) <= set("0123456789abcdef") for part in source.url.split("/"))
        assert source.bytes > 0
        assert len(source.sha256) == 64
        assert source.file.startswith(f"{source.dataset}/")


def test_an_unknown_set_is_refused_with_those_there_are():
    with pytest.raises(
        DatasetError, match="there is no dataset 'conll'; there are broad_twitter, cluener, conll2003"
    ):
        datasets.load("conll", "train")


def test_an_absent_split_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(DatasetError, match="broad_twitter has no test split; it has train, dev"):
        datasets.load("broad_twitter", "test", tmp_path)


# -- fetching ----------------------------------------------------------------------------------------------------


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class _CutOff(_Quiet):
    """Promises the whole file and closes the connection in the middle of it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])


class _Chunked(_Quiet):
    """Ends in the middle of a chunk."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3e8\r\n" + CONTENT[:500])
        self.close_connection = True


class _Silent(_Quiet):
    """Sends the headers and then nothing, until the test is over."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.wfile.flush()
        self.server.over.wait(30)


class _Server(http.server.ThreadingHTTPServer):
    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.over = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """A client that hangs up is what some of these tests are about."""


@pytest.fixture
def serve(monkeypatch):
    """Starts a server with the given handler on loopback and returns its URL."""
    monkeypatch.setenv("no_proxy", "*")
    running = []

    def start(handler):
        server = _Server(handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return server.url

    yield start
    for server, thread in running:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A folder that holds wnut17's train file as DIR/NAME/FILE; the registry pins a small file of our own."""
    (source, *_) = datasets.sources("wnut17")
    pinned = replace(source, bytes=len(CONTENT), sha256=hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(datasets, "sources", lambda _: (pinned,))
    folder = tmp_path / "published"
    (folder / source.file).parent.mkdir(parents=True)
    (folder / source.file).write_bytes(CONTENT)
    return folder


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def mirror_of(folder):
    return functools.partial(_Quiet, directory=str(folder))


def fetch(cache, mirror, **options):
    return datasets.load("wnut17", "train", cache=cache, mirror=mirror, progress=False, **options)


def files_in(folder):
    return [path for path in folder.rglob("*") if path != folder] if folder.exists() else []


def test_a_file_is_fetched_checked_and_read(published, cache, serve):
    sentences = fetch(cache, serve(mirror_of(published)))
    assert len(sentences) == 10_000
    assert sentences[:2] == [Sentence(("EU",), ("B-corporation",)), Sentence(("Bonn",), ("B-location",))]
    assert [path.name for path in files_in(cache) if path.is_file()] == ["wnut17train.conll"]


def test_a_fetched_file_needs_no_network_again(published, cache, serve):
    first = fetch(cache, serve(mirror_of(published)))
    assert fetch(cache, "http://127.0.0.1:9") == first


def test_a_cached_file_that_was_damaged_is_fetched_again(published, cache, serve):
    url = serve(mirror_of(published))
    first = fetch(cache, url)
    (cached,) = (path for path in files_in(cache) if path.is_file())
    cached.write_bytes(CONTENT[:-1] + b"!")
    assert fetch(cache, url) == first
    assert cached.read_bytes() == CONTENT


def test_a_bar_on_stderr_shows_the_progress(published, cache, serve, capsys):
    datasets.load("wnut17", "train", cache=cache, mirror=serve(mirror_of(published)))
    out, err = capsys.readouterr()
    assert "wnut17train.conll: 100%" in err
    assert out == ""


def test_no_bar_is_shown_where_none_is_wanted(published, cache, serve, capsys):
    fetch(cache, serve(mirror_of(published)))
    assert capsys.readouterr().err == ""


def altered(folder, content):
    (path,) = (path for path in folder.rglob("*") if path.is_file())
    path.write_bytes(content)
    return mirror_of(folder)


@pytest.mark.parametrize(
    ("handler", "fact"),
    [
        (lambda folder: altered(folder, CONTENT[:-1] + b"!"), "its SHA-256 is "),
        (lambda folder: altered(folder, CONTENT + b"\n"), f"it has more than the expected {SIZE} bytes"),
        (lambda folder: altered(folder, CONTENT[:-2]), "the download was cut off after "),
        (lambda folder: mirror_of(folder / "elsewhere"), "the server answered 404 File not found"),
        (lambda _: _CutOff, f"the download was cut off after 1,000 of {SIZE} bytes"),
        (lambda _: _Chunked, "the download was cut off after "),
        (lambda _: _Silent, "the server was silent for 0.2 s"),
    ],
    ids=["wrong-hash", "too-long", "too-short", "not-found", "cut-off", "cut-off-chunk", "silent"],
)
def test_a_bad_download_is_refused_and_leaves_nothing_behind(published, cache, serve, handler, fact):
    url = serve(handler(published))
    with pytest.raises(DatasetError) as caught:
        fetch(cache, url, timeout=0.2)
    message = str(caught.value)
    assert message.startswith(f"wnut17: {url}/wnut17/wnut17train.conll: {fact}")
    assert message.endswith("give --data-dir DIR")
    assert "\n" not in message
    assert files_in(cache) == []


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize("mirror", ["http://127.0.0.1:9", "nonsense"])
def test_no_network_is_one_line_that_names_url_and_way_out(cache, mirror, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DatasetError) as caught:
        fetch(cache, mirror, timeout=5)
    message = str(caught.value)
    assert message.startswith(f"wnut17: {mirror}/wnut17/wnut17train.conll: ")
    assert message.endswith("give --data-dir DIR")
    assert "\n" not in message
    assert files_in(cache) == []


def test_an_interrupted_download_leaves_nothing_behind(published, cache, serve, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "_chunks", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(cache, serve(mirror_of(published)))
    assert files_in(cache) == []


@pytest.mark.usefixtures("published")
def test_a_failed_download_leaves_other_sets_in_the_cache(cache, serve):
    other = cache / "gmb" / "ner_dataset.csv.zip"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"x")
    with pytest.raises(DatasetError):
        fetch(cache, serve(_CutOff))
    assert files_in(cache) == [other.parent, other]


def test_a_cache_that_cannot_be_written_is_refused(published, cache, serve):
    cache.write_text("a file where the folder should be")
    with pytest.raises(DatasetError, match=r"wnut17: http\S+: the cache \S+ cannot be written: "):
        fetch(cache, serve(mirror_of(published)))


def test_the_cache_lies_where_the_system_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert datasets.default_cache() == tmp_path / "nerve"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datasets.default_cache() == tmp_path / ".cache" / "nerve"


# -- a folder in place of the network ----------------------------------------------------------------------------


def test_a_folder_takes_the_place_of_the_network(published, cache):
    assert len(datasets.load("wnut17", "train", published, cache)) == 10_000
    assert files_in(cache) == []


def test_a_file_absent_from_the_folder_is_refused_with_its_url(published):
    with pytest.raises(
        DatasetError, match=r"wnut17: --data-dir has no file \S+/empty/wnut17/\S+; it is published at https"
    ):
        datasets.load("wnut17", "train", published / "empty")


@pytest.mark.parametrize(
    ("content", "fact"),
    [(CONTENT[:-1], f"it has .* bytes, not {SIZE}"), (CONTENT[:-1] + b"!", "its SHA-256 is ")],
)
def test_another_file_in_the_folder_is_refused(published, content, fact):
    altered(published, content)
    with pytest.raises(DatasetError, match=f"is not the file published at https.*: {fact}"):
        datasets.load("wnut17", "train", published)


# -- the published files -----------------------------------------------------------------------------------------

ORIGINALS = Path(os.environ.get("NERVE_ORIGINALS", ROOT.parent / "shared" / "data" / "originals"))
needs_originals = pytest.mark.skipif(not ORIGINALS.is_dir(), reason=f"the published files are not in {ORIGINALS}")

COUNTS = {
    "conll2003": {"train": (14_041, 23_499), "dev": (3_250, 5_942), "test": (3_453, 5_648)},
    "conllpp": {"test": (3_453, 5_702)},
    "gmb": {"train": (38_259, 88_934), "dev": (5_080, 12_102), "test": (4_620, 10_855)},
    # In train 888 names of label OTH are dropped, which dev and test do not have.
    "uner_en_ewt": {"train": (12_543, 7_893 - 888), "dev": (2_001, 966), "test": (2_077, 1_088)},
    "broad_twitter": {"train": (6_338, 8_779), "dev": (1_001, 1_730)},
    "wnut17": {"train": (3_394, 1_975), "dev": (1_009, 836), "test": (1_287, 1_079)},
    "crossner": {"train": (700, 4_100), "dev": (2_121, 12_378)},
    "docred": {"train": (14_575, 47_686), "dev": (840, 2_710), "test": (605, 2_022)},
    "msra": {"train": (46_078, 68_060), "dev": (4_580, 6_649), "test": (4_365, 6_181)},
    "uner_zh_gsdsimp": {"train": (3_997, 6_118), "dev": (500, 753), "test": (500, 763)},
    "uner_zh_gsd": {"train": (3_997, 6_136), "dev": (500, 810), "test": (500, 767)},
    "weibo": {"train": (1_350, 1_895), "dev": (270, 389), "test": (270, 418)},
    "resume": {"train": (3_821, 13_440), "dev": (463, 1_497), "test": (477, 1_630)},
    "cluener": {"train": (10_748, 23_969), "dev": (1_343, 3_072)},
}
LABELS = {
    "conll2003": "LOC MISC ORG PER",
    "gmb": "art eve geo gpe nat org per tim",
    "uner_en_ewt": "LOC ORG PER",
    "broad_twitter": "LOC ORG PER",
    "wnut17": "corporation creative-work group location person product",
    "docred": "LOC MISC NUM ORG PER TIME",
    "msra": "LOC ORG PER",
    "uner_zh_gsd": "LOC ORG PER",
    "weibo": "GPE.NAM GPE.NOM LOC.NAM LOC.NOM ORG.NAM ORG.NOM PER.NAM PER.NOM",
    "resume": "CONT EDU LOC NAME ORG PRO RACE TITLE",
    "cluener": "address book company game government movie name organization position scene",
}


def names_in(sentences):
    return [span.label for sentence in sentences for span in spans_of(sentence.tags)]


@pytest.mark.slow
@pytest.mark.no_cover  # of a million rows, which would take four times as long
@needs_originals
@pytest.mark.parametrize(("name", "split"), [(name, split) for name in COUNTS for split in COUNTS[name]])
def test_a_split_has_as_many_sentences_and_names_as_published(name, split):
    sentences = datasets.load(name, split, ORIGINALS)
    labels = names_in(sentences)
    assert (len(sentences), len(labels)) == COUNTS[name][split]
    if split == "train" and name in LABELS:
        assert sorted(set(labels)) == LABELS[name].split()


@needs_originals
@pytest.mark.parametrize(("name", "documents"), [("conll2003", 216), ("docred", 106), ("uner_en_ewt", 318)])
def test_the_documents_of_a_split_have_all_its_sentences(name, documents):
    lengths = datasets.document_lengths(name, "dev", ORIGINALS)
    assert (len(lengths), sum(lengths)) == (documents, COUNTS[name]["dev"][0])


@needs_originals
def test_a_dataset_without_marks_of_documents_is_refused():
    with pytest.raises(DatasetError, match="wnut17 does not say where a document begins"):
        datasets.document_lengths("wnut17", "dev", ORIGINALS)


@needs_originals
def test_every_split_is_counted_here():
    counted = {name: tuple(splits) for name, splits in COUNTS.items()}
    assert {name: datasets.splits(name) for name in datasets.names() if "/" not in name} == counted


@needs_originals
def test_the_file_of_uner_en_ewt_holds_the_names_that_are_dropped():
    labels = names_in(read_iob2(ORIGINALS / "uner_en_ewt" / "en_ewt-ud-train.iob2"))
    assert (len(labels), labels.count("OTH")) == (7_893, 888)


@needs_originals
def test_a_published_file_is_fetched_over_http(cache, serve):
    url = serve(mirror_of(ORIGINALS))
    sentences = datasets.load("crossner", "train", cache=cache, mirror=url, progress=False)
    assert sentences == datasets.load("crossner", "train", ORIGINALS)
