"""Does the review API do what its OpenAPI document says, for any input? Asked by schemathesis."""

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import anyio
import pytest
import requests
from reviewer import Reviewer
from test_client import through

# Three operations can't be in the run with everything else: one would end the session that the others need, one never
# ends by itself, and schemathesis takes the document's own address only when it is named. Each has its own test below;
# nothing else is left out.
APART = ["end_session", "watch", "describe"]


def schemathesis(world: SimpleNamespace, token: str, folder: Path, *options: str, more: str = "") -> str:
    """Runs every check on generated and hostile input; shows the whole report when one fails."""
    config = folder / "schemathesis.toml"
    config.write_text(Path(__file__).with_name("schemathesis.toml").read_text() + more)
    done = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            "--config-file", config,
            "run", f"{world.people}/api/v1/openapi.json", "--url", world.people,
            "--header", f"Authorization: Bearer {token}", "--checks", "all", "--phases", "examples,coverage,fuzzing",
            "--max-examples", "25", "--seed", "2", "--request-timeout", "10", "--continue-on-failure", "--no-color",
            *options,
        ],
        capture_output=True, text=True, cwd=folder, timeout=420, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_operation_keeps_its_promises(world: SimpleNamespace, tmp_path: Path) -> None:
    document = requests.get(f"{world.people}/api/v1/openapi.json", timeout=10).json()
    named = {operation["operationId"] for path in document["paths"].values() for operation in path.values()}
    assert named.issuperset(APART)
    apart = [option for name in APART for option in ("--exclude-operation-id", name)]
    report = schemathesis(world, world.sessions[0], tmp_path, *apart)
    assert re.search(rf"Operations: +{len(named) - len(APART)} selected", report), report


def test_the_description_of_the_api_keeps_its_promises(world: SimpleNamespace, tmp_path: Path) -> None:
    schemathesis(world, world.sessions[0], tmp_path, "--include-path", "/api/v1/openapi.json")


def test_operations_on_one_thing_keep_their_promises_for_one_that_exists(world: SimpleNamespace, tmp_path: Path) -> None:
    """Generated ids name nothing, so the same is asked again about a review that is pending."""
    anyio.run(hold, world, Path(world.folder) / "asked-by-schemathesis.txt")
    review = Reviewer(world.people, world.sessions[0]).pending("asked-by-schemathesis")
    ids = {"reviews/{id}": review["id"], "actions/{id}": review["action"]["id"]}
    more = "".join(
        f"""
[[operations]]
include-path-regex = "{name.replace("{", "[{]").replace("}", "[}]")}"
parameters = {{ "path.id" = "{value}" }}
"""
        for name, value in ids.items()
    )
    only = ("--include-path-regex", "(reviews|actions)/[{]id[}]")
    report = schemathesis(world, world.sessions[0], tmp_path, *only, more=more)
    assert "repeatedly returned 404" not in report, report


async def hold(world: SimpleNamespace, path: Path) -> None:
    async with through(world, "files-short", "legacy") as client:
        result = await client.call_tool("write_file", {"path": str(path), "content": "never"})
        assert result.is_error


def test_ending_a_session_keeps_its_promises(world: SimpleNamespace, tmp_path: Path) -> None:
    schemathesis(world, world.sessions[1], tmp_path, "--include-operation-id", "end_session")
    headers = {"Authorization": f"Bearer {world.sessions[1]}"}
    assert requests.get(f"{world.people}/api/v1/session", headers=headers, timeout=10).status_code == 401


def test_the_stream_of_changes_opens_and_refuses_what_it_does_not_know(world: SimpleNamespace) -> None:
    route = f"{world.people}/api/v1/events"
    headers = {"Authorization": f"Bearer {world.sessions[0]}"}
    with requests.get(route, headers=headers, timeout=10, stream=True) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert next(answer.iter_lines())
    for wrong in [{"headers": headers | {"Last-Event-ID": "not a number"}}, {"headers": headers, "params": {"x": "1"}}]:
        with requests.get(route, timeout=10, stream=True, **wrong) as answer:
            assert answer.status_code == 400
            assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("token", ["agent", "none"])
def test_no_route_answers_without_a_session(world: SimpleNamespace, token: str) -> None:
    """An agent's credential reaches nothing here; nor does none."""
    headers = {"Authorization": f"Bearer {world.token}"} if token == "agent" else {}
    document = requests.get(f"{world.people}/api/v1/openapi.json", timeout=10).json()
    tried = 0
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if {} in operation.get("security", []) or operation.get("security") == []:
                continue
            url = world.people + path.replace("{id}", "rev_01890000000070008000000000000000")
            with requests.request(method, url, headers=headers, json={}, timeout=10, stream=True) as answer:
                assert answer.status_code in (401, 403 if token == "none" else 401), f"{method} {path}: {answer.status_code}"
            tried += 1
    assert tried >= 10
