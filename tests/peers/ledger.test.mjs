// Can somebody who trusts nobody check what the gateway has recorded, with nothing of ours?
//
// The log is a real one, of a gateway with a call that people approved, written out by `countersign ledger tiles`, and
// read by the Go project's own implementation of notes and trees (go/verify.go). Receipts are changed in every way that
// matters.
import assert from 'node:assert/strict';
import { access, cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BINARY } from './lib/gateway.mjs';
import { PEERS, run, temporaryFolder } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const GO = path.join(PEERS, 'go');
const SAMPLER = path.join(path.dirname(BINARY), 'examples', 'sample_log');
/** Debian's packages of Go are found by path, without modules and without a network. */
const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '', SAMPLE_LOG: '' };

const REASON = 'the new file is wanted';

let here;
let place;
let log;
let vkey;
let receipt;
before(async () => {
  place = await temporaryFolder('ledger');
  log = path.join(place.folder, 'log');
  here = await world('ledger');
  const config = ['--config', path.join(here.gateway.folder, 'countersign.toml')];
  const said = async (...words) => {
    const done = await run(BINARY, [...words, ...config]);
    assert.equal(done.code, 0, done.stderr);
    return done.stdout.trim();
  };
  await here.approvedWrite('ledger.txt', 'kept', REASON);
  vkey = await said('ledger', 'key');
  await said('ledger', 'tiles', log);
  const released = (await entries()).map((leaf) => JSON.parse(leaf)).find(({ type }) => type === 'action.released');
  receipt = path.join(place.folder, 'receipt.json');
  await said('receipt', released.case, '--output', receipt);
});
after(async () => { await here?.stop(); await place?.remove(); });

/** The leaves, out of the bundles: each has its length in two bytes before it. */
async function entries() {
  const folder = path.join(log, 'tile', 'entries');
  const found = [];
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    const bytes = await readFile(path.join(folder, name)).catch(() => Buffer.alloc(0));
    for (let at = 0; at < bytes.length;) {
      const length = bytes.readUInt16BE(at);
      found.push(bytes.subarray(at + 2, at + 2 + length).toString());
      at += 2 + length;
    }
  }
  return found;
}

const go = (folder, ...options) => run('go', ['run', path.join(GO, 'verify.go'), ...options, folder, vkey], { env });

describe('Go, over the log of a real gateway', () => {
  it('finds everything in place', async () => {
    const done = await go(log);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, new RegExp(`${(await entries()).length} entries`));
  });

  it('finds any change', async () => {
    const files = (await readdir(log, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
    assert.ok(files.length >= 3, 'a checkpoint, a tile and a bundle');
    for (const file of files) {
      const copy = path.join(place.folder, 'changed');
      await cp(log, copy, { recursive: true });
      const name = path.join(copy, path.relative(log, path.join(file.parentPath, file.name)));
      const bytes = await readFile(name);
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      await writeFile(name, bytes);
      const done = await go(copy);
      assert.notEqual(done.code, 0, `a changed bit in ${file.name} was not noticed`);
    }
  });
});

describe('Go, over a sample of 70,000 entries', () => {
  it('notices every kind of change', async () => {
    await access(SAMPLER);
    const sample = path.join(place.folder, 'sample');
    assert.equal((await run(SAMPLER, [sample, '70000'])).code, 0);
    const done = await run('go', ['test', path.join(GO, 'verify.go'), path.join(GO, 'verify_test.go')], { env: { ...env, SAMPLE_LOG: sample } });
    assert.equal(done.code, 0, done.stdout + done.stderr);
  });
});

describe('a receipt', () => {
  const verify = (file, key = vkey) => run(BINARY, ['verify', file, '--key', key]);

  it('holds, and says what was approved and done', async () => {
    const done = await verify(receipt);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /approved by 1 of 1 people, released, executed/);
  });

  it('does not hold with any entry, word or signature changed, and says where', async () => {
    const text = await readFile(receipt, 'utf8');
    const whole = JSON.parse(text);
    const without = (at) => JSON.stringify({ ...whole, entries: whole.entries.filter((_, index) => index !== at) });
    const changes = {
      'a reason': [text.replace(REASON, 'the new file is not wanted'), /entry \d+: content_mismatch/],
      'a time': [text.replace(/(\\"time\\":\\"2\d{3})/, (year) => `${year.slice(0, -1)}9`), /entry \d+: (not_included|leaf_malformed)/],
      'a vote left out': [without(2), /chain_broken|review_mismatch/],
      'the first entry left out': [without(0), /chain_broken|not_requested/],
      'another size': [text.replace(/(ledger\\n)\d+/, '$19'), /checkpoint_untrusted/],
    };
    for (const [what, [changed, where]] of Object.entries(changes)) {
      assert.notEqual(changed, text, what);
      const file = path.join(place.folder, 'changed.json');
      await writeFile(file, changed);
      const done = await verify(file);
      assert.equal(done.code, 1, `${what}: ${done.stdout}`);
      assert.match(done.stderr, where, what);
    }
  });

  it('does not hold for another key', async () => {
    const done = await verify(receipt, `${vkey.slice(0, -4)}AAA=`);
    assert.equal(done.code, 1);
  });
});
