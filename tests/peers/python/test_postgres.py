"""Do Python's PostgreSQL clients get through the gateway what they get directly, and wait where people decide?"""

import asyncio
import itertools
import queue
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import asyncpg
import postgres_scripts as scripts
import psycopg
import pytest
import sqlalchemy as sa
from reviewer import Reviewer, until

REVIEW = re.compile(r"rev_[0-9A-Za-z-]+")
# Seconds.
PATIENCE = 15
counter = itertools.count()


@pytest.fixture
def reviewer(shop: SimpleNamespace) -> Reviewer:
    return Reviewer(shop.people, shop.reviewer)


@pytest.fixture
def mark(shop: SimpleNamespace) -> str:
    """Three rows that no other test touches; also the mark by which their review is found."""
    mark = f"row-{next(counter)}-of-python"
    directly(shop, "INSERT INTO kept SELECT %s FROM generate_series(1, 3)", mark)
    return mark


def directly(shop: SimpleNamespace, statement: str, *parameters: Any) -> Any:
    with psycopg.connect(**scripts.where(shop.direct), autocommit=True) as connection:
        cursor = connection.execute(statement, parameters or None)
        return cursor.fetchall()[0][0] if cursor.description else None


def rows(shop: SimpleNamespace, mark: str) -> int:
    return directly(shop, "SELECT count(*) FROM kept WHERE mark = %s", mark)


def first_difference(wanted: list[str], got: list[str]) -> str | None:
    for place, (one, other) in enumerate(itertools.zip_longest(wanted, got)):
        if one != other:
            return f"entry {place}: {str(one)[:400]} became {str(other)[:400]}"
    return None


SCRIPTS = [scripts.with_psycopg, scripts.with_sqlalchemy, scripts.with_asyncpg, scripts.with_asyncpg_copying]


@pytest.mark.filterwarnings("ignore:Did not recognize type")
@pytest.mark.parametrize("script", SCRIPTS)
def test_where_all_is_allowed_a_script_sees_what_it_sees_directly(
    shop: SimpleNamespace, script: Callable[[dict[str, Any]], list[str]]
) -> None:
    seen = []
    for at in (shop.direct, shop.through["open"]):
        directly(shop, shop.fill)
        seen.append(script(at))
    assert len(seen[0]) > 10
    assert first_difference(*seen) is None


@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "tls"])
def test_a_cancel_reaches_a_statement_that_runs(shop: SimpleNamespace, mark: str, sealed: bool) -> None:
    at = scripts.where((shop.sealed if sealed else shop.through)["open"], sslmode="require" if sealed else "disable")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(**at, autocommit=True) as connection:
        running = pool.submit(connection.execute, f"SELECT '{mark}', pg_sleep(10)")  # type: ignore[arg-type]
        active = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE %s AND pid <> pg_backend_pid()"
        until("the statement to run", lambda: directly(shop, active, f"%{mark}%pg_sleep%"))
        connection.cancel_safe(timeout=10)
        with pytest.raises(psycopg.errors.QueryCanceled):
            running.result(PATIENCE)
        assert connection.execute("SELECT 1").fetchone() == (1,)


# How psycopg sends a statement: as a simple query, with parameters, prepared, in a pipeline, and with all else in a
# transaction block that it opens by itself.
def simple(connection: psycopg.Connection, mark: str) -> psycopg.Cursor:
    return connection.execute(f"DELETE FROM kept WHERE mark = '{mark}' RETURNING mark")  # type: ignore[arg-type]


def parameters(connection: psycopg.Connection, mark: str) -> psycopg.Cursor:
    return connection.execute("DELETE FROM kept WHERE mark = %s RETURNING mark", (mark,))


def prepared(connection: psycopg.Connection, mark: str) -> psycopg.Cursor:
    return connection.execute("DELETE FROM kept WHERE mark = %s RETURNING mark", (mark,), prepare=True, binary=True)


def pipeline(connection: psycopg.Connection, mark: str) -> psycopg.Cursor:
    with connection.pipeline():
        return parameters(connection, mark)


WAYS = [simple, parameters, prepared, pipeline]


