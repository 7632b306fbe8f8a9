"""The bill of materials that is put into the image."""

import hashlib
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from tests.support import ROOT

# What dpkg writes: a record for each package, also for one that was removed and left its configuration.
STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library: Shared libraries
 Contains the standard libraries.

Package: vim
Status: deinstall ok config-files
Architecture: amd64
Version: 2:9.0
"""


def bill(*arguments: str) -> Any:
    script = [sys.executable, str(ROOT / "scripts" / "sbom.py"), *arguments]
    return json.loads(subprocess.run(script, capture_output=True, text=True, check=True).stdout)


def components(*arguments: str) -> dict[str, Any]:
    listed = bill(*arguments)["components"]
    named = {component["bom-ref"]: component for component in listed}
    assert len(named) == len(listed), "a reference identifies a component"
    return named


def test_every_installed_distribution_is_listed_with_its_version() -> None:
    listed = components().keys()
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"].lower().replace("_", "-").replace(".", "-")
        if name != "nerve-ner":
            assert f"pkg:pypi/{name}@{distribution.version.replace('+', '%2B')}" in listed


def test_nerve_is_what_the_bill_is_about() -> None:
    made = bill()
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["metadata"]["component"]["name"] == "nerve-ner"
    assert "nerve-ner" not in {component["name"] for component in made["components"]}


def test_a_model_is_listed_with_its_hash(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"weights")
    listed = components("--models", str(tmp_path))["model:mine"]
    assert listed["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"weights").hexdigest()}]


def test_the_installed_packages_of_the_base_system_are_listed(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text(STATUS)
    listed = [name for name in components("--dpkg-status", str(status)) if name.startswith("pkg:deb")]
    assert listed == ["pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64"]


def test_the_same_environment_gives_the_same_bytes() -> None:
    assert bill() == bill()
