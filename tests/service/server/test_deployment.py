"""The examples of docs/operations.md against the code: settings, paths, times."""

import re
from itertools import pairwise

from nerve.service.api.routes import API
from nerve.service.settings import Settings, variable
from tests.support.documents import ROOT, blocks, commands

OPERATIONS = ROOT / "docs" / "operations.md"
VARIABLES = {variable(name) for name in Settings.model_fields}


def test_the_default_times_are_within_dockers() -> None:
    assert Settings().drain_grace_seconds + Settings().drain_seconds < 10


def test_every_variable_that_is_mentioned_is_a_setting() -> None:
    assert set(re.findall(r"NERVE_[A-Z0-9_]+", OPERATIONS.read_text(encoding="utf-8"))) <= VARIABLES


def test_the_containers_are_started_with_settings_that_there_are() -> None:
    shown = [command.split() for command in commands(OPERATIONS) if command.startswith("docker run")]
    pairs = [pair for words in shown for pair in pairwise(words)]
    assert [word.partition("=")[0] for flag, word in pairs if flag == "-e"] == ["MODEL"]


def test_the_proxy_lets_through_what_the_service_would_answer() -> None:
    # The other block is the upstream of a Unix socket.
    (proxy,) = (block for block in blocks(OPERATIONS, "nginx") if "client_max_body_size" in block.content)
    ours = Settings()
    bodies = re.findall(r"client_max_body_size (\d+)m?;", proxy.content)
    waits = re.findall(r"proxy_read_timeout (\d+)s;", proxy.content)
    assert [int(size) * 2**20 for size in bodies] == [ours.max_body_bytes + 2**20, 0]
    assert [int(seconds) > ours.deadline_seconds for seconds in waits] == [True]
    posts = {route.path for route in API if route.method == "POST"}
    assert set(re.findall(r"proxy_pass http://[^/]+(/\S+);", proxy.content)) <= posts
