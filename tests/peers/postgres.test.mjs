// Do psql, pgbench, pg_dump and Node's clients get through the gateway to PostgreSQL what they get directly, and wait
// where people decide?
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import Cursor from 'pg-cursor';
import postgres from 'postgres';
import { environment, postgresWorld } from './lib/postgres.mjs';
import { run, until } from './lib/process.mjs';

const ID = /rev_[0-9A-Za-z-]+/;
const BOTH = [['directly', () => here.direct], ['through the gateway', () => here.through('open')]];

let here;
before(async () => { here = await postgresWorld('postgres'); }, { timeout: 60_000 });
after(() => here?.stop());

let counter = 0;
/** Three rows that no other test touches; also the mark by which their review is found. */
async function fresh() {
  const mark = `row-${counter += 1}-of-node`;
  await here.database.sql(`INSERT INTO kept SELECT '${mark}' FROM generate_series(1, 3)`);
  return mark;
}
const rows = async (mark) => Number(await here.database.sql(`SELECT count(*) FROM kept WHERE mark = '${mark}'`));

/** What `script` gives directly and through the gateway, from the same beginning. */
async function compared(script) {
  const seen = [];
  for (const [, where] of BOTH) {
    await here.database.fill();
    seen.push(await script(where()));
  }
  assert.ok(seen[0].length > 0);
  seen[0].forEach((wanted, place) => assert.deepEqual(seen[1][place], wanted));
  assert.equal(seen[1].length, seen[0].length);
}

/** Runs one of PostgreSQL's programs against `at`. */
function program(name, at, args, options = {}) {
  const { env, ...more } = options;
  return run(path.join(here.database.bin, name), args, { env: environment(at, env), cwd: here.database.folder, ...more });
}