@contextmanager
def held(
    shop: SimpleNamespace, resource: str, way: Callable[..., Any], mark: str, autocommit: bool = True
) -> Iterator[SimpleNamespace]:
    """A connection with a DELETE on its way in a thread, after the client saw the first notice."""
    at = scripts.where(shop.through[resource])
    with ThreadPoolExecutor(1) as pool, psycopg.connect(**at, autocommit=autocommit) as connection:
        notices = heard(connection)
        answer = pool.submit(way, connection, mark)
        try:
            message, detail = notices.get(timeout=PATIENCE)
            yield SimpleNamespace(connection=connection, answer=answer, message=message, detail=detail)
        finally:
            if not answer.done():
                connection.cancel_safe(timeout=PATIENCE)
                wait([answer], PATIENCE)
        connection.rollback()


def heard(connection: psycopg.Connection) -> queue.Queue[tuple[str, str]]:
    notices: queue.Queue[tuple[str, str]] = queue.Queue()
    # The text is gone when the listener has returned.
    connection.add_notice_handler(lambda d: notices.put((str(d.message_primary), str(d.message_detail))))
    return notices


@pytest.mark.parametrize("autocommit", [True, False], ids=["alone", "in-transaction"])
@pytest.mark.parametrize("way", WAYS)
def test_psycopg_sees_the_link_at_once_and_goes_on_after_the_vote(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str, way: Callable[..., Any], autocommit: bool
) -> None:
    with held(shop, "prod", way, mark, autocommit) as call:
        assert call.message.startswith(f"waiting for approval: {shop.people}/")
        review = reviewer.pending(mark)
        assert review["id"] in call.detail
        assert ("keeps its locks" in call.detail) == (not autocommit)
        assert not call.answer.done() and rows(shop, mark) == 3
        assert reviewer.vote(review, "approve").ok
        cursor = call.answer.result(PATIENCE)
        assert (cursor.statusmessage, cursor.fetchall()) == ("DELETE 3", [(mark,)] * 3)
        call.connection.commit()
        assert rows(shop, mark) == 0
        reviewer.state(review["id"], "executed")


@pytest.mark.parametrize("autocommit", [True, False], ids=["alone", "in-transaction"])
def test_psycopg_hears_why_people_said_no(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str, autocommit: bool
) -> None:
    with held(shop, "prod", parameters, mark, autocommit) as call:
        assert reviewer.vote(reviewer.pending(mark), "deny", "not on a Friday").ok
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not executed.*not on a Friday"):
            call.answer.result(PATIENCE)
        after_an_error(call.connection)
    assert rows(shop, mark) == 3


def after_an_error(connection: psycopg.Connection) -> None:
    """The transaction block is over as the server sees it, and the connection is as good as before."""
    if not connection.autocommit:
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("way", WAYS)
def test_psycopg_gets_a_ticket_and_the_same_statement_runs_once_after_approval(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str, way: Callable[..., Any]
) -> None:
    with psycopg.connect(**scripts.where(shop.through["prod-short"]), autocommit=True) as connection:

        def ticket() -> str:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as told:
                way(connection, mark)
            found = REVIEW.search(told.value.diag.message_primary or "")
            assert found and (told.value.diag.message_primary or "").startswith("not executed: still waiting")
            assert (told.value.diag.message_detail or "").startswith("Nothing was executed.")
            assert shop.people in (told.value.diag.message_detail or "")
            return found[0]

        review = ticket()
        assert ticket() == review, "the same statement waits for the same review"
        assert reviewer.vote(reviewer.review(review), "approve").ok
        assert rows(shop, mark) == 3, "approval alone runs nothing"
        assert way(connection, mark).fetchall() == [(mark,)] * 3
        assert rows(shop, mark) == 0
        reviewer.state(review, "executed")
        directly(shop, "INSERT INTO kept VALUES (%s)", mark)
        assert ticket() != review, "a used approval opens nothing again"
        assert rows(shop, mark) == 1


