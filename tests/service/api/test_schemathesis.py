"""The service answers as its OpenAPI document says, whatever schemathesis can think of."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.conftest import ServiceProcess
from tests.support import ROOT

KEY = "a-key-for-the-tests"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("keys", "phases", "seconds"),
    [("", "examples,coverage,fuzzing,stateful", 20), (f"tester {KEY}\n", "examples,coverage", 10)],
    ids=["open", "keys"],
)
def test_the_service_answers_as_its_description_says(
    archive: Path, tmp_path: Path, run_service: Callable[..., ServiceProcess], keys: str, phases: str, seconds: int
) -> None:
    settings = ["--port", "0", "--device", "cpu", "--model", str(archive)]
    if keys:
        (tmp_path / "keys").write_text(keys)
        settings += ["--api-keys-file", str(tmp_path / "keys")]
    _, url = run_service(*settings).ready()
    command = [sys.executable, "-m", "schemathesis.cli"]
    command += ["--config-file", str(ROOT / "tests" / "support" / "schemathesis.toml")]
    command += ["run", f"{url}/openapi.json", "--no-color", "--continue-on-failure", "--no-shrink"]
    command += ["--phases", phases, "--max-examples", "8", "--max-time", str(seconds), "--generation-deterministic"]
    command += ["--suppress-health-check", "all"]
    command += ["--header", f"X-API-Key: {KEY}"] if keys else []
    hooks = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks"}
    run = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **hooks}, capture_output=True, text=True, timeout=200, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
