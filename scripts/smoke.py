"""`make smoke`: install nerve as a stranger would, and use it: tag, serve, train, tag with what was trained, uvx.

It runs on the Python that is to be tried, needs nothing besides it, and leaves nothing behind. It downloads what
nerve depends on. Each step is one line; the first that fails ends the run with status 1.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = "Tim Cook flew to Paris."
FOUND = [("PER", "Tim Cook"), ("LOC", "Paris")]
NAMES = {
    "PER": (
        "Anna Weber",
        "Boris Novak",
        "Clara Rossi",
        "Dmitri Lind",
        "Elena Okafor",
        "Frank Tanaka",
        "Greta Moreau",
    ),
    "LOC": ("Paris", "Lagos", "New York", "Oslo", "Lima", "San Jose", "Bonn"),
    "ORG": ("Acme Corp", "Globex", "Initech", "Umbrella Labs", "Hooli", "Stark Works", "Wayne Group"),
}
PATTERNS = (
    "{PER} visited {LOC}.",
    "Yesterday {PER} flew to {LOC}.",
    "{ORG} hired {PER} in {LOC}.",
    "{ORG} opened an office in {LOC}.",
    "Nobody at {ORG} saw {PER} today.",
    "They walked home in the rain.",
)
TRAINING = "--epochs 10 --hidden-size 32 --batch-size 8 --learning-rate 0.01 --average 0.9 --device cpu --seed 1"
TRAINED_F1 = 90.0


class SmokeError(Exception):
    """A step has not done what it has to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps: 1 if one failed."""
    parser = argparse.ArgumentParser(
        prog="smoke", description="Install nerve in a throw-away environment and use it."
    )
    parser.add_argument("--wheel", type=Path, help="the wheel to install; without it, one is built of this checkout")
    parser.add_argument("--torch-index", default="", help="an index that pip takes torch from, and nothing else")
    options = parser.parse_args(arguments)
    print(f"Python {sys.version.split()[0]}", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="nerve-smoke-") as folder:
            smoke(Path(folder), options.wheel, options.torch_index)
    except SmokeError as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def smoke(folder: Path, wheel: Path | None, torch_index: str) -> None:
    """Do the steps in a folder of their own; without a wheel, build it first."""
    programs = folder / "environment" / "bin"
    python, nerve = str(programs / "python"), str(programs / "nerve")
    empty = folder / "empty"
    empty.mkdir()
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    install = [*pip, "install", "--constraint", str(ROOT / "constraints.txt")]

    with step("make an environment"):
        run(sys.executable, "-m", "venv", str(folder / "environment"))
    if wheel is None:
        with step("build sdist and wheel"):
            run(*install, "build")
            run(python, "-m", "build", "--outdir", str(folder / "dist"), str(ROOT))
            (wheel,) = (folder / "dist").glob("*.whl")
    wheel = wheel.resolve()
    wheels = folder / "wheels"
    if torch_index:
        with step(f"pip install torch from {torch_index}"):
            download_torch(pip, torch_index, wheels)
            run(*install, "--no-deps", *map(str, wheels.iterdir()))
    with step(f"pip install {wheel.name}"):
        run(*install, str(wheel))
    with step("nerve tag"):
        expect(tagged(run(nerve, "tag", folder=empty, given=TEXT)), FOUND)
    with step("nerve.load"):
        program = f"import nerve; print([(e.label, e.text) for e in nerve.load('en')({TEXT!r})])"
        expect(run(python, "-c", program, folder=empty).strip(), str(FOUND))
    with step("nerve serve"):
        expect(served(nerve, empty), FOUND)
    with step("nerve train names the extra that it needs"):
        refusal = run(nerve, "train", "--dataset", "wnut17", folder=empty, status=1)
        expect("[training]" in refusal, True)
    with step(f"pip install '{wheel.name}[training]'"):
        run(*install, f"{wheel}[training]")
    with step("nerve train"):
        for seed, split in enumerate(("train", "dev")):
            (empty / f"{split}.jsonl").write_text(corpus(600 if split == "train" else 120, seed), encoding="utf-8")
        run(
            nerve,
            "train",
            "--train",
            "train.jsonl",
            "--dev",
            "dev.jsonl",
            "--output",
            "mine.pt",
            *TRAINING.split(),
            folder=empty,
        )
    with step(f"nerve evaluate: F1 of {TRAINED_F1:g} or more"):
        report = run(nerve, "evaluate", "mine.pt", "--file", "dev.jsonl", folder=empty)
        (line,) = (line for line in report.splitlines() if line.startswith("micro F1"))
        expect(float(line.split()[2]) >= TRAINED_F1, True)
    with step("nerve tag with the trained model"):
        text = "Clara Rossi visited Oslo."
        expect(
            tagged(run(nerve, "tag", "--model", "mine.pt", folder=empty, given=text)),
            [("PER", "Clara Rossi"), ("LOC", "Oslo")],
        )
    with step("uvx --from WHEEL nerve tag"):
        run(*install, "uv")
        uvx = [str(programs / "uvx"), "--quiet", "--no-config", "--python", sys.executable, "--from", str(wheel)]
        variables = {**like_pip(pip, wheels), "UV_CACHE_DIR": str(folder / "cache")}
        expect(tagged(run(*uvx, "nerve", "tag", folder=empty, given=TEXT, variables=variables)), FOUND)


@contextmanager
def step(title: str) -> Iterator[None]:
    """Say in a line what is done and how long it took."""
    print(f"  {title} … ", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print("failed", flush=True)
        raise
    print(f"{time.monotonic() - start:.1f} s", flush=True)


def run(
    *command: str,
    folder: Path | None = None,
    given: str = "",
    status: int = 0,
    variables: dict[str, str] | None = None,
) -> str:
    """Run a command that has to end with this status: what it wrote, on stderr if it had to fail."""
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**environment(), **(variables or {})},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode != status:
        raise SmokeError(
            f"{' '.join(command)} ended with {ended.returncode}, not {status}:\n{ended.stdout}{ended.stderr}"
        )
    return ended.stderr if status else ended.stdout


def environment() -> dict[str, str]:
    """The variables of this process, without what would show the checkout to what is installed."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MODEL", "HOST", "PORT")}


