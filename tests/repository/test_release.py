"""The files that a release, a citation and a commit rely on agree with pyproject.toml and the Makefile."""

import re

import yaml

from tests.support import ROOT
from tests.support.distributions import project


def test_the_citation_names_version_and_licence_of_the_package() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == project()["version"]
    assert " AND ".join(citation["license"]) == project()["license"]


def test_the_changelog_has_a_section_for_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(project()['version'])} ", changelog, re.MULTILINE)


def test_a_commit_is_checked_with_the_commands_of_make_check() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (recipe,) = re.findall(r"^check:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    commands = {line.strip().removeprefix("@").removesuffix(" .") for line in recipe.splitlines()}
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    hooks = [
        hook["entry"].removesuffix(" --force-exclude") for repo in configuration["repos"] for hook in repo["hooks"]
    ]
    assert set(hooks) == commands
