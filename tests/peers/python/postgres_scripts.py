"""What do Python programs do with PostgreSQL? Scripts that use a driver in all its ways and note everything they see."""

import asyncio
import datetime
import decimal
import io
import re
import tempfile
import uuid
from collections.abc import Callable, Iterable
from typing import Any

import asyncpg
import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.pq import Trace
from psycopg.types.json import Jsonb
from sqlalchemy import orm

Log = Callable[..., None]

VALUES = (
    "SELECT 1::int2, 2::int4, 3::int8, 1.5::float4, 0.1::float8, 12345.678901234567890::numeric, 'ünï ☃'::text, true,"
    " '\\x00ff10'::bytea, NULL::int4, '2026-02-28'::date, '12:34:56.789'::time, '2026-03-29 01:30+00'::timestamptz,"
    " '1 year 2 mons 3 days 04:05:06'::interval, '[1,5)'::int4range, '{\"a\":[1,null]}'::jsonb, 'calm'::mood,"
    " ROW('a street', 7)::place, ARRAY['a', NULL, 'c'], '{{1,2},{3,4}}'::int4[], '10.0.0.0/8'::inet,"
    " 'c0ffee00-0000-4000-8000-000000000001'::uuid, '2026-01-01 00:00'::timestamp, 4::positive"
)
MISTAKES = [
    "SELECT 1/0",
    "SELEKT 1",
    "SELECT * FROM no_such_table",
    "SELECT no_such_column FROM orders",
    "SELECT no_such_function(1)",
    "INSERT INTO orders (customer) VALUES ('customer 1')",
    "INSERT INTO orders (customer) VALUES (NULL)",
    "INSERT INTO lines (order_id, amount) VALUES (999, 1)",
    "INSERT INTO lines (order_id, amount) VALUES (1, -1)",
    "SELECT 'bad'::mood",
    "SELECT 1; SELECT 1/0; SELECT 2",
    "DO $$ BEGIN RAISE EXCEPTION 'own words' USING ERRCODE = 'ZX001', HINT = 'h', DETAIL = 'd', TABLE = 'orders'; END $$",
    "ROLLBACK TO SAVEPOINT nowhere",
    "SET no_such_setting = 1",
]


