"""Does the official Python client get through the gateway what it gets directly, and wait where people decide?"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx2
import pytest
from anyio.to_thread import run_sync
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import (
    CallToolResult,
    CreateMessageResult,
    ElicitResult,
    ListRootsResult,
    Root,
    TextContent,
)
from reviewer import Reviewer

pytestmark = pytest.mark.anyio
HELPERS = ["approval_cancel", "approval_status", "approval_wait"]
MODES = ["auto", "legacy"]
REVIEW = re.compile(r"rev_[0-9A-Za-z-]+")


async def sampling(_context: Any, _params: Any) -> CreateMessageResult:
    content = TextContent(type="text", text="four lines of poetry")
    return CreateMessageResult(role="assistant", model="peers-model", content=content)


async def elicitation(_context: Any, _params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"name": "Ada", "check": True})


async def roots(_context: Any) -> ListRootsResult:
    return ListRootsResult(roots=[Root(uri="file:///peers", name="peers")])


@asynccontextmanager
async def opened(server: Any, mode: str, **options: Any) -> AsyncIterator[Client]:
    callbacks = {"sampling_callback": sampling, "elicitation_callback": elicitation, "list_roots_callback": roots}
    async with Client(server, mode=mode, cache=None, **callbacks, **options) as client:
        yield client


@asynccontextmanager
async def through(world: SimpleNamespace, resource: str, mode: str, **options: Any) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {world.token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=300)) as http:
        async with opened(streamable_http_client(world.agents[resource], http_client=http), mode, **options) as client:
            yield client


@asynccontextmanager
async def direct(world: SimpleNamespace, resource: str, mode: str) -> AsyncIterator[Client]:
    at = world.direct[resource]
    server = at["url"] if "url" in at else StdioServerParameters(command=at["stdio"][0], args=at["stdio"][1:])
    async with opened(server, mode) as client:
        yield client


def text_of(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if isinstance(block, TextContent))


@pytest.fixture
def reviewer(world: SimpleNamespace) -> Reviewer:
    return Reviewer(world.people, world.reviewer)


@pytest.fixture
def fresh(world: SimpleNamespace, request: pytest.FixtureRequest) -> Path:
    return Path(world.folder) / f"{re.sub(r'[^0-9a-z]+', '-', request.node.name)}.txt"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("resource", ["files", "everything", "everything-http", "newest"])
async def test_lists_and_versions_are_those_of_the_server(world: SimpleNamespace, resource: str, mode: str) -> None:
    async def listed(client: Client) -> dict[str, str]:
        # Where the server makes no tasks of calls the gateway does, and says so under `execution`.
        return {tool.name: tool.model_dump_json(exclude={"execution"}) for tool in (await client.list_tools()).tools}

    async with direct(world, resource, mode) as client:
        version = client.protocol_version
        tools = await listed(client)
    tools.pop("move_file", None)
    async with through(world, resource, mode) as client:
        assert client.protocol_version == version
        seen = await listed(client)
    assert [seen.pop(name) for name in HELPERS]
    # server-everything adds tools for what the client can do, shortly after the handshake.
    late = {name for name in seen.keys() ^ tools.keys() if name.startswith(("trigger-", "get-roots", "simulate-"))}
    assert {name: tool for name, tool in seen.items() if name not in late} == {
        name: tool for name, tool in tools.items() if name not in late
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("resource", ["everything", "everything-http"])
async def test_allowed_calls_give_equal_results(world: SimpleNamespace, resource: str, mode: str) -> None:
    async def script(client: Client) -> list[str]:
        answers = [
            await client.call_tool("echo", {"message": "ünïcödé ‮ and \"quotes\""}),
            await client.call_tool("get-sum", {"a": 0.1, "b": 0.2}),
            await client.call_tool("get-tiny-image", {}),
            await client.call_tool("get-structured-content", {"location": "Chicago"}),
            await client.get_prompt("args-prompt", {"city": "Oslo"}),
            await client.list_resource_templates(),
            await client.read_resource("demo://resource/static/document/features.md"),
        ]
        with anyio.fail_after(20):
            while "trigger-sampling-request" not in [tool.name for tool in (await client.list_tools()).tools]:
                await anyio.sleep(0.02)
        answers.append(await client.call_tool("trigger-sampling-request", {"prompt": "a poem", "maxTokens": 20}))
        answers.append(await client.call_tool("trigger-elicitation-request", {}))
        return [answer.model_dump_json() for answer in answers]

    async with direct(world, resource, mode) as client:
        wanted = await script(client)
    async with through(world, resource, mode) as client:
        assert await script(client) == wanted


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_that_is_never_allowed_is_refused(world: SimpleNamespace, mode: str, fresh: Path) -> None:
    fresh.write_text("stay")
    async with through(world, "files", mode) as client:
        result = await client.call_tool("move_file", {"source": str(fresh), "destination": f"{fresh}.moved"})
    assert result.is_error
    assert re.search("not executed.*forbidden", text_of(result), re.IGNORECASE | re.DOTALL)
    assert fresh.read_text() == "stay"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", ["approve", "deny"])
async def test_a_risky_call_runs_only_when_approved(
    world: SimpleNamespace, reviewer: Reviewer, fresh: Path, mode: str, answer: str
) -> None:
    results: list[CallToolResult] = []
    async with through(world, "files", mode) as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            results.append(await client.call_tool("write_file", {"path": str(fresh), "content": "by people"}))

        tasks.start_soon(call)
        review = await run_sync(reviewer.pending, str(fresh))
        assert not fresh.exists()
        vote = await run_sync(reviewer.vote, review, answer, "because of the test")
        assert vote.ok, vote.text
    [result] = results
    assert bool(result.is_error) == (answer == "deny")
    assert fresh.exists() == (answer == "approve")
    if answer == "deny":
        assert "because of the test" in text_of(result)


@pytest.mark.parametrize("mode", MODES)
async def test_a_ticket_is_claimed_once_by_the_identical_call(
    world: SimpleNamespace, reviewer: Reviewer, fresh: Path, mode: str
) -> None:
    fresh.write_text("x")
    edit = {"path": str(fresh), "edits": [{"oldText": "x", "newText": "xy"}]}
    async with through(world, "files-short", mode) as client:
        first = await client.call_tool("edit_file", edit)
        assert re.search("not executed", text_of(first), re.IGNORECASE)
        found = REVIEW.search(text_of(first))
        assert found, text_of(first)
        review = await run_sync(reviewer.review, found[0])
        assert (await run_sync(reviewer.vote, review, "approve")).ok
        waited = await client.call_tool("approval_wait", {"id": found[0], "wait_seconds": 5})
        assert "approved" in text_of(waited).lower()
        assert fresh.read_text() == "x"
        assert not (await client.call_tool("edit_file", edit)).is_error
        assert fresh.read_text() == "xy"
        again = REVIEW.search(text_of(await client.call_tool("edit_file", edit)))
        assert again and again[0] != found[0]
        assert fresh.read_text() == "xy"


@pytest.mark.parametrize("mode", MODES)
async def test_a_held_call_shows_progress(world: SimpleNamespace, reviewer: Reviewer, fresh: Path, mode: str) -> None:
    heard = anyio.Event()

    async def progress(_progress: float, _total: float | None, _message: str | None) -> None:
        heard.set()

    async with through(world, "files", mode) as client, anyio.create_task_group() as tasks:

        async def call() -> None:
            arguments = {"path": str(fresh), "content": "later"}
            result = await client.call_tool("write_file", arguments, progress_callback=progress)
            assert not result.is_error

        tasks.start_soon(call)
        review = await run_sync(reviewer.pending, str(fresh))
        with anyio.fail_after(14):
            await heard.wait()
        assert (await run_sync(reviewer.vote, review, "approve")).ok
    assert fresh.read_text() == "later"
