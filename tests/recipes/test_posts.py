"""Posts and reviews out of the package that holds them."""

import io
import tarfile
from pathlib import Path

import pytest

from recipes import posts


def packed(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def test_each_text_of_the_collections_is_a_line(tmp_path: Path) -> None:
    collections = {
        f"hutto_ICWSM_2014/{name}_GroundTruth.txt": f"1\t2.5\t{name} &amp; more \n2\t-1\tTwo\n".encode()
        for name in (*posts.COLLECTIONS, "nytEditorialSnippets")
    }
    package, output = tmp_path / "vader.tar.gz", tmp_path / "posts.txt"
    package.write_bytes(packed({posts.ARCHIVE: packed(collections)}))
    assert posts.main([str(package), "--output", str(output)]) == 0
    assert output.read_text().splitlines() == [
        line for name in posts.COLLECTIONS for line in (f"{name} & more", "Two")
    ]


@pytest.mark.parametrize("content", [b"no archive", packed({"other.txt": b"1"})], ids=["no archive", "another"])
def test_another_package_is_refused_in_one_line(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "other.tar.gz"
    package.write_bytes(content)
    assert posts.main([str(package), "--output", str(tmp_path / "posts.txt")]) == 1
    assert capsys.readouterr().err.startswith(f"recipes.posts: {package}: ")