def where(at: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Keywords of libpq for one of the world's addresses."""
    names = {"host": at["host"], "port": at["port"], "user": at["user"], "password": at["password"]}
    return {**names, "dbname": at["database"], "connect_timeout": 10, "application_name": "peers", **more}


def with_psycopg(at: dict[str, Any]) -> list[str]:
    """All that psycopg sees, and all that the server says as libpq traces it, byte for byte of the protocol."""
    notes: list[str] = []

    def log(*what: Any) -> None:
        notes.append(repr(what))

    with psycopg.connect(**where(at)) as connection, open_trace(connection) as trace:
        connection.add_notice_handler(lambda d: log("notice", d.severity, d.sqlstate, d.message_primary, d.message_hint))
        for part in [values, prepared, mistakes, transactions, pipelines, cursors, copies, many, listening, schema]:
            log(part.__name__)
            part(connection, log)
            log(connection.info.transaction_status)
            connection.rollback()
        trace.seek(0)
        # What the client sends depends on how it was woken; in which order the server answers does not.
        notes += comparable(line for line in trace.read().splitlines() if line.startswith("B\t"))
    return notes


def comparable(lines: Iterable[str]) -> list[str]:
    """Without the process that notified, and with the numbers of what is made anew each time in order of appearance."""
    seen: dict[str, str] = {}

    def number(found: re.Match[str]) -> str:
        return seen.setdefault(found[0], f" made {len(seen)}")

    notes = []
    for line in lines:
        line = re.sub(r"(NotificationResponse\t) \d+", r"\1", line)
        notes.append(re.sub(r" (1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3})\b", number, line) if "\tRowDescr" in line else line)
    return notes


def open_trace(connection: psycopg.Connection) -> Any:
    file = tempfile.TemporaryFile("r+", encoding="utf-8", errors="backslashreplace")
    connection.pgconn.trace(file.fileno())
    connection.pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
    return file


def show(cursor: psycopg.Cursor, log: Log) -> None:
    """Every result of a cursor with all that is told about it."""
    while True:
        columns = [(c.name, c.type_code, c.internal_size, c.precision, c.scale) for c in cursor.description or []]
        log(cursor.statusmessage, cursor.rowcount, columns, cursor.fetchall() if columns else None)
        if not cursor.nextset():
            return


def values(connection: psycopg.Connection, log: Log) -> None:
    for binary in (False, True):
        show(connection.execute(VALUES, binary=binary), log)
        show(connection.execute("SELECT * FROM orders ORDER BY id LIMIT 3", binary=binary), log)
        given = (7, decimal.Decimal("1.50"), "o'clock", b"\0\xff", uuid.UUID(int=1), datetime.date(2026, 2, 28), [1, None], None)
        show(connection.execute(f"SELECT {', '.join(['%s'] * len(given))}", given, binary=binary), log)
        show(connection.execute("SELECT %b::int8, %t::text, %s::jsonb", (2**40, "ü", Jsonb({"k": [1]})), binary=binary), log)
    show(connection.execute("SELECT 1 AS a; SELECT 'x' AS b, 2; INSERT INTO lines (order_id, amount) VALUES (1, 1), (2, 2)"), log)
    show(connection.execute(""), log)
    show(connection.execute("SELECT noisy('psycopg')"), log)
    show(connection.execute("SELECT repeat('long ', 400000)"), log)
    show(connection.execute("SELECT FROM orders LIMIT 2"), log)


def prepared(connection: psycopg.Connection, log: Log) -> None:
    """The same statement often enough for psycopg to prepare it, then with names dropped under it."""
    for n in range(8):
        show(connection.execute("SELECT customer, total FROM orders WHERE id = %s", (n,)), log)
    show(connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE '_pg3%%'"), log)
    for n in range(2):
        show(connection.execute("UPDATE orders SET total = total + %s WHERE id = 1 RETURNING total", (n,), prepare=True), log)
    show(connection.execute("PREPARE mine (int) AS SELECT $1 * 2"), log)
    show(connection.execute("EXECUTE mine (21)"), log)
    connection.execute("DEALLOCATE ALL")
    with connection.cursor(binary=True) as cursor:
        for n in range(3):
            show(cursor.execute("SELECT %s::int4 + 1", (n,), prepare=True), log)


def mistakes(connection: psycopg.Connection, log: Log) -> None:
    for parameters in (None, ()):
        for text in MISTAKES:
            try:
                connection.execute(text, parameters, prepare=False if parameters is None else True)
            except psycopg.Error as error:
                d = error.diag
                told = [getattr(d, name) for name in dir(d) if not name.startswith("_") and isinstance(getattr(d, name), str)]
                log(text, type(error).__name__, error.sqlstate, told, connection.info.transaction_status)
            connection.rollback()
    connection.autocommit = True
    try:
        connection.execute("SELECT 1/0")
    except psycopg.Error as error:
        log(error.sqlstate, connection.info.transaction_status)
    connection.autocommit = False


def transactions(connection: psycopg.Connection, log: Log) -> None:
    count = "SELECT count(*) FROM lines"
    with connection.transaction():
        connection.execute("INSERT INTO lines (order_id, amount) VALUES (3, 3)")
        try:
            with connection.transaction():
                connection.execute("UPDATE lines SET amount = 10 WHERE id = 1")
                connection.execute("SELECT 1/0")
        except psycopg.errors.DivisionByZero:
            show(connection.execute("SELECT amount FROM lines WHERE id = 1"), log)
        with connection.transaction(force_rollback=True):
            connection.execute("DELETE FROM lines")
            show(connection.execute(count), log)
        show(connection.execute(count), log)
    connection.execute("BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY")
    try:
        connection.execute("DELETE FROM lines")
    except psycopg.Error as error:
        log(error.sqlstate, connection.info.transaction_status)
    try:
        connection.execute("SELECT 1")
    except psycopg.Error as error:
        log(error.sqlstate, connection.info.transaction_status)
    log(connection.execute("COMMIT").statusmessage)
    show(connection.execute("SAVEPOINT one"), log)
    show(connection.execute("SET LOCAL work_mem = '5MB'"), log)
    show(connection.execute("ROLLBACK TO one; SHOW work_mem"), log)


def pipelines(connection: psycopg.Connection, log: Log) -> None:
    with connection.pipeline():
        cursors = [connection.execute("SELECT %s::int4, customer FROM orders WHERE id = %s", (n, n)) for n in range(40)]
        log(connection.execute("UPDATE orders SET total = 0 WHERE id = 2").rowcount)
        log([cursor.fetchall() for cursor in cursors])
    connection.commit()
    with connection.pipeline() as pipeline, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO lines (order_id, amount) VALUES (1, %s)", [(n + 1,) for n in range(200)])
        pipeline.sync()
        log(cursor.rowcount)
    connection.commit()
    try:
        with connection.pipeline():
            connection.execute("SELECT 1")
            connection.execute("SELECT 1/0")
            connection.execute("SELECT 3")
    except psycopg.Error as error:
        log(type(error).__name__, error.sqlstate, connection.info.transaction_status)
    connection.rollback()
    with connection.pipeline() as pipeline:
        first = connection.execute("SELECT 1/(id - 1) FROM orders WHERE id = 1", prepare=True)
        try:
            pipeline.sync()
            first.fetchall()
        except psycopg.Error as error:
            log(type(error).__name__, error.sqlstate)
    connection.rollback()


def cursors(connection: psycopg.Connection, log: Log) -> None:
    for options in [{}, {"binary": True}, {"scrollable": True}, {"withhold": True}]:
        binary = options.pop("binary", False)
        with connection.cursor("side", **options) as cursor:
            cursor.itersize = 7
            cursor.execute("SELECT id, customer FROM orders WHERE id > %s ORDER BY id", (3,), binary=binary)
            log([column.name for column in cursor.description or []], cursor.fetchmany(3), cursor.fetchone())
            if options.get("scrollable"):
                cursor.scroll(-2)
                log(cursor.fetchone())
                cursor.scroll(0, mode="absolute")
            if options.get("withhold"):
                connection.commit()
            log(list(cursor))
    try:
        connection.execute("FETCH 1 FROM side")
    except psycopg.Error as error:
        log(error.sqlstate)
    connection.rollback()
    log([row for row in connection.cursor().stream("SELECT id FROM orders ORDER BY id LIMIT 5")])
    raw = psycopg.RawCursor(connection)
    show(raw.execute("SELECT $2::text || $1::text", ["a", "b"]), log)
    show(psycopg.ClientCursor(connection).execute("SELECT %s, %s", ("it's", 3)), log)


def copies(connection: psycopg.Connection, log: Log) -> None:
    with connection.cursor() as cursor:
        with cursor.copy("COPY lines (order_id, amount) FROM STDIN") as copy:
            for n in range(2000):
                copy.write_row((1 + n % 50, n + 1))
        log(cursor.statusmessage, cursor.rowcount)
        with cursor.copy("COPY lines (order_id, amount) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "int4"])
            for n in range(500):
                copy.write_row((1, n + 1))
        log(cursor.statusmessage)
        for options in ["", "(FORMAT csv, HEADER)", "(FORMAT binary)"]:
            with cursor.copy(sql.SQL("COPY (SELECT * FROM orders ORDER BY id) TO STDOUT {}").format(sql.SQL(options))) as copy:
                log(b"".join(copy))
            log(cursor.statusmessage)
        with cursor.copy("COPY (SELECT id, customer FROM orders WHERE id < %s ORDER BY id) TO STDOUT", (4,)) as copy:
            log(list(copy.rows()))
        connection.commit()
        try:
            with cursor.copy("COPY lines (order_id, amount) FROM STDIN") as copy:
                copy.write("1\tnot a number\n" * 5000)
        except psycopg.Error as error:
            log(type(error).__name__, error.sqlstate, error.diag.context)
        connection.rollback()
        try:
            with cursor.copy("COPY lines (order_id, amount) FROM STDIN") as copy:
                copy.write_row((1, 1))
                raise ValueError("the client gives up")
        except (ValueError, psycopg.Error) as error:
            log(type(error).__name__, getattr(error, "sqlstate", None), connection.info.transaction_status)
        connection.rollback()
        show(cursor.execute("SELECT count(*), sum(amount) FROM lines"), log)


def many(connection: psycopg.Connection, log: Log) -> None:
    with connection.cursor() as cursor:
        rows = [(f"many {n}", decimal.Decimal(n) / 4, ["a", None]) for n in range(100)]
        cursor.executemany("INSERT INTO orders (customer, total, tags) VALUES (%s, %s, %s) RETURNING id", rows, returning=True)
        ids = []
        while True:
            ids.append(cursor.fetchone())
            if not cursor.nextset():
                break
        log(ids, cursor.rowcount)
        cursor.executemany("DELETE FROM orders WHERE customer = %s", [(f"many {n}",) for n in range(100)])
        log(cursor.rowcount)
    connection.commit()


def listening(connection: psycopg.Connection, log: Log) -> None:
    connection.execute("LISTEN peers")
    connection.commit()
    connection.execute("SELECT pg_notify('peers', 'a message')")
    connection.commit()
    log([(note.channel, note.payload) for note in connection.notifies(timeout=10, stop_after=1)])
    connection.execute("UNLISTEN *")
    connection.commit()


def schema(connection: psycopg.Connection, log: Log) -> None:
    """What is made in this session is known to the statements after it."""
    connection.execute("CREATE TEMP TABLE mine (n int GENERATED ALWAYS AS IDENTITY, t text) ON COMMIT DELETE ROWS")
    show(connection.execute("INSERT INTO mine (t) VALUES ('a'), ('b') RETURNING *"), log)
    connection.commit()
    show(connection.execute("SELECT * FROM mine"), log)
    connection.execute("CREATE SCHEMA brief; CREATE TABLE brief.orders (only_here int)")
    connection.execute("SET LOCAL search_path = brief, public")
    show(connection.execute("SELECT * FROM orders"), log)
    connection.rollback()
    show(connection.execute("SELECT count(*) FROM orders"), log)
    connection.execute("SET TIME ZONE 'Asia/Tokyo'")
    show(connection.execute("SELECT placed FROM orders WHERE id = 1"), log)
    log(str(connection.info.timezone), connection.info.encoding, connection.info.server_version)
    log({name: connection.info.parameter_status(name) for name in ["DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes"]})


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(sa.String(40), unique=True)
    born: orm.Mapped[datetime.date | None]
    facts: orm.Mapped[Any] = orm.mapped_column(sa.JSON, default=dict)
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author", cascade="all, delete-orphan")


class Book(Base):
    __tablename__ = "books"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    price: orm.Mapped[decimal.Decimal] = orm.mapped_column(sa.Numeric(8, 2))
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("authors.id"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


def with_sqlalchemy(at: dict[str, Any]) -> list[str]:
    """Tables made, described, filled, read and dropped by SQLAlchemy, through its pool."""
    notes: list[str] = []
    url = sa.URL.create("postgresql+psycopg", at["user"], at["password"], at["host"], at["port"], at["database"])
    engine = sa.create_engine(url, pool_size=2, pool_pre_ping=True)
    try:
        Base.metadata.drop_all(engine)
        Base.metadata.create_all(engine)
        tables = sa.inspect(engine)
        for name in sorted(tables.get_table_names()):
            notes.append(repr((name, tables.get_columns(name), tables.get_pk_constraint(name), tables.get_foreign_keys(name))))
            notes.append(repr((tables.get_indexes(name), tables.get_unique_constraints(name))))
        notes.append(repr(tables.get_enums()))
        with orm.Session(engine) as session:
            notes.extend(orm_script(session))
        with engine.connect().execution_options(stream_results=True, yield_per=10) as connection:
            rows = connection.execute(sa.text("SELECT id, customer FROM orders ORDER BY id"))
            notes += [repr(list(part)) for part in rows.partitions()]
        with engine.connect().execution_options(isolation_level="SERIALIZABLE") as connection:
            notes.append(repr(connection.execute(sa.text("SHOW transaction_isolation")).scalar()))
        Base.metadata.drop_all(engine)
        notes.append(repr(sorted(sa.inspect(engine).get_table_names())))
    finally:
        engine.dispose()
    return notes


def orm_script(session: orm.Session) -> list[str]:
    notes = []
    for n in range(30):
        books = [Book(title=f"book {n}.{m}", price=decimal.Decimal(m) + decimal.Decimal("0.99")) for m in range(3)]
        session.add(Author(name=f"author {n}", born=datetime.date(1970, 1, 1 + n), facts={"n": n}, books=books))
    session.commit()
    query = sa.select(Author.name, sa.func.sum(Book.price)).join(Book).group_by(Author.id).order_by(Author.id)
    notes.append(repr(session.execute(query).all()))
    first = session.scalars(sa.select(Author).order_by(Author.id).options(orm.selectinload(Author.books))).first()
    assert first
    notes.append(repr((first.name, first.facts, [book.title for book in first.books])))
    try:
        with session.begin_nested():
            session.add(Author(name="author 1"))
    except sa.exc.IntegrityError as error:
        notes.append(repr((error.orig.sqlstate, error.orig.diag.constraint_name)))  # type: ignore[union-attr]
    session.execute(sa.update(Book).where(Book.price < 1).values(price=Book.price * 2))
    session.delete(first)
    session.commit()
    notes.append(repr(session.execute(sa.select(sa.func.count(), sa.func.sum(Book.price))).all()))
    return notes


def with_asyncpg(at: dict[str, Any]) -> list[str]:
    return asyncio.run(asyncpg_script(at))


def with_asyncpg_copying(at: dict[str, Any]) -> list[str]:
    """asyncpg sends copied data and its end before the server has said that it takes any."""

    async def script() -> list[str]:
        notes: list[str] = []
        connection = await asyncpg.connect(**for_asyncpg(at))
        for _ in range(10):
            await asyncpg_copies(connection, lambda *what: notes.append(repr(what)))
        await connection.close()
        return notes

    return asyncio.run(script())


def for_asyncpg(at: dict[str, Any]) -> dict[str, Any]:
    return {**at, "ssl": False, "timeout": 10, "command_timeout": 30}


async def asyncpg_script(at: dict[str, Any]) -> list[str]:
    notes: list[str] = []

    def log(*what: Any) -> None:
        notes.append(repr(what))

    connection = await asyncpg.connect(**for_asyncpg(at))
    connection.add_log_listener(lambda _, m: log("log", m.severity, m.sqlstate, m.message, m.hint))
    try:
        for part in [asyncpg_values, asyncpg_statements, asyncpg_mistakes, asyncpg_listens]:
            await part(connection, log)
    finally:
        await connection.close()
    async with asyncpg.create_pool(**for_asyncpg(at), min_size=2, max_size=4) as pool:

        async def one(n: int) -> int:
            async with pool.acquire() as lent, lent.transaction():
                await lent.execute("INSERT INTO lines (order_id, amount) VALUES (1, $1)", n + 1)
                return await lent.fetchval("SELECT $1::int4 * 2", n)

        log(await asyncio.gather(*(one(n) for n in range(20))))
        log(await pool.fetchval("SELECT sum(amount) FROM lines"))
    return notes


async def asyncpg_values(connection: asyncpg.Connection, log: Log) -> None:
    log(await connection.fetch(VALUES))
    log(await connection.fetch("SELECT * FROM orders ORDER BY id LIMIT 5"))
    log(await connection.fetch("SELECT $1::place, $2::mood[], $3::int4range", ("s", 1), ["calm"], asyncpg.Range(1, 5)))
    log(await connection.execute("UPDATE orders SET total = 1 WHERE id < 4"), await connection.execute("SELECT 1; SELECT 2"))
    log(await connection.fetchval("SELECT noisy('asyncpg')"), await connection.fetchrow("SELECT 1 WHERE false"))


async def asyncpg_statements(connection: asyncpg.Connection, log: Log) -> None:
    statement = await connection.prepare("SELECT id, customer, home FROM orders WHERE id > $1 ORDER BY id")
    log(statement.get_parameters(), statement.get_attributes(), await statement.fetchval(48), statement.get_statusmsg())
    async with connection.transaction():
        cursor = await statement.cursor(10)
        log(await cursor.fetch(3), await cursor.forward(5), await cursor.fetchrow())
        log([row["id"] async for row in statement.cursor(20, prefetch=4)])
    await connection.executemany("INSERT INTO lines (order_id, amount) VALUES ($1, $2)", [(1, n + 1) for n in range(300)])
    for n in range(5):
        log(await connection.fetchval("SELECT count(*) FROM lines WHERE amount > $1", n))
    await connection.reset()
    log(await connection.fetchval("SELECT count(*) FROM lines WHERE amount > $1", 5))


async def asyncpg_mistakes(connection: asyncpg.Connection, log: Log) -> None:
    for text in MISTAKES:
        for call in (connection.execute, connection.fetch):
            try:
                log(await call(text))
            except asyncpg.PostgresError as error:
                log(text, type(error).__name__, error.as_dict())
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.execute("INSERT INTO lines (order_id, amount) VALUES (1, 1)")
            await connection.fetch("SELECT 1/$1::int4", 0)
    except asyncpg.DivisionByZeroError as error:
        log(error.sqlstate, connection.is_in_transaction())
    log(await connection.fetchval("SELECT count(*) FROM lines"))


async def asyncpg_copies(connection: asyncpg.Connection, log: Log) -> None:
    rows = [(1 + n % 50, n + 1) for n in range(3000)]
    log(await connection.copy_records_to_table("lines", records=rows, columns=["order_id", "amount"]))
    out = io.BytesIO()
    query = "SELECT * FROM orders WHERE id > $1 ORDER BY id"
    log(await connection.copy_from_query(query, 40, output=out, format="csv"), out.getvalue())
    into: dict[str, Any] = {"columns": ["order_id", "amount"], "format": "csv"}
    log(await connection.copy_to_table("lines", source=io.BytesIO(b"1,5\n2,6\n"), **into))
    try:
        await connection.copy_to_table("lines", source=io.BytesIO(b"1,x\n" * 20000), **into)
    except asyncpg.PostgresError as error:
        log(type(error).__name__, error.sqlstate)
    log(await connection.fetchrow("SELECT count(*), sum(amount) FROM lines"))


async def asyncpg_listens(connection: asyncpg.Connection, log: Log) -> None:
    heard: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    await connection.add_listener("peers", lambda _c, _p, _ch, payload: heard.set_result(payload))
    await connection.execute("NOTIFY peers, 'hello'")
    log(await asyncio.wait_for(heard, 10))
