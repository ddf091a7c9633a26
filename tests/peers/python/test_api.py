"""Does the review API do what its OpenAPI document says, for any input? Asked by schemathesis."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

# Operations that would end what the others need or never end by themselves. Each has its own run or test below.
APART = {
    "session-end": ("DELETE", "/api/v1/session"),
    "events": ("GET", "/api/v1/events"),
}


def schemathesis(world: SimpleNamespace, token: str, folder: Path, *options: str) -> None:
    """Runs every check on generated and hostile input, and shows the whole report when one fails."""
    program = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            program, "run", f"{world.people}/api/v1/openapi.json", "--url", world.people,
            "--header", f"Authorization: Bearer {token}", "--checks", "all", "--phases", "examples,coverage,fuzzing",
            "--max-examples", "25", "--seed", "2", "--request-timeout", "10", "--continue-on-failure", "--no-color",
            "--report", "junit", "--report-dir", str(folder), *options,
        ],
        capture_output=True, text=True, cwd=folder, timeout=420, check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_operation_keeps_its_promises(world: SimpleNamespace, tmp_path: Path) -> None:
    apart = [option for method, path in APART.values() for option in ("--exclude-by", f"{method} {path}")]
    schemathesis(world, world.sessions[0], tmp_path)
    assert apart


def test_ending_a_session_ends_it(world: SimpleNamespace) -> None:
    headers = {"Authorization": f"Bearer {world.sessions[1]}"}
    route = f"{world.people}/api/v1/session"
    assert requests.delete(route, headers=headers, timeout=10).status_code == 204
    assert requests.delete(route, headers=headers, timeout=10).status_code == 401


@pytest.mark.parametrize("token", ["agent", "none"])
def test_no_route_answers_without_a_session(world: SimpleNamespace, token: str) -> None:
    """An agent's credential reaches nothing here; nor does none."""
    headers = {"Authorization": f"Bearer {world.token}"} if token == "agent" else {}
    document = requests.get(f"{world.people}/api/v1/openapi.json", timeout=10).json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if operation.get("security") == []:
                continue
            url = world.people + path.replace("{id}", "rev_01890000-0000-7000-8000-000000000000")
            answer = requests.request(method, url, headers=headers, json={}, timeout=10, stream=True)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
            tried += 1
    assert tried >= 4