/** A psql with a person before it: at a terminal, so that Ctrl-C means what it means there. */
class Prompt {
  constructor(at, env) {
    this.said = '';
    this.child = spawn('script', ['-qfc', `${path.join(here.database.bin, 'psql')} -X -n -v VERBOSITY=verbose`, '/dev/null'], {
      env: environment(at, { ...env, PAGER: 'cat', TERM: 'dumb', SHELL: '/bin/sh' }), detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on('data', (chunk) => { this.said += String(chunk).replaceAll('\r', ''); });
    }
    this.ended = new Promise((done) => { this.child.once('close', done); });
  }

  static async with(at, script, env) {
    const prompt = new Prompt(at, env);
    try {
      await prompt.says(/=# $/);
      await script(prompt);
      prompt.type('\\q\n');
      assert.equal(await prompt.ended, 0);
    } finally {
      prompt.child.kill('SIGKILL');
    }
  }

  type(text) {
    this.said = '';
    this.child.stdin.write(text);
  }

  says(what) {
    return until(`psql to say ${what}`, () => what.test(this.said), { log: () => this.said });
  }

  /** Types a statement, presses Ctrl-C once it waits, and goes on. */
  async stopsWaiting(statement) {
    this.type(statement);
    await this.says(/NOTICE: {2}00000: waiting for approval: http/);
    this.type('\x03');
    await this.says(/ERROR: {2}57014: not executed: canceled while waiting for approval[^]*=# $/);
    this.type('SELECT 40 + 2 AS after;\n');
    await this.says(/ 42\n[^]*=# $/);
  }
}

describe('psql', () => {
  const script = (name) => path.join(here.database.folder, name);

  it('prints the same for a script of everything', async () => {
    await writeFile(script('all.sql'), PSQL_SCRIPT);
    await compared(async (at) => {
      const done = await program('psql', at, ['-X', '-a', '-v', 'VERBOSITY=verbose', '-f', 'all.sql']);
      // Which schema of temporary tables one gets depends on who was there before.
      const lines = (text) => text.replace(/\bpg_temp_\d+/g, 'pg_temp').split('\n');
      return [done.code, ...lines(done.stderr), ...lines(done.stdout)];
    });
  });

  it('describes everything in the same words', () => compared(async (at) => {
    const commands = ['\\d+', '\\d+ orders', '\\dT+ place', '\\dD', '\\df+ noisy', '\\dn+', '\\du', '\\dp', '\\sf noisy', '\\di', '\\dconfig work_mem', '\\encoding'];
    const lines = [];
    for (const command of commands) {
      const { code, stdout, stderr } = await program('psql', at, ['-X', '-c', command]);
      lines.push([command, code, stdout, stderr]);
    }
    return lines;
  }));

  it('stops at an error with the same exit code, in one transaction as well', () => compared(async (at) => {
    const wrong = ['-X', '-v', 'ON_ERROR_STOP=1', '-c', 'INSERT INTO lines (order_id, amount) VALUES (1, 1)', '-c', 'SELECT 1/0', '-c', 'SELECT 2'];
    const { code, stdout, stderr } = await program('psql', at, wrong);
    const whole = await program('psql', at, ['-1', ...wrong]);
    return [code, stdout, stderr, whole.code, whole.stdout, whole.stderr, await here.database.sql('SELECT count(*) FROM lines')];
  }));

  it('shows the link at once and goes on after the vote', async () => {
    const mark = await fresh();
    await Prompt.with(here.through('prod'), async (prompt) => {
      prompt.type(`DELETE FROM kept WHERE mark = '${mark}';\n`);
      await prompt.says(/NOTICE: {2}00000: waiting for approval: http/);
      assert.ok(prompt.said.includes(`waiting for approval: ${here.gateway.people}/`));
      const review = await here.reviewer.pending(mark);
      await prompt.says(new RegExp(review.id));
      assert.equal(await rows(mark), 3);
      await here.reviewer.approve(review);
      await prompt.says(/DELETE 3\n[^]*=# $/);
    });
    assert.equal(await rows(mark), 0);
  });

  it('is answered Ctrl-C with 57014, and the connection goes on', async () => {
    const mark = await fresh();
    await Prompt.with(here.through('prod'), (prompt) => prompt.stopsWaiting(`DELETE FROM kept WHERE mark = '${mark}';\n`));
    assert.equal(await rows(mark), 3);
    assert.equal((await here.reviewer.pending(mark)).state, 'pending');
  });

  it('that leaves while it waits has run nothing', async () => {
    const mark = await fresh();
    const stop = new AbortController();
    const options = { signal: stop.signal, env: { PGAPPNAME: mark } };
    const psql = program('psql', here.through('prod'), ['-X', '-c', `DELETE FROM kept WHERE mark = '${mark}'`], options);
    const left = assert.rejects(psql, { name: 'AbortError' });
    const review = await here.reviewer.pending(mark);
    stop.abort();
    await left;
    const sessions = `SELECT count(*) FROM pg_stat_activity WHERE application_name = '${mark}'`;
    await until('its session to end', async () => (await here.database.sql(sessions)) === '0');
    await here.reviewer.approve(review);
    assert.equal((await here.reviewer.state(review.id, 'approved')).state, 'approved');
    assert.equal(await rows(mark), 3);
  });

  it('is told that the review goes on when nobody votes, with a way back', async () => {
    const mark = await fresh();
    const statement = `DELETE FROM kept WHERE mark = '${mark}'`;
    const psql = await program('psql', here.through('prod-short'), ['-X', '-v', 'VERBOSITY=verbose', '-c', statement]);
    assert.equal(psql.code, 1);
    assert.match(psql.stderr, /ERROR: {2}42501: not executed: still waiting for approval \(rev_/);
    assert.match(psql.stderr, /DETAIL: {2}Nothing was executed\. People decide at http/);
    assert.match(psql.stderr, /HINT: {2}Run the same statement again/);
    assert.equal(await rows(mark), 3);
  });
});

describe('pgbench', () => {
  const SCALE = { branches: 1, transactions: 200, clients: 2 };

  it('fills its tables through the gateway as it does directly', () => compared(async (at) => {
    const done = await program('pgbench', at, ['-i', '-q', '-s', String(SCALE.branches)]);
    assert.equal(done.code, 0, done.stderr);
    const sums = 'SELECT count(*), sum(aid::bigint), min(bid), max(bid) FROM pgbench_accounts';
    return [await here.database.sql(sums), await here.database.sql("SELECT string_agg(indexdef, ' ' ORDER BY indexdef) FROM pg_indexes WHERE tablename LIKE 'pgbench%'")];
  }));

  for (const protocol of ['simple', 'extended', 'prepared']) {
    it(`reads with ${protocol} queries`, () => bench(['-S', '-M', protocol]));

    it(`changes balances with ${protocol} queries, and every transaction counts once`, async () => {
      await here.database.sql('TRUNCATE pgbench_history; UPDATE pgbench_accounts SET abalance = 0 WHERE abalance <> 0; UPDATE pgbench_tellers SET tbalance = 0; UPDATE pgbench_branches SET bbalance = 0');
      await bench(['-M', protocol]);
      const sums = await here.database.sql(`SELECT count(*), sum(delta) = (SELECT sum(abalance) FROM pgbench_accounts),
        sum(delta) = (SELECT sum(tbalance) FROM pgbench_tellers), sum(delta) = (SELECT sum(bbalance) FROM pgbench_branches)
        FROM pgbench_history`);
      assert.equal(sums, `${SCALE.transactions}|t|t|t`);
    });
  }

  it('keeps many statements on the way in pipelines', async () => {
    const file = path.join(here.database.folder, 'pipeline.sql');
    await writeFile(file, '\\startpipeline\nSELECT 1;\nSELECT count(*) FROM pgbench_branches;\nUPDATE pgbench_tellers SET tbalance = tbalance WHERE tid = 1;\nSELECT 2;\n\\endpipeline\n');
    for (const protocol of ['extended', 'prepared']) await bench(['-f', file, '-M', protocol]);
  });

  async function bench(args) {
    const { transactions, clients } = SCALE;
    const each = transactions / clients;
    const done = await program('pgbench', here.through('open'), ['-n', '-c', String(clients), '-j', '2', '-t', String(each), '--random-seed=1', ...args]);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, new RegExp(`number of transactions actually processed: ${transactions}/${transactions}`));
    assert.match(done.stdout, /number of failed transactions: 0 /);
  }
});

describe('pg_dump', () => {
  it('gives the same dump, and it can be restored through the gateway', () => compared(async (at) => {
    const options = ['--no-owner', '--exclude-table=pgbench*', '--exclude-table=kept'];
    const dump = await program('pg_dump', at, options);
    assert.equal(dump.code, 0, dump.stderr);
    const schemas = dump.stdout.replaceAll('public.', 'restored.').replace(/^SELECT pg_catalog.set_config.*$/m, 'SET search_path = restored;');
    await writeFile(path.join(here.database.folder, 'dump.sql'), schemas);
    const restored = await program('psql', at, ['-X', '-1', '-v', 'ON_ERROR_STOP=1', '-c', 'DROP SCHEMA IF EXISTS restored CASCADE', '-c', 'CREATE SCHEMA restored', '-f', 'dump.sql']);
    assert.equal(restored.code, 0, restored.stderr);
    const back = await here.database.sql('SELECT count(*), sum(total) FROM restored.orders');
    await here.database.sql('DROP SCHEMA restored CASCADE');
    // Newer versions guard their output with a random word.
    return [back, ...dump.stdout.split('\n').filter((line) => !/^\\(un)?restrict /.test(line))];
  }));
});

/** The fields of an error that a program may look at. */
const told = (error) => ({ ...error, message: error.message, stack: undefined });

/** What `work` fails with. */
const failure = (work) => work.then(() => assert.fail('it went through'), told);

async function withPg(at, script, options = {}) {
  const client = new pg.Client({ ...at, ...options });
  client.on('error', () => {});
  await client.connect();
  try {
    return await script(client);
  } finally {
    await client.end();
  }
}

const answer = (result) => [result].flat().map(({ command, rowCount, rows: found, fields }) => ({ command, rowCount, rows: found, fields }));
const MISTAKES = ['SELECT 1/0', 'SELEKT 1', 'SELECT * FROM nowhere', 'INSERT INTO orders (customer) VALUES (NULL)', "INSERT INTO orders (customer) VALUES ('customer 1')", "SELECT 'x'::mood"];

describe('pg', () => {
  it('gets equal results from every way to ask', () => compared((at) => withPg(at, async (client) => {
    const seen = [];
    client.on('notice', (notice) => seen.push(['notice', told(notice)]));
    const ask = async (...query) => seen.push(answer(await client.query(...query)));
    await ask('SELECT * FROM orders ORDER BY id');
    await ask('SELECT 1 AS a; SELECT noisy($$pg$$); UPDATE lines SET amount = amount WHERE id < 4; SELECT');
    await ask('');
    for (const value of [1, 'text', null, true, new Date(0), { a: [1] }, Buffer.from([0, 255]), 1.5]) {
      await ask('SELECT $1::text AS value', [value instanceof Buffer ? value.toString('hex') : value]);
    }
    await ask('SELECT $1::int[], $2::jsonb, $3::bytea, $4::timestamptz', [[1, null], { a: 'ü' }, Buffer.from([0, 255]), new Date(0)]);
    for (let n = 0; n < 5; n += 1) await ask({ name: 'by-id', text: 'SELECT customer, home FROM orders WHERE id = $1', values: [n] });
    await ask({ text: 'SELECT id, total FROM orders WHERE id < $1', values: [4], rowMode: 'array' });
    await ask({ text: 'SELECT id FROM orders WHERE id < $1', values: [4], binary: true });
    const cursor = client.query(new Cursor('SELECT id FROM orders WHERE id > $1 ORDER BY id', [3]));
    for (let part = await cursor.read(20); part.length > 0; part = await cursor.read(20)) seen.push(part);
    const early = client.query(new Cursor('SELECT id FROM orders'));
    seen.push(await early.read(2));
    await early.close();
    for (const text of MISTAKES) {
      seen.push(await failure(client.query(text)), await failure(client.query({ text, values: [], queryMode: 'extended' })));
    }
    await ask('BEGIN');
    await ask('INSERT INTO lines (order_id, amount) VALUES ($1, $2) RETURNING *', [1, 5]);
    seen.push(await failure(client.query('INSERT INTO lines (order_id, amount) VALUES ($1, $2)', [999, 5])));
    seen.push(await failure(client.query('SELECT 1')));
    await ask('COMMIT');
    await ask('SELECT count(*) FROM lines');
    return seen;
  })));

  it('hears of a held statement at once and goes on after the vote', async () => {
    const mark = await fresh();
    await withPg(here.through('prod'), async (client) => {
      const notices = [];
      client.on('notice', (notice) => notices.push(notice));
      const deleted = client.query('DELETE FROM kept WHERE mark = $1', [mark]);
      await until('the notice', () => notices.length > 0);
      assert.ok(notices[0].message.startsWith(`waiting for approval: ${here.gateway.people}/`));
      const review = await here.reviewer.pending(mark);
      assert.ok(notices[0].detail.includes(review.id));
      assert.equal(await rows(mark), 3);
      await here.reviewer.approve(review);
      assert.equal((await deleted).rowCount, 3);
      await here.reviewer.state(review.id, 'executed');
    });
    assert.equal(await rows(mark), 0);
  });

  it('gets a ticket, and the same statement runs exactly once after approval', async () => {
    const mark = await fresh();
    await withPg(here.through('prod-short'), async (client) => {
      const remove = () => client.query({ name: 'remove', text: 'DELETE FROM kept WHERE mark = $1', values: [mark] });
      const ticket = await failure(remove());
      assert.equal(ticket.code, '42501');
      assert.match(ticket.message, /^not executed: still waiting for approval/);
      assert.match(ticket.detail, /^Nothing was executed/);
      const [id] = ticket.message.match(ID);
      await here.reviewer.approve(await here.reviewer.review(id));
      assert.equal(await rows(mark), 3);
      assert.equal((await remove()).rowCount, 3);
      await here.reviewer.state(id, 'executed');
      await here.database.sql(`INSERT INTO kept VALUES ('${mark}')`);
      const again = await failure(remove());
      assert.notEqual(again.message.match(ID)?.[0], id);
      assert.equal(await rows(mark), 1);
    });
  });

  for (const [kind, provoke, message] of [
    ['policy forbids', (client) => client.query('DROP TABLE kept'), /^not executed: /],
    ['people deny', async (client, mark) => {
      const deleted = client.query('DELETE FROM kept WHERE mark = $1', [mark]);
      deleted.catch(() => {});
      await here.reviewer.deny(await here.reviewer.pending(mark), 'not before lunch');
      return deleted;
    }, /^not executed: .*not before lunch/],
  ]) {
    it(`has a transaction that really is over when ${kind} a statement of it`, async () => {
      const mark = await fresh();
      await withPg(here.through('prod'), async (client) => {
        await client.query('BEGIN');
        await client.query(`INSERT INTO kept VALUES ('${mark}')`);
        const refusal = await failure(provoke(client, mark));
        assert.equal(refusal.code, '42501');
        assert.match(refusal.message, message);
        assert.equal((await failure(client.query('SELECT 1'))).code, '25P02');
        assert.equal((await client.query('COMMIT')).command, 'ROLLBACK');
        assert.equal(await rows(mark), 3);
        assert.equal((await client.query('SELECT 1 AS one')).rows[0].one, 1);
      });
    });
  }
});

async function withPostgresJs(at, script, options = {}) {
  const { host, port, user, password, database } = at;
  const sql = postgres({ host, port, user, password, database, max: 1, connect_timeout: 10, ...options });
  try {
    return await script(sql);
  } finally {
    await sql.end({ timeout: 2 });
  }
}

describe('postgres.js', () => {
  it('gets equal results from every way to ask', () => compared(async (at) => {
    const seen = [];
    const onnotice = (notice) => seen.push(['notice', notice]);
    const keep = async (query) => {
      const result = await query;
      seen.push([result.command, result.count, result.columns?.map(({ name, type, table, number }) => ({ name, type, table, number })), [...result]]);
    };
    await withPostgresJs(at, async (sql) => {
      for (let n = 0; n < 3; n += 1) await keep(sql`SELECT * FROM orders WHERE id > ${n} ORDER BY id LIMIT 5`);
      await keep(sql`SELECT ${'text'}::text, ${true}::bool, ${new Date(0)}::timestamptz, ${sql.json({ a: 1 })}::jsonb, ${[1, 2]}::int[]`);
      await keep(sql`INSERT INTO lines ${sql([{ order_id: 1, amount: 1 }, { order_id: 2, amount: 2 }])} RETURNING *`);
      await keep(sql`SELECT noisy('postgres.js')`);
      await keep(sql.unsafe('SELECT 1 AS a; SELECT 2 AS b').simple());
      await keep(sql`SELECT count(*) FROM lines WHERE amount IN ${sql([1, 2, 3])}`.values());
      for await (const part of sql`SELECT id FROM orders ORDER BY id`.cursor(20)) seen.push([...part]);
      await sql`SELECT id, customer FROM orders ORDER BY id`.forEach((row) => { seen.push(row); });
      const { types, columns } = await sql`SELECT * FROM orders WHERE id = ${1}`.describe();
      seen.push([types, columns.map(({ name, type, table, number }) => ({ name, type, table, number }))]);
      for (const text of MISTAKES) seen.push(await failure(sql.unsafe(text)), await failure(sql.unsafe(text, [], { prepare: true })));
      seen.push(await failure(sql.begin(async (inside) => {
        await inside`INSERT INTO lines (order_id, amount) VALUES (1, 77)`;
        await inside.savepoint((deeper) => deeper`SELECT 1/0`).catch((error) => seen.push(error.code));
        await inside`INSERT INTO lines (order_id, amount) VALUES (999, 77)`;
      })));
      seen.push(...await Promise.all(Array.from({ length: 20 }, async (_, n) => [...await sql`SELECT ${n}::int + 1 AS n`])));
      await keep(sql`SELECT count(*) FROM lines WHERE amount = 77`);
      const chunks = [];
      for await (const chunk of await sql`COPY (SELECT * FROM orders ORDER BY id) TO STDOUT`.readable()) chunks.push(chunk);
      seen.push(Buffer.concat(chunks).toString());
      const into = await sql`COPY lines (order_id, amount) FROM STDIN`.writable();
      await new Promise((done, fail) => { into.once('error', fail).once('finish', done); for (let n = 1; n < 2000; n += 1) into.write(`1\t${n}\n`); into.end(); });
      await keep(sql`SELECT count(*), sum(amount) FROM lines`);
    }, { onnotice });
    return seen;
  }));

  it('hears of a held statement at once and goes on after the vote', async () => {
    const mark = await fresh();
    const notices = [];
    await withPostgresJs(here.through('prod'), async (sql) => {
      const deleted = sql`DELETE FROM kept WHERE mark = ${mark}`.execute();
      await until('the notice', () => notices.length > 0);
      assert.ok(notices[0].message.startsWith(`waiting for approval: ${here.gateway.people}/`));
      await here.reviewer.approve(await here.reviewer.pending(mark));
      assert.equal((await deleted).count, 3);
    }, { onnotice: (notice) => notices.push(notice) });
    assert.equal(await rows(mark), 0);
  });

  it('can cancel a held statement and go on', async () => {
    const mark = await fresh();
    const notices = [];
    await withPostgresJs(here.through('prod'), async (sql) => {
      const deleted = sql`DELETE FROM kept WHERE mark = ${mark}`.execute();
      const error = failure(deleted);
      await until('the notice', () => notices.length > 0);
      deleted.cancel();
      assert.equal((await error).code, '57014');
      assert.equal((await sql`SELECT 1 AS one`)[0].one, 1);
    }, { onnotice: (notice) => notices.push(notice) });
    assert.equal(await rows(mark), 3);
    assert.equal((await here.reviewer.pending(mark)).state, 'pending');
  });
});

describe('who is not let in', () => {
  const CASES = [
    ['a wrong password', '28P01', () => ({ ...here.through('prod'), password: 'wrong' }), {}],
    ['no password', null, () => ({ ...here.through('prod'), password: '' }), {}],
    ['the name of another agent', '28000', () => ({ ...here.through('prod'), user: 'somebody' }), {}],
    ['an unknown database', '3D000', () => ({ ...here.through('prod'), database: 'no-such-database' }), {}],
    ['a database whose server is down', '08006', () => here.through('gone'), {}],
    ['another encoding than UTF-8', '0A000', () => here.through('prod'), { client_encoding: 'LATIN1' }],
    ['replication', '0A000', () => here.through('prod'), { replication: 'database' }],
  ];
  for (const [what, code, at, options] of CASES) {
    it(`learns why: ${what}`, async () => {
      // pg says UTF8 whatever one asks it for.
      const flags = options.client_encoding && { options: `-c client_encoding=${options.client_encoding}` };
      const error = await failure(withPg(at(), () => {}, flags ?? options));
      const twin = await failure(withPostgresJs(at(), (sql) => sql`SELECT 1`, { connection: options }));
      if (code) {
        assert.equal(error.code, code, error.message);
        assert.equal(error.severity, 'FATAL');
        assert.ok(error.hint, 'says how to mend it');
        assert.deepEqual([twin.code, twin.message], [error.code, error.message]);
      }
      assert.ok(!JSON.stringify([error, twin]).includes(here.direct.password));
      const env = { ...(options.client_encoding && { PGCLIENTENCODING: options.client_encoding }) };
      const database = options.replication ? `replication=${options.replication}` : `dbname=${at().database}`;
      const psql = await program('psql', at(), ['-X', '-w', '-d', database, '-c', 'SELECT 1'], { env });
      assert.equal(psql.code, 2, psql.stdout);
      if (code) assert.ok(psql.stderr.includes(error.message), psql.stderr);
    });
  }
});

describe('encryption', () => {
  const SECRET = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

  it('is there when the gateway has a certificate', async () => {
    const at = here.sealed('open');
    const ca = await readFile(here.roots, 'utf8');
    assert.equal((await withPg(at, (client) => client.query('SELECT 1 AS one'), { ssl: { ca } })).rows[0].one, 1);
    assert.equal((await withPostgresJs(at, (sql) => sql`SELECT 1 AS one`, { ssl: { ca } }))[0].one, 1);
    await assert.rejects(withPg(at, (client) => client.query(SECRET), { ssl: true }), /self-signed certificate/);
    const psql = await program('psql', at, ['-X', '-c', '\\conninfo'], { env: { PGSSLMODE: 'verify-full', PGSSLROOTCERT: here.roots } });
    assert.equal(psql.code, 0, psql.stderr);
    assert.match(psql.stdout, /SSL connection \(protocol: TLSv1\.3/);
  });

  it('that a client demands is refused when the gateway has none', async () => {
    const at = here.through('open');
    await assert.rejects(withPg(at, (client) => client.query(SECRET), { ssl: { rejectUnauthorized: false } }), /does not support SSL/);
    const psql = await program('psql', at, ['-X', '-c', 'SELECT 1'], { env: { PGSSLMODE: 'require' } });
    assert.equal(psql.code, 2);
    assert.match(psql.stderr, /server does not support SSL, but SSL was required/);
    const relaxed = await program('psql', at, ['-X', '-c', 'SELECT 1'], { env: { PGSSLMODE: 'prefer' } });
    assert.equal(relaxed.code, 0, relaxed.stderr);
  });

  it('covers a held statement, and Ctrl-C of it', () => Prompt.with(
    here.sealed('prod'),
    (prompt) => prompt.stopsWaiting("DELETE FROM kept WHERE mark = 'over TLS';\n"),
    { PGSSLMODE: 'verify-full', PGSSLROOTCERT: here.roots },
  ));
});

const PSQL_SCRIPT = String.raw`
\set ON_ERROR_STOP off
\timing off
SELECT * FROM orders ORDER BY id LIMIT 3 \gx
SELECT 'ü' AS "ünï", NULL, 1.50::numeric(5,2), now() - now() \gdesc
SELECT 1 AS a, 2 AS b \gset mine_
\echo :mine_a :mine_b
SELECT noisy('psql');
SELECT 1/0;
\echo :SQLSTATE :LAST_ERROR_SQLSTATE :LAST_ERROR_MESSAGE :ERROR
INSERT INTO lines (order_id, amount) VALUES (1, 5), (2, 6) RETURNING id, amount;
\echo :ROW_COUNT
INSERT INTO lines (order_id, amount) VALUES (1, -5);
INSERT INTO lines (order_id, amount) VALUES (999, 5);
UPDATE orders SET total = total + 1 WHERE id < 5;
DELETE FROM lines WHERE id > 95;
SELECT 1; SELECT 2; SELECT nothing; SELECT 3;
SELECT 1\; SELECT 2\; SELECT 1/0\; SELECT 4;
BEGIN;
SAVEPOINT one;
SELECT 1/0;
SELECT 'not now';
ROLLBACK TO one;
DECLARE slow CURSOR FOR SELECT id FROM orders ORDER BY id;
FETCH 3 FROM slow;
MOVE 2 IN slow;
FETCH ABSOLUTE 1 FROM slow;
FETCH ALL FROM slow;
CLOSE slow;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
DELETE FROM lines;
COMMIT;
COPY lines (order_id, amount) FROM STDIN;
1	100
2	200
\.
COPY lines (order_id, amount) FROM STDIN;
1	not a number
\.
COPY (SELECT id, tags FROM orders ORDER BY id LIMIT 5) TO STDOUT WITH (FORMAT csv, HEADER);
\copy (SELECT id, customer FROM orders ORDER BY id) TO 'out.csv' csv
CREATE TEMP TABLE again (LIKE orders);
\copy again (id, customer) FROM 'out.csv' csv
SELECT count(*), sum(id) FROM again;
\set FETCH_COUNT 7
SELECT id FROM orders ORDER BY id;
\set FETCH_COUNT 0
\set AUTOCOMMIT off
INSERT INTO lines (order_id, amount) VALUES (3, 3);
ROLLBACK;
\set AUTOCOMMIT on
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT 1/0;
SELECT 'goes on';
COMMIT;
PREPARE twice (int) AS SELECT $1 * 2;
EXECUTE twice (21);
DEALLOCATE twice;
EXECUTE twice (21);
SELECT format('SELECT %s AS made', n) FROM generate_series(1, 3) AS n \gexec
SET work_mem = '5MB';
SHOW work_mem;
SET no_such_setting = 1;
RESET ALL;
DO $$ BEGIN RAISE NOTICE 'from inside'; RAISE EXCEPTION 'own' USING ERRCODE = 'ZX001', HINT = 'a hint', DETAIL = 'a detail'; END $$;
EXPLAIN (COSTS OFF) SELECT * FROM orders WHERE id = 1;
VALUES (1, 'a'), (2, 'b');
CREATE SCHEMA brief;
CREATE TABLE brief.things (n int PRIMARY KEY, t text DEFAULT 'x');
INSERT INTO brief.things VALUES (1);
SET search_path = brief;
SELECT * FROM things;
ALTER TABLE things ADD COLUMN more int;
SELECT * FROM things;
SET search_path = public;
DROP SCHEMA brief CASCADE;
LISTEN here;
UNLISTEN *;
VACUUM lines;
DISCARD ALL;
SELECT count(*), sum(amount) FROM lines;
`;
