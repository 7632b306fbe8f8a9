"""Where `make smoke` and `make lowest` take packages from; that they run is seen at a release."""

from pathlib import Path

from scripts.smoke import ROOT, download_torch, like_pip

# A pip that writes down how it is called, and one that is configured.
RECORDING = ("sh", "-c", 'echo "$*" > "{log}"', "pip")
CONFIGURED = ("sh", "-c", "echo \"global.index-url='https://index'\"; echo \"global.find-links='/wheels'\"")


def test_the_index_of_torch_is_asked_for_the_pinned_torch_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    download_torch([word.format(log=log) for word in RECORDING], "https://torch", tmp_path / "wheels")
    called = log.read_text(encoding="utf-8").split()
    constraints = ["--constraint", str(ROOT / "constraints.txt")]
    assert called == [
        *["download", "--no-deps", "--index-url", "https://torch"],
        *[*constraints, "--dest", str(tmp_path / "wheels"), "torch"],
    ]


def test_uv_looks_where_pip_is_configured_to_and_for_torch_in_the_folder_that_it_was_put_in(tmp_path: Path) -> None:
    assert like_pip(CONFIGURED, tmp_path) == {
        "UV_DEFAULT_INDEX": "https://index",
        "UV_FIND_LINKS": f"/wheels {tmp_path}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_without_an_index_of_torch_uv_looks_where_pip_does(tmp_path: Path) -> None:
    assert like_pip(CONFIGURED, tmp_path / "nothing")["UV_FIND_LINKS"] == "/wheels"
