// Does the demo tell its whole story, by itself and with a person in a browser, and leave nothing behind?
import assert from 'node:assert/strict';
import { access, readFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { Visitor, flow, startBrowser } from './lib/browser.mjs';
import { BINARY } from './lib/gateway.mjs';
import { Program, run, temporaryFolder, until } from './lib/process.mjs';

/** A folder that the server's user can enter when root runs this. */
async function inFolder(script) {
  const place = await temporaryFolder('demo');
  const folder = path.join(place.folder, 'demo');
  try {
    await run('chmod', ['755', place.folder]);
    return await script(folder);
  } finally {
    await place.remove();
  }
}

/** The number of the demo's PostgreSQL, and whether it is there. */
const serverOf = async (folder) => Number((await readFile(path.join(folder, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]);
const lives = (pid) => access(`/proc/${pid}`).then(() => true, () => false);

it('the demo plays every step within a minute, twice in the same folder', () => inFolder(async (folder) => {
  for (const time of ['first', 'second']) {
    const began = Date.now();
    const done = await run(BINARY, ['demo', '--play-reviewer', '--folder', folder]);
    assert.equal(done.code, 0, `${time} time:\n${done.stdout}${done.stderr}`);
    assert.ok(Date.now() - began < 60_000, `the ${time} time took ${Date.now() - began} ms`);
    assert.match(done.stdout, /Mira Lund +\| m\*\*\*@e\*\*\*\.com/);
    assert.match(done.stdout, /would touch: 42 rows, counted\n.*84 rows, counted \(delete in public\.order_lines\)/);
    assert.match(done.stdout, /psql goes on by itself: DELETE 42\n.*54 before, 12 after\n.*108 before, 24 after/);
    assert.equal(done.stdout.match(/→ action\.executed\n/g).length, 2);
    assert.match(done.stdout, /\nevery step was seen\n$/);
    await assert.rejects(serverOf(folder), { code: 'ENOENT' }, 'the server has ended in good order');
  }
}));

it('without a database the demo is the first act alone', () => inFolder(async (folder) => {
  const done = await run(BINARY, ['demo', '--play-reviewer', '--no-postgres', '--folder', folder]);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /deleted 42 orders\n[^]*→ action\.executed\n\nevery step was seen\n$/);
  assert.doesNotMatch(done.stdout, /psql|second act/);
}));

it('a person decides both acts in a browser, and Ctrl-C ends everything', () => inFolder(async (folder) => {
  const demo = new Program(BINARY, ['demo', '--folder', folder]);
  const browser = await startBrowser();
  try {
    const says = async (what) => (await until(`the demo to say ${what}`, () => what.exec(demo.output), { log: () => demo.output }))[1];
    const visitor = await Visitor.open(browser, 'ada');
    const { page } = visitor;
    const approves = async () => {
      await page.getByRole('button', { name: /^Approve/ }).click();
      await page.getByText('Your approval is recorded.').waitFor();
    };
    await flow('demo', [visitor], async () => {
      await page.goto(await says(/(http:\S+\/enter\/\S+)\n/));
      await approves();
      await page.goto(await says(/NOTICE: {2}waiting for approval: (\S+)\n/));
      const main = await page.locator('main').innerText();
      for (const shown of [/DELETE FROM orders WHERE status = 'cancelled'/, /42 rows/, /84 rows/, /order_lines/, /night-batch/]) assert.match(main, shown);
      await visitor.screenshot('demo-held-delete');
      await approves();
      await says(/psql goes on by itself: (DELETE 42)\n/);
    });
    await says(/(The console stays open until you press Ctrl-C\.)/);
    const server = await serverOf(folder);
    assert.ok(await lives(server));
    await demo.stop('SIGINT');
    assert.equal(demo.child.exitCode, 0, demo.output);
    assert.ok(!await lives(server), 'the server ended before the demo');
  } finally {
    await browser.close();
    await demo.stop('SIGKILL');
  }
}));

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL']) {
  it(`no server outlives a demo that ${signal} ends in the middle`, () => inFolder(async (folder) => {
    const demo = new Program(BINARY, ['demo', '--folder', folder]);
    await demo.ready('the first act', () => demo.output.includes('/enter/'));
    const server = await serverOf(folder);
    assert.ok(await lives(server));
    await demo.stop(signal);
    await until('the server to end', async () => !await lives(server));
  }));
}
