"""Do other people's readers understand what the ledger is exported as?

OCSF is judged by its published schema, OTLP is read with OpenTelemetry's own messages. The ledger is that of a demo, in
which an action passed, one was refused, and one was approved.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread

import jsonschema
import pytest
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

ROOT = Path(__file__).resolve().parents[3]
BINARY = os.environ.get("COUNTERSIGN", str(ROOT / "target/debug/countersign"))
SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.5.0"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("exports") / "demo"
    done = subprocess.run(
        [BINARY, "demo", "--play-reviewer", "--no-postgres", "--folder", place],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def exported(folder: Path, *options: str) -> list[dict]:
    command = [BINARY, "export", *options, "--config", folder / "countersign.toml"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def problems(event: dict) -> list[str]:
    name = SCHEMA.lookup_class_name_from_uid(event["class_uid"])
    schema = SCHEMA.get_class_schema(name, event["metadata"].get("profiles", []))
    return [f"{list(error.path)}: {error.message}" for error in jsonschema.Draft202012Validator(schema).iter_errors(event)]


def test_every_event_is_one_of_the_published_schema(folder: Path) -> None:
    events = exported(folder, "--format", "ocsf", "--content", "name,reason,resource")
    codes = {event["metadata"]["event_code"] for event in events}
    assert {"action.requested", "approval.decided", "action.executed", "person.signed_in", "policy.changed"} <= codes
    assert [problem for event in events for problem in problems(event)] == []
    decided = next(event for event in events if event["metadata"]["event_code"] == "approval.decided")
    assert (decided["disposition_id"], decided["disposition"]) == (8, "Approved")


def test_the_schema_finds_what_is_wrong(folder: Path) -> None:
    event = exported(folder, "--format", "ocsf")[0]
    assert problems({**event, "severity_id": 77})
    assert problems({**event, "approved": True})
    assert problems({name: value for name, value in event.items() if name != "entity"})


@pytest.fixture
def collector() -> Iterator[tuple[str, Queue]]:
    """What a collector would do with a request."""
    got: Queue = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["content-type"] == "application/x-protobuf"
            request = ExportLogsServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()
            got.put(request)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1/logs", got
    server.shutdown()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_a_collector_gets_what_the_ledger_holds(folder: Path, collector: tuple[str, Queue]) -> None:
    url, got = collector
    text = (folder / "countersign.toml").read_text()
    for port in ("8810", "8811"):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}")
    text += f'\n[[exports]]\nname = "otel"\nformat = "otlp"\nurl = "{url}"\nfrom = "start"\n'
    (folder / "exporting.toml").write_text(text)
    lines = exported(folder, "--format", "json")
    program = subprocess.Popen([BINARY, "serve", "--config", folder / "exporting.toml"], stdout=subprocess.DEVNULL)
    try:
        records = []
        while len(records) < len(lines):
            (logs,) = got.get(timeout=30).resource_logs
            (scope,) = logs.scope_logs
            records.extend(scope.log_records)
    finally:
        program.terminate()
        program.wait(timeout=30)
    for line, record in zip(lines, records, strict=False):
        attributes = {pair.key: pair.value for pair in record.attributes}
        assert record.event_name == f"countersign.{line['leaf']['type']}"
        assert attributes["countersign.log.index"].int_value == line["index"]
        assert attributes["countersign.log.leaf_hash"].string_value == line["leaf_hash"]
        assert not [key for key in attributes if key.startswith("countersign.content")]
