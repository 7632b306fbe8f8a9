"""The sdist and the wheel: what they hold, and that the wheel works where there is no clone.

Nothing is downloaded. The environment that the wheel is installed into has links to those packages of the tests'
environment that the wheel's metadata asks for, and no others: a dependency that is not declared is not there.
"""

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import nerve
from tests.support import ROOT, loopback
from tests.support.clone import Clone, clean_environment
from tests.support.distributions import project, required

pytestmark = pytest.mark.slow

TEXT = "Tim Cook flew to Paris."
# What every installation has to hold besides code.
DATA = {
    "nerve/py.typed",
    "nerve/models/en.pt",
    "nerve/models/en.md",
    "nerve/models/zh.pt",
    "nerve/models/zh.md",
    "nerve/models/multi.pt",
    "nerve/models/multi.md",
    "nerve/service/openapi.json",
    *(f"nerve/training/data/{name}" for name in ("countries.txt", "demonyms.txt", "regions_zh.txt", "sources.json")),
    *(f"nerve/service/page/{path.name}" for path in (ROOT / "service" / "page").iterdir()),
}
INSTALLERS = {
    "pip": [sys.executable, "-m", "pip", "--python", "{python}", "install", "--quiet", "--no-index", "--no-deps"],
    "uv": [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--python", "{python}"],
}


def run(*command: str, **options: object) -> str:
    """Run a command that has to succeed: its stdout."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment(), **options)  # type: ignore[call-overload]
    assert ended.returncode == 0, ended.stderr
    return str(ended.stdout)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Clone(tmp_path_factory.mktemp("clone")).folder


@pytest.fixture(scope="module")
def built(clone: Path) -> Path:
    """The folder in which `python -m build` leaves an sdist of the clone and a wheel of that sdist."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", "dist", ".", cwd=clone)
    return clone / "dist"


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def code() -> set[str]:
    """The modules of the package, by the paths at which the wheel has to hold them."""
    folders = ("model", "service", "training", "bulk", "cli", "patterns")
    modules = {path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py")}
    own = {f"nerve/{path.name}" for path in (ROOT / "nerve").glob("*.py")}
    return own | {f"nerve/{path}" for path in modules}


def held(path: Path) -> dict[str, bytes]:
    """The files of a wheel, but for the metadata."""
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_code_models_page_and_descriptions(wheel: Path) -> None:
    assert code() | DATA <= held(wheel).keys()


def test_the_wheel_installs_nothing_but_nerve(wheel: Path) -> None:
    assert held(wheel).keys() - code() - DATA == set()


def test_the_sdist_holds_what_the_wheel_does_and_its_licence(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as file:
        members = {member.name.partition("/")[2]: member for member in file if not member.isdir()}
    assert [name for name, member in members.items() if not member.isfile()] == []
    assert code() | DATA | {"LICENSE", "README.md", "pyproject.toml"} <= members.keys()
    assert {name.partition("/")[0] for name in members} & {
        "model",
        "service",
        "training",
        "bulk",
        "cli",
        "patterns",
        "tests",
    } == set()


def test_a_wheel_made_without_an_sdist_is_the_same(clone: Path, wheel: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", "direct")
    run(sys.executable, "-m", "pip", "wheel", *options, ".", cwd=clone)
    (direct,) = (clone / "direct").glob("*.whl")
    assert held(direct) == held(wheel)


@pytest.fixture(scope="module")
def description(wheel: Path) -> Metadata:
    """The wheel's metadata, which are refused here if they are not valid."""
    with zipfile.ZipFile(wheel) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        return Metadata.from_email(file.read(name), validate=True)


def test_the_readme_is_the_long_description(description: Metadata) -> None:
    assert description.description is not None
    assert description.description.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()
    assert description.description_content_type == "text/markdown"


def test_name_and_version_are_those_of_the_code(description: Metadata) -> None:
    assert (description.name, str(description.version)) == (nerve.DISTRIBUTION, nerve.__version__)


class Installed:
    """An environment that holds the wheel, and links to what its metadata asks for."""

    def __init__(self, folder: Path, wheel: Path, installer: str) -> None:
        self.folder = folder
        run(sys.executable, "-m", "venv", "--without-pip", str(folder))
        self.python = folder / "bin" / "python"
        self.packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
        for name in required(project()["dependencies"]):
            self._link(metadata.distribution(name))
        run(*(word.format(python=self.python) for word in INSTALLERS[installer]), str(wheel))

    def _link(self, distribution: metadata.Distribution) -> None:
        files = distribution.files
        assert files is not None
        for name in {file.parts[0] for file in files} - {"..", "__pycache__"}:
            link = self.packages / name
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(name))))

    def own(self) -> set[str]:
        """What the installer has put there."""
        return {path.name for path in self.packages.iterdir() if not path.is_symlink()}

    def command(self, *words: str) -> list[str]:
        return [str(self.folder / "bin" / words[0]), *words[1:]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Installed:
    return Installed(tmp_path_factory.mktemp("environment"), wheel, "pip")


def test_uv_installs_what_pip_does(installed: Installed, wheel: Path, tmp_path: Path) -> None:
    with_uv = Installed(tmp_path, wheel, "uv")
    assert with_uv.own() == installed.own() == {"nerve", f"nerve_ner-{nerve.__version__}.dist-info"}
    assert run(*with_uv.command("nerve", "--version")) == f"nerve {nerve.__version__}\n"


def test_what_the_metadata_asks_for_is_compatible_with_itself(installed: Installed) -> None:
    run(sys.executable, "-m", "pip", "--python", str(installed.python), "check")


@pytest.fixture(params=["an empty folder", "a folder with modules of those names"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a user may be: nothing of theirs may be taken for ours."""
    if request.param != "an empty folder":
        (tmp_path / "training").mkdir()
        for name in ("model.py", "service.py", "bulk.py", "cli.py", "training/__init__.py", "models.py"):
            (tmp_path / name).write_text("raise AssertionError('this module is the user\\'s own')\n")
    return tmp_path


def test_the_clone_cannot_be_imported_there(installed: Installed, tmp_path: Path) -> None:
    names = "('model', 'service', 'training', 'bulk', 'cli', 'tests', 'bench', 'recipes', 'scripts')"
    program = f"import importlib.util, nerve; print({names}, [n for n in {names} if importlib.util.find_spec(n)])"
    assert run(str(installed.python), "-c", program, cwd=tmp_path).endswith(") []\n")


def test_nerve_tag_finds_names(installed: Installed, folder: Path) -> None:
    answer = json.loads(run(*installed.command("nerve", "tag"), input=TEXT, cwd=folder))
    assert [(entity["label"], entity["text"]) for entity in answer["ents"]] == [("PER", "Tim Cook"), ("LOC", "Paris")]


def test_nerve_models_describes_the_bundled_ones(installed: Installed, folder: Path) -> None:
    described = run(*installed.command("nerve", "models"), cwd=folder)
    names = ("en", "zh", "multi")
    assert [name for line in described.splitlines() if (name := line.partition(":")[0]) in names] == list(names)
    assert str(installed.packages / "nerve" / "models" / "en.pt") in described


def test_a_program_loads_a_bundled_model_by_its_name(installed: Installed, folder: Path) -> None:
    program = f"import nerve; print(*[(entity.label, entity.text) for entity in nerve.load('en')({TEXT!r})])"
    printed = run(str(installed.python), "-c", program, cwd=folder)
    assert printed == "('PER', 'Tim Cook') ('LOC', 'Paris')\n"


def test_nerve_train_says_which_extra_to_install(installed: Installed, folder: Path) -> None:
    command = installed.command("nerve", "train", "--dataset", "wnut17")
    ended = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1), ended.stderr
    assert f"pip install '{nerve.DISTRIBUTION}[training]'" in ended.stderr


@pytest.fixture
def served(installed: Installed, folder: Path) -> Iterator[str]:
    """The URL of `nerve serve`."""
    process = subprocess.Popen(
        installed.command("nerve", "serve", "--port", "0"),
        cwd=folder,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("nerve is ready: page http://"), process.communicate(timeout=30)
        yield line.split()[4].rstrip("/")
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=30)


def test_nerve_serve_answers_with_page_description_and_entities(served: str) -> None:
    with loopback.Client(base_url=served) as client:
        answer = client.post("/v1/entities", json={"text": TEXT}).json()
        assert [entity["text"] for entity in answer["ents"]] == ["Tim Cook", "Paris"]
        assert "<title>" in client.get("/").text
        assert client.get("/page/page.js").status_code == 200
        assert client.get("/openapi.json").json()["info"]["version"] == nerve.__version__
