// Does a server pass the official conformance suites through the gateway as it passes them directly?
//
// What each run gave is recorded in `conformance.json`; `UPDATE=1` writes it anew. No check that succeeds directly may
// do otherwise through the gateway, unless DIFFERENCES says why for its scenario.
import assert from 'node:assert/strict';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { forwarder } from './lib/forwarder.mjs';
import { installed, PEERS, run, temporaryFolder } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const RECORD = path.join(PEERS, 'conformance.json');
const STABLE = installed('@modelcontextprotocol', 'conformance', 'dist', 'index.js');
const NEXT = installed('conformance-next', 'dist', 'index.js');

const RUNS = [
  { name: 'suite 0.1.16, server-everything', suite: STABLE, resource: 'everything-http' },
  { name: 'suite 0.2.0-alpha.12, server-everything', suite: NEXT, resource: 'everything-http' },
  { name: 'suite 0.2.0-alpha.12 at 2026-07-28, modern server', suite: NEXT, resource: 'newest', version: '2026-07-28' },
];

/** `run name: { scenario: why it may differ }`. */
const DIFFERENCES = {
  'suite 0.2.0-alpha.12, server-everything': {
    'server-sse-polling': 'the gateway offers no Last-Event-ID to resume a stream with: an answer that a lost connection '
      + 'left behind is found by sending the identical call again, which attaches to its review or claims its approval',
  },
};

let here;
before(async () => { here = await world('conformance'); });
after(() => here?.stop());

/** Runs a suite and gives `{ scenario: { check: worst status } }`. */
async function checks({ suite, version }, url) {
  const output = await temporaryFolder('conformance');
  const args = [suite, 'server', '--url', url, '--suite', 'all', '-o', output.folder, ...(version ? ['--spec-version', version] : [])];
  const { stdout, stderr } = await run(process.execPath, args);
  const found = {};
  for (const folder of (await readdir(output.folder, { recursive: true })).filter((name) => name.endsWith('checks.json'))) {
    const scenario = path.dirname(folder).replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
    const list = JSON.parse(await readFile(path.join(output.folder, folder), 'utf8'));
    found[scenario] = Object.fromEntries(list.filter(({ status }) => status !== 'INFO').map(({ id, status }) => [id, status])
      .sort(([a], [b]) => a.localeCompare(b)));
    for (const { id, status, errorMessage } of list) {
      if (status === 'FAILURE') found[scenario][id] = process.env.EXPLAIN ? `FAILURE: ${errorMessage}` : 'FAILURE';
    }
  }
  await output.remove();
  assert.ok(Object.keys(found).length > 20, `the suite did not run:\n${stdout}\n${stderr}`);
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a.localeCompare(b)));
}

const record = JSON.parse(await readFile(RECORD, 'utf8').catch(() => '{}'));

/** The scenarios with a check that succeeds directly and not through the gateway. */
const lost = (direct, through) => Object.keys(direct).filter((scenario) => Object.entries(direct[scenario])
  .some(([check, status]) => status === 'SUCCESS' && through[scenario]?.[check] !== 'SUCCESS'));

async function keep(name, way, found) {
  if (process.env.UPDATE) {
    record[name] = { ...record[name], [way]: found };
    await writeFile(RECORD, `${JSON.stringify(record, null, 1)}\n`);
  }
  const recorded = record[name]?.[way] ?? {};
  const changed = [...new Set([...Object.keys(found), ...Object.keys(recorded)])].filter((scenario) => !isDeepStrictEqual(found[scenario], recorded[scenario]));
  const only = (all) => Object.fromEntries(changed.map((scenario) => [scenario, all[scenario]]));
  assert.deepEqual(only(found), only(recorded));
}

for (const run_ of RUNS) {
  describe(run_.name, () => {
    let direct;
    let through;
    before(async () => {
      direct = await checks(run_, here.direct[run_.resource].url.replace('127.0.0.1', 'localhost'));
      const { url, token } = here.through(run_.resource);
      const added = await forwarder(url, { authorization: `Bearer ${token}` });
      through = await checks(run_, added.url);
      await added.stop();
    });

    it('loses nothing through the gateway', () => {
      assert.deepEqual(lost(direct, through), Object.keys(DIFFERENCES[run_.name] ?? {}).sort());
    });

    it('gives directly what is on record', () => keep(run_.name, 'direct', direct));
    it('gives through the gateway what is on record', () => keep(run_.name, 'through', through));
  });
}
