"""Which package may import which, read from the source."""

import ast
import sys
from pathlib import Path

import pytest

from tests.support import ROOT

# A package, and what of ours it may import.
PACKAGES = {
    "nerve": {
        *{"nerve", "nerve.cores", "nerve.html", "nerve.model", "nerve.patterns", "nerve.result", "nerve.streams"},
        *{"nerve.tagger"},
    },
    "model": {"nerve", "nerve.model", "nerve.streams"},
    "patterns": {"nerve.model", "nerve.patterns"},
    "service": {"nerve", "nerve.model", "nerve.patterns", "nerve.service", "nerve.streams"},
    "training": {"nerve", "nerve.model", "nerve.streams", "nerve.training"},
    "bulk": {"nerve", "nerve.cores", "nerve.tagger", "nerve.model", "nerve.patterns", "nerve.bulk"},
    "cli": {
        *{"nerve", "nerve.cores", "nerve.tagger", "nerve.model", "nerve.service", "nerve.streams", "nerve.training"},
        *{"nerve.bulk", "nerve.cli", "nerve.patterns"},
    },
    "recipes": {"nerve", "nerve.model", "nerve.training", "recipes"},
}
# A room of the service, and the rooms that it may import. The arrows run down this table, so there is no circle.
EVERYWHERE = {"budget", "errors", "settings"}
ROOMS: dict[str, set[str]] = {
    "__main__": {"observability", "server"},
    "server": {"app", "api", "state", "http", "engine", "observability"},
    "openapi": {"api"},
    "app": {"api", "state", "annotate", "engine", "http", "observability"},
    "api": {"state", "annotate", "engine", "http", "observability"},
    "state": {"annotate", "engine", "http", "observability"},
    "annotate": {"engine", "observability"},
    "engine": {"observability"},
    "http": {"observability"},
    "observability": set(),
    "settings": {"budget"},
    "budget": {"errors"},
    "errors": set(),
}
OURS = {"nerve", "bench", "recipes", "scripts", "tests"}
WITHOUT_TORCH = ["annotation", "bundled", "errors", "function_words", "languages", "tokenizer", "tags", "vocabulary"]


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """The full names of all modules that a file imports, wherever in it; `from a import b` may import a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def imported_modules(path: Path) -> set[str]:
    """The modules of ours that a file imports, without the names it takes from them."""
    ours = {name for name in imports(path) if name.partition(".")[0] in OURS}
    return {name if is_module(name) else name.rpartition(".")[0] for name in ours}


def outside(path: Path) -> set[str]:
    return {top for name in imports(path) if (top := name.partition(".")[0]) not in OURS}


def within(module: str, rooms: set[str]) -> bool:
    return module in rooms or any(module.startswith(f"{room}.") for room in rooms - {"nerve"})


def room(module: str) -> str:
    return module.removeprefix("nerve.service.").partition(".")[0]


def test_the_rooms_of_the_service_are_those_of_the_table() -> None:
    names = {path.stem for path in (ROOT / "service").iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert names - {"__init__"} == ROOMS.keys()


@pytest.mark.parametrize("name", ROOMS)
def test_a_room_of_the_service_imports_only_rooms_below(name: str) -> None:
    order = list(ROOMS)
    assert all(order.index(other) > order.index(name) for other in ROOMS[name]), "the table has an arrow upward"
    allowed = ROOMS[name] | {name} | (EVERYWHERE if name not in EVERYWHERE else set())
    for path in sources(f"service/{name}") or [ROOT / "service" / f"{name}.py"]:
        imported = {room(module) for module in imported_modules(path) if module.startswith("nerve.service.")}
        assert imported - allowed == set(), path


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_of_ours_only_what_it_may(package: str) -> None:
    assert sources(package)
    for path in sources(package):
        assert {name for name in imported_modules(path) if not within(name, PACKAGES[package])} == set(), path


def test_nothing_is_imported_by_the_name_of_a_folder() -> None:
    for package in (*PACKAGES, "bench", "tests", "scripts"):
        for path in sources(package):
            assert not outside(path) & {"model", "service", "training", "bulk", "cli", "patterns"}, path


def test_model_needs_torch_pydantic_and_the_standard_library_only() -> None:
    # pydantic validates the configuration in an archive as it validates a training's; importing it takes a tenth of
    # the time that torch does, and every installation has it.
    for path in sources("model"):
        assert outside(path) <= {"torch", "pydantic", *sys.stdlib_module_names}, path


def reached(module: str, seen: set[str]) -> set[str]:
    """What a module of `model` imports, directly or through its own kind."""
    for name in imports(ROOT / "model" / f"{module}.py"):
        seen.add(name.partition(".")[0])
        own = name.removeprefix("nerve.model.").partition(".")[0]
        if name.startswith("nerve.model.") and f"nerve.model.{own}" not in seen:
            seen.add(f"nerve.model.{own}")
            reached(own, seen)
    return seen


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_a_text_is_made_of_needs_no_torch(module: str) -> None:
    assert "torch" not in reached(module, set())


def test_the_tagger_does_need_torch() -> None:
    assert "torch" in reached("recognizer", set()), "or the test above sees nothing"


def test_only_the_archive_says_torch_jit() -> None:
    for path in (path for package in PACKAGES for path in sources(package)):
        says = {
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.jit"
        } | {name for name in imports(path) if name.startswith("torch.jit")}
        assert bool(says) == (path == ROOT / "model" / "archive.py"), path