def test_the_same_statement_right_after_it_ran_is_a_new_question(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str
) -> None:
    # No preview is made of this one; making one would take longer than the record.
    delete = f"WITH gone AS (DELETE FROM kept WHERE mark = '{mark}' RETURNING 1) SELECT count(*) FROM gone"
    with psycopg.connect(**scripts.where(shop.through["prod-short"]), autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(delete)  # type: ignore[arg-type]
        assert reviewer.vote(reviewer.pending(mark), "approve").ok
        assert connection.execute(delete).fetchone() == (3,)  # type: ignore[arg-type]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="not executed: still waiting"):
            connection.execute(delete)  # type: ignore[arg-type]


@pytest.mark.parametrize("autocommit", [True, False], ids=["alone", "in-transaction"])
@pytest.mark.parametrize("parameters", [None, ()], ids=["simple", "extended"])
def test_psycopg_is_refused_what_policy_forbids(shop: SimpleNamespace, autocommit: bool, parameters: tuple[()] | None) -> None:
    with psycopg.connect(**scripts.where(shop.through["prod"]), autocommit=autocommit) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as told:
            connection.execute("DROP TABLE kept", parameters, prepare=parameters is not None)
        assert (told.value.diag.message_primary or "").startswith("not executed:")
        assert told.value.diag.severity_nonlocalized == "ERROR" and told.value.diag.message_hint
        after_an_error(connection)
    assert directly(shop, "SELECT count(*) FROM pg_class WHERE relname = 'kept'") == 1


@pytest.mark.parametrize("autocommit", [True, False], ids=["alone", "in-transaction"])
@pytest.mark.parametrize("way", WAYS)
def test_psycopg_can_stop_waiting_and_the_review_stays(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str, way: Callable[..., Any], autocommit: bool
) -> None:
    with held(shop, "prod", way, mark, autocommit) as call:
        call.connection.cancel_safe(timeout=10)
        with pytest.raises(psycopg.errors.QueryCanceled, match="not executed: canceled while waiting"):
            call.answer.result(PATIENCE)
        after_an_error(call.connection)
    review = reviewer.pending(mark)
    assert reviewer.vote(review, "approve").ok
    assert rows(shop, mark) == 3


def test_a_client_that_leaves_while_it_waits_has_run_nothing(shop: SimpleNamespace, reviewer: Reviewer, mark: str) -> None:
    at = scripts.where(shop.through["prod"], application_name=mark)
    connection = psycopg.connect(**at, autocommit=True)
    notices = heard(connection)
    connection.pgconn.send_query(f"DELETE FROM kept WHERE mark = '{mark}'".encode())

    def noticed() -> bool:
        connection.pgconn.consume_input()
        connection.pgconn.is_busy()
        return not notices.empty()

    until("the notice", noticed)
    connection.pgconn.finish()
    sessions = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    until("its session to end", lambda: directly(shop, sessions, mark) == 0)
    review = reviewer.pending(mark)
    assert reviewer.vote(review, "approve").ok
    assert rows(shop, mark) == 3
    with psycopg.connect(**at, autocommit=True) as again:
        assert again.execute(f"DELETE FROM kept WHERE mark = '{mark}'").rowcount == 3  # type: ignore[arg-type]
    reviewer.state(review["id"], "executed")


def test_sqlalchemy_waits_within_its_transaction(shop: SimpleNamespace, reviewer: Reviewer, mark: str) -> None:
    at = shop.through["prod"]
    url = sa.URL.create("postgresql+psycopg", at["user"], at["password"], at["host"], at["port"], at["database"])
    engine = sa.create_engine(url)

    def delete() -> int:
        with engine.begin() as connection:
            return connection.execute(sa.text("DELETE FROM kept WHERE mark = :mark"), {"mark": mark}).rowcount

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(delete)
        review = reviewer.pending(mark)
        assert reviewer.vote(review, "approve").ok
        assert answer.result(PATIENCE) == 3
        reviewer.state(review["id"], "executed")
        answer = pool.submit(delete)
        assert reviewer.vote(reviewer.pending(mark), "deny", "once is enough").ok
        with pytest.raises(sa.exc.ProgrammingError, match="once is enough"):
            answer.result(PATIENCE)
    engine.dispose()
    assert rows(shop, mark) == 0


def with_asyncpg(shop: SimpleNamespace, resource: str, script: Callable[..., Any]) -> None:
    """Runs `script(connection, notices)`."""

    async def run() -> None:
        notices: asyncio.Queue[Any] = asyncio.Queue()
        connection = await asyncpg.connect(**scripts.for_asyncpg(shop.through[resource]))
        connection.add_log_listener(lambda _, message: notices.put_nowait(message))
        try:
            await asyncio.wait_for(script(connection, notices), 60)
        finally:
            await connection.close(timeout=10)

    asyncio.run(run())


DELETE = "DELETE FROM kept WHERE mark = $1"


def test_asyncpg_sees_the_link_at_once_and_goes_on_after_the_vote(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str
) -> None:
    async def script(connection: asyncpg.Connection, notices: asyncio.Queue[Any]) -> None:
        answer = asyncio.create_task(connection.execute(DELETE, mark))
        notice = await asyncio.wait_for(notices.get(), PATIENCE)
        assert notice.message.startswith(f"waiting for approval: {shop.people}/")
        review = await asyncio.to_thread(reviewer.review, REVIEW.findall(notice.detail)[0])
        assert not answer.done()
        assert (await asyncio.to_thread(reviewer.vote, review, "approve")).ok
        assert await answer == "DELETE 3"

    with_asyncpg(shop, "prod", script)
    assert rows(shop, mark) == 0


def test_asyncpg_gets_a_ticket_and_the_same_statement_runs_once_after_approval(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str
) -> None:
    async def script(connection: asyncpg.Connection, _notices: asyncio.Queue[Any]) -> None:
        ids = []
        for _ in range(2):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not executed: still waiting") as told:
                await connection.execute(DELETE, mark)
            ids.append(REVIEW.findall(str(told.value))[0])
            assert told.value.detail.startswith("Nothing was executed.")
        assert ids[0] == ids[1]
        review = await asyncio.to_thread(reviewer.review, ids[0])
        assert (await asyncio.to_thread(reviewer.vote, review, "approve")).ok
        assert await connection.execute(DELETE, mark) == "DELETE 3"
        await asyncio.to_thread(reviewer.state, ids[0], "executed")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not executed: still waiting") as told:
            await connection.execute(DELETE, mark)
        assert REVIEW.findall(str(told.value))[0] != ids[0]

    with_asyncpg(shop, "prod-short", script)


def test_asyncpg_stops_waiting_when_its_time_is_over_or_its_task_is_cancelled(
    shop: SimpleNamespace, reviewer: Reviewer, mark: str
) -> None:
    async def script(connection: asyncpg.Connection, notices: asyncio.Queue[Any]) -> None:
        with pytest.raises(TimeoutError):
            await connection.execute(DELETE, mark, timeout=0.5)
        assert await connection.fetchval("SELECT 1") == 1
        first = await notices.get()
        answer = asyncio.create_task(connection.execute(DELETE, mark))
        second = await asyncio.wait_for(notices.get(), PATIENCE)
        assert REVIEW.findall(first.detail) == REVIEW.findall(second.detail)
        answer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answer
        async with connection.transaction():
            assert await connection.fetchval("SELECT count(*) FROM kept WHERE mark = $1", mark) == 3

        review = await asyncio.to_thread(reviewer.review, REVIEW.findall(second.detail)[0])
        assert review["state"] == "pending"

    with_asyncpg(shop, "prod", script)


def test_people_are_shown_the_values_that_asyncpg_binds(shop: SimpleNamespace, reviewer: Reviewer, mark: str) -> None:
    async def script(connection: asyncpg.Connection, notices: asyncio.Queue[Any]) -> None:
        with pytest.raises(TimeoutError):
            await connection.execute(DELETE, mark, timeout=0.5)
        review = await asyncio.to_thread(reviewer.review, REVIEW.findall((await notices.get()).detail)[0])
        assert mark in review["action"]["payload"]["data"]

    with_asyncpg(shop, "prod", script)


def test_asyncpg_is_refused_what_policy_forbids_and_its_transaction_is_over(shop: SimpleNamespace) -> None:
    async def script(connection: asyncpg.Connection, _notices: asyncio.Queue[Any]) -> None:
        transaction = connection.transaction()
        await transaction.start()
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="not executed"):
            await connection.execute("TRUNCATE kept; DROP TABLE kept")
        with pytest.raises(asyncpg.InFailedSQLTransactionError):
            await connection.fetchval("SELECT 1")
        await transaction.rollback()
        assert await connection.fetchval("SELECT 1") == 1

    with_asyncpg(shop, "prod", script)


