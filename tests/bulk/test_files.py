"""A file that is written whole, by two processes at once, too: two shards may make the same part."""

from pathlib import Path

import pytest

from nerve.bulk.errors import BulkError
from nerve.bulk.files import replacing


def test_of_two_that_write_the_same_file_at_once_neither_fails(tmp_path: Path) -> None:
    path = tmp_path / "part"
    with replacing(path) as slow:
        slow.write(b"the same")
        with replacing(path) as fast:
            fast.write(b"the same")
    assert [file.name for file in tmp_path.iterdir()] == ["part"]
    assert path.read_bytes() == b"the same"


def test_a_file_that_is_gone_before_it_has_its_name_is_an_error(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "part"):
            for left in tmp_path.iterdir():
                left.unlink()

    with pytest.raises(BulkError, match="cannot be written: No such file"):
        write()
