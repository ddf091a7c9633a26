// Do Java programs get through the gateway to PostgreSQL what they get directly, and wait where people decide?
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { postgresWorld } from './lib/postgres.mjs';
import { PEERS, Program, run, until } from './lib/process.mjs';

const FOLDER = path.join(PEERS, 'jdbc');

let here;
let driver;
before(async () => {
  driver = (await readdir(path.join(FOLDER, 'lib'))).filter((name) => name.endsWith('.jar')).map((name) => path.join(FOLDER, 'lib', name));
  here = await postgresWorld('jdbc');
}, { timeout: 60_000 });
after(() => here?.stop());

let counter = 0;
/** Three rows that no other test touches; also the mark by which their review is found. */
async function fresh() {
  const mark = `row-${counter += 1}-of-java`;
  await here.database.sql(`INSERT INTO kept SELECT '${mark}' FROM generate_series(1, 3)`);
  return mark;
}
const rows = async (mark) => Number(await here.database.sql(`SELECT count(*) FROM kept WHERE mark = '${mark}'`));

/** How Jdbc.java is run against `at`. */
function java(at, args, parameters = '') {
  const env = {
    ...process.env, PGURL: `jdbc:postgresql://${at.host}:${at.port}/${at.database}${parameters}`, PGUSER: at.user, PGPASSWORD: at.password,
  };
  return ['java', ['-Duser.timezone=Europe/Oslo', '-Duser.language=en', '-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', driver.join(':'), path.join(FOLDER, 'Jdbc.java'), ...args], { env }];
}

/** A held delete of `mark`, once its review is open. */
async function held(at, mark, { seconds = 0, parameters = '' } = {}) {
  const program = new Program(...java(at, ['held', `DELETE FROM kept WHERE mark = '${mark}'`, String(seconds)], parameters));
  const review = await here.reviewer.pending(mark);
  const says = (what, limit) => until(`the program to say ${what}`, () => what.exec(program.output), { seconds: limit, log: () => program.output });
  return { program, review, says };
}

describe('pgjdbc', () => {
  it('gets the same from every way to ask', async () => {
    const seen = [];
    for (const at of [here.direct, here.through('open')]) {
      await here.database.fill();
      const done = await run(...java(at, ['script']));
      assert.equal(done.code, 0, done.stderr + done.stdout.slice(-2000));
      seen.push(done.stdout.split('\n'));
    }
    assert.ok(seen[0].length > 300, `${seen[0].length} lines`);
    seen[0].forEach((wanted, place) => assert.equal(seen[1][place], wanted));
    assert.equal(seen[1].length, seen[0].length);
  });

  it('hears the warning with the link while it waits, and goes on after the vote', async () => {
    const mark = await fresh();
    const { program, review, says } = await held(here.through('prod'), mark);
    const heard = await says(/\[heard, 00000, (waiting for approval: http\S+)\]/);
    assert.ok(heard[1].startsWith(`waiting for approval: ${here.gateway.people}/`));
    await says(new RegExp(`\\[NOTICE, 00000, .*${review.id}.*Nothing is executed before\\., Cancel to stop waiting`));
    assert.equal(await rows(mark), 3);
    await here.reviewer.approve(review);
    await says(/\[count, 3\]\n\[went through\]\n.*after.*\n\[42\]/);
    assert.equal(await program.ended, 0);
    assert.equal(await rows(mark), 0);
  });

  it('ends a hold with its query time-out, and the connection goes on', async () => {
    const mark = await fresh();
    const { program, review, says } = await held(here.through('prod'), mark, { seconds: 2 });
    await says(/\[failed, 57014, ERROR: not executed: canceled while waiting for approval/);
    await says(/after.*\n\[42\]/);
    assert.equal(await program.ended, 0);
    assert.equal(await rows(mark), 3);
    assert.equal((await here.reviewer.state(review.id, 'pending')).state, 'pending');
  });

  // Notices come every ten seconds.
  it('waits longer than its socket time-out, because of the repeated notices', async () => {
    const [patient, hasty] = [await fresh(), await fresh()];
    const began = Date.now();
    const one = await held(here.through('prod'), patient, { parameters: '?socketTimeout=14' });
    const other = await held(here.through('prod'), hasty, { parameters: '?socketTimeout=4' });
    await other.says(/\[failed, 08006, An I\/O error occurred/);
    await one.says(/(\[heard, 00000, waiting for approval[^]*){3}/, 30);
    assert.ok(Date.now() - began > 18_000, `only ${Date.now() - began} ms`);
    await here.reviewer.approve(one.review);
    await one.says(/\[count, 3\]\n/);
    assert.equal(await one.program.ended, 0);
    assert.equal(await rows(patient), 0);
    assert.equal(await rows(hasty), 3);
    assert.equal((await here.reviewer.state(other.review.id, 'pending')).state, 'pending');
    await other.program.ended;
  });
});