def expect(given: object, wanted: object) -> None:
    """Fail unless both are the same."""
    if given != wanted:
        raise SmokeError(f"got {given}, not {wanted}")


def tagged(line: str) -> list[tuple[str, str]]:
    """Labels and texts of the entities in an answer."""
    return [(entity["label"], entity["text"]) for entity in json.loads(line)["ents"]]


def served(nerve: str, folder: Path) -> list[tuple[str, str]]:
    """The entities that a started `nerve serve` answers with, after its page has been looked at."""
    log = folder / "serve.log"
    with (
        log.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            [nerve, "serve", "--port", "0"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            words = process.stdout.readline().split()
            if words[:3] != ["nerve", "is", "ready:"]:
                raise SmokeError(f"nerve serve did not start:\n{log.read_text(encoding='utf-8')}")
            url = words[4].rstrip("/")
            # Not through a proxy that the environment may name.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            expect(b"<title>" in opener.open(f"{url}/", timeout=30).read(), True)
            body = json.dumps({"text": TEXT}).encode()
            request = urllib.request.Request(f"{url}/v1/entities", body, {"content-type": "application/json"})
            return tagged(opener.open(request, timeout=30).read())
        finally:
            process.terminate()


def corpus(count: int, seed: int) -> str:
    """JSON lines, as an annotation tool exports them: sentences of a few patterns around known names."""
    generator = random.Random(seed)
    return "".join(json.dumps(sentence(generator)) + "\n" for _ in range(count))


def sentence(generator: random.Random) -> dict[str, object]:
    """One record: a pattern with names put in, and where they are."""
    text, spans = "", []
    for part in generator.choice(PATTERNS).replace("}", "{").split("{"):
        if part in NAMES:
            name = generator.choice(NAMES[part])
            spans.append([len(text), len(text) + len(name), part])
            text += name
        else:
            text += part
    return {"text": text, "label": spans}


def download_torch(pip: Sequence[str], index: str, folder: Path) -> None:
    """Put the pinned torch of an index into a folder. The index is asked for nothing else."""
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    run(*pip, "download", "--no-deps", "--index-url", index, *constraints, "--dest", str(folder), "torch")


def like_pip(pip: Sequence[str], wheels: Path | None = None) -> dict[str, str]:
    """Variables that make uv look for packages where pip is configured to look, and in a folder of wheels."""
    configured = {}
    for line in run(*pip, "config", "list").splitlines():
        name, _, value = line.partition("=")
        configured[name.rpartition(".")[2]] = value.strip("'\"")
    found = [configured.get("find-links", ""), str(wheels) if wheels and wheels.is_dir() else ""]
    variables = {
        "UV_DEFAULT_INDEX": configured.get("index-url", ""),
        "UV_EXTRA_INDEX_URL": configured.get("extra-index-url", ""),
        "UV_FIND_LINKS": " ".join(filter(None, found)),
        # As pip does: the best version of all indexes, not that of the first index that has one.
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }
    return {name: value for name, value in variables.items() if value}


if __name__ == "__main__":
    sys.exit(main())
