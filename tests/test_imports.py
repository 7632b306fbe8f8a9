"""Which package may import what, read from the source: training -> model <- service, and all of them <- cli."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {"model", "service", "training", "cli", "bench", "tests"}
MAY_IMPORT = {
    "model": {"model"},
    "service": {"service", "model"},
    "training": {"training", "model"},
    "cli": {"cli", "service", "training", "model"},
}
WITHOUT_TORCH = ["annotation", "tokenizer", "tags", "vocabulary"]


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


def imports(path):
    """The full names of all modules that a file imports, wherever in it; `from a import b` may import a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = [path.relative_to(ROOT).parts[0]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def packages(path):
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_of_ours_only_what_it_may(package):
    assert sources(package)
    for path in sources(package):
        assert packages(path) & OURS <= MAY_IMPORT[package], path


def test_model_needs_torch_and_the_standard_library_only():
    for path in sources("model"):
        assert packages(path) <= {"model", "torch", *sys.stdlib_module_names}, path


def reached(module, seen):
    """What a module of `model` imports, directly or through its own kind."""
    for name in imports(ROOT / "model" / f"{module}.py"):
        seen.add(name.partition(".")[0])
        own = name.removeprefix("model.").partition(".")[0]
        if name.startswith("model.") and (ROOT / "model" / f"{own}.py").exists() and f"model.{own}" not in seen:
            seen.add(f"model.{own}")
            reached(own, seen)
    return seen


@pytest.mark.parametrize("module", WITHOUT_TORCH)
def test_what_a_text_is_made_of_needs_no_torch(module):
    assert "torch" not in reached(module, set())


def test_the_tagger_does_need_torch():
    assert "torch" in reached("recognizer", set()), "or the test above sees nothing"


def test_only_the_archive_says_torch_jit():
    for path in (path for package in MAY_IMPORT for path in sources(package)):
        says = {
            ast.unparse(node)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "torch.jit"
        } | {name for name in imports(path) if name.startswith("torch.jit")}
        assert bool(says) == (path == ROOT / "model" / "archive.py"), path
