"""What an image is made of, as CycloneDX 1.6 JSON: Python packages, the base system's packages, and the models.

The Dockerfile runs it with the interpreter of the image's environment; it needs the standard library only. The same
environment gives the same bytes: there is no time and no random number in it.

    /venv/bin/python sbom.py --models /app/nerve/models > sbom.json
"""

import argparse
import hashlib
import json
import platform
import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]

PRODUCT = "nerve-ner"
DPKG_STATUS = Path("/var/lib/dpkg/status")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bill of materials of this interpreter's environment."""
    parser = argparse.ArgumentParser(prog="sbom", description="Print what this environment is made of.")
    parser.add_argument("--models", type=Path, help="folder of archives")
    parser.add_argument("--dpkg-status", type=Path, default=DPKG_STATUS, help="Debian's list of installed packages")
    options = parser.parse_args(arguments)
    components = [
        python(),
        *sorted(packages(), key=by_reference),
        *sorted(system_packages(options.dpkg_status), key=by_reference),
        *(models(options.models) if options.models else ()),
    ]
    product = next((part for part in components if part["name"] == PRODUCT), None)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**product, "type": "application"}} if product else {},
        "components": [part for part in components if part is not product],
    }
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    print()
    return 0


def by_reference(component: Component) -> str:
    """What components are sorted by."""
    return str(component["bom-ref"])


def component(kind: str, name: str, version: str, purl: str) -> Component:
    """A component that its package URL identifies."""
    return {"type": kind, "name": name, "version": version, "purl": purl, "bom-ref": purl}


def python() -> Component:
    """The interpreter."""
    version = platform.python_version()
    return component("platform", "python", version, f"pkg:generic/python@{version}")


def packages() -> Iterator[Component]:
    """The installed distributions, each with the licence that its metadata name."""
    for distribution in metadata.distributions():
        about = distribution.metadata.json
        name = str(about["name"]).lower().replace("_", "-").replace(".", "-")
        part = component("library", name, distribution.version, f"pkg:pypi/{name}@{quote(distribution.version)}")
        if expression := about.get("license_expression"):
            part["licenses"] = [{"expression": expression}]
        elif licence := about.get("license"):
            part["licenses"] = [{"license": {"name": str(licence).splitlines()[0]}}]
        yield part


def system_packages(status: Path) -> Iterator[Component]:
    """The packages that dpkg has installed; none on another system."""
    for record in status.read_text(encoding="utf-8").split("\n\n") if status.is_file() else ():
        fields = dict(line.split(": ", 1) for line in record.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            name, version, architecture = fields["Package"], fields["Version"], fields["Architecture"]
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={architecture}"
            yield component("library", name, version, purl)


def models(folder: Path) -> Iterator[Component]:
    """The archives in a folder, each with its SHA-256."""
    for path in sorted(folder.glob("*.pt")):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        yield {
            "type": "machine-learning-model",
            "name": path.stem,
            "bom-ref": f"model:{path.stem}",
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }


if __name__ == "__main__":
    sys.exit(main())
