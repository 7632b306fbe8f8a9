"""pyproject.toml and constraints.txt: ranges for those who install nerve, exact pins for those who work on it."""

from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tests.support import ROOT
from tests.support.distributions import project, required

PROJECT = project()
OPTIONAL = PROJECT["optional-dependencies"]
PINNED = dict(
    line.split("==")
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
)
UNPINNED = {"bench", "ray", "spacy"}
RANGES = [*PROJECT["dependencies"], *OPTIONAL["training"]]


def test_the_constraints_pin_all_that_make_installs_at_the_version_tested_here() -> None:
    lines = [*PROJECT["dependencies"], *(line for extra in OPTIONAL.keys() - UNPINNED for line in OPTIONAL[extra])]
    names = required(line for line in lines if Requirement(line).name != PROJECT["name"])
    # A CUDA build of torch pins what it adds itself.
    names -= {name for name in names if name.startswith(("nvidia-", "cuda-")) or name == "triton"}
    assert {name: metadata.version(name).partition("+")[0] for name in names} == PINNED


def test_each_range_has_both_bounds_and_holds_the_version_tested_here() -> None:
    for requirement in map(Requirement, RANGES):
        operators = {specifier.operator for specifier in requirement.specifier}
        assert operators in ({">=", "<"}, {"=="}), requirement
        assert metadata.version(requirement.name) in requirement.specifier, requirement


def test_only_torch_is_held_to_one_minor_version() -> None:
    held = [name for line in RANGES if "==" in str(Requirement(line).specifier) for name in [Requirement(line).name]]
    assert held == ["torch"]
    (specifier,) = (Requirement(line).specifier for line in RANGES if line.startswith("torch"))
    assert specifier == SpecifierSet("==2.13.*")


def test_the_peers_that_figures_are_measured_against_are_pinned() -> None:
    peers = [Requirement(line) for line in OPTIONAL["bench"] if Requirement(line).name != PROJECT["name"]]
    assert all(str(peer.specifier).startswith("==") for peer in peers)