def refused(at: dict[str, Any], **options: Any) -> asyncpg.PostgresError:
    """What asyncpg is told when it is not let in."""

    async def run() -> None:
        connection = await asyncpg.connect(**{**scripts.for_asyncpg(at), **options})
        await connection.close()

    with pytest.raises(asyncpg.PostgresError) as told:
        asyncio.run(run())
    return told.value


@pytest.mark.parametrize(
    ("resource", "options", "code"),
    [
        ("prod", {"password": "wrong"}, "28P01"),
        ("prod", {"user": "somebody"}, "28000"),
        ("prod", {"database": "no-such-database"}, "3D000"),
        ("gone", {}, "08006"),
        ("prod", {"server_settings": {"replication": "database"}}, "0A000"),
        ("prod", {"server_settings": {"no_such_setting": "1"}}, None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_who_is_not_let_in_learns_why(shop: SimpleNamespace, resource: str, options: dict[str, Any], code: str) -> None:
    error = refused(shop.through[resource], **options)
    if code:
        assert error.sqlstate == code, error
        assert error.hint, "says how to mend it"
    with pytest.raises(psycopg.OperationalError, match=re.escape(error.args[0])):
        words = {"database": "dbname"}
        settings = options.pop("server_settings", {})
        more = {words.get(key, key): value for key, value in options.items()}
        flags = {"options": f"-c no_such_setting={settings.pop('no_such_setting')}"} if "no_such_setting" in settings else {}
        psycopg.connect(**{**scripts.where(shop.through[resource]), **more, **settings, **flags})
    assert shop.direct["password"] not in str(error)


def test_encryption_is_there_when_the_gateway_has_a_certificate(shop: SimpleNamespace) -> None:
    at = scripts.where(shop.sealed["open"])
    for mode in ({"sslmode": "require"}, {"sslmode": "verify-full", "sslrootcert": shop.roots}, {"sslmode": "prefer"}):
        with psycopg.connect(**at, **mode) as connection:
            assert connection.pgconn.ssl_in_use
            assert len(connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 1000)").fetchall()) == 1000
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        psycopg.connect(**at, sslmode="verify-full", sslrootcert="system")


def test_encryption_is_refused_when_the_gateway_has_no_certificate(shop: SimpleNamespace) -> None:
    at = scripts.where(shop.through["open"])
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL, but SSL was required"):
        psycopg.connect(**at, sslmode="require")
    with psycopg.connect(**at, sslmode="prefer") as connection:
        assert not connection.pgconn.ssl_in_use


def test_another_encoding_than_utf8_is_refused_at_the_door(shop: SimpleNamespace) -> None:
    with pytest.raises(psycopg.OperationalError, match="the client encoding `LATIN1` is not supported"):
        psycopg.connect(**scripts.where(shop.through["prod"]), client_encoding="LATIN1")


@pytest.mark.parametrize("statement", ["SET client_encoding TO 'LATIN1'", "SELECT set_config('client_encoding', 'LATIN1', false)"])
def test_another_encoding_than_utf8_never_comes_to_be(shop: SimpleNamespace, statement: str) -> None:
    with psycopg.connect(**scripts.where(shop.through["open"]), autocommit=True) as connection:
        with pytest.raises(psycopg.Error) as told:
            connection.execute(statement)
        assert told.value.sqlstate, told.value
        assert connection.closed or connection.execute("SHOW client_encoding").fetchone() == ("UTF8",)
