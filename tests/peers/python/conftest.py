"""What do the Python suites stand on? The same world as the Node suites, started by the same harness."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

PEERS = Path(__file__).resolve().parent.parent


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def world() -> Iterator[SimpleNamespace]:
    """A gateway before real upstreams, with one agent's token and sessions of three reviewers."""
    yield from served("serve-world.mjs", "python")


@pytest.fixture(scope="session")
def shop() -> Iterator[SimpleNamespace]:
    """A PostgreSQL server and two gateways before it, the second with a certificate."""
    yield from served("serve-postgres.mjs", "python-postgres")


def served(world: str, name: str) -> Iterator[SimpleNamespace]:
    """A world that a program of the Node suites' harness keeps up for as long as its standard input is open."""
    node = os.environ.get("NODE", "node")
    program = subprocess.Popen(
        [node, str(PEERS / "lib" / world), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert program.stdin and program.stdout
    line = program.stdout.readline()
    if not line:
        pytest.exit("the world did not start", returncode=1)
    yield SimpleNamespace(**json.loads(line))
    program.stdin.close()
    program.wait(timeout=30)
