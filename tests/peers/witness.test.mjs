// Does a call whose policy asks for a witness run with one, and not without? Gateway and witness are processes of their own,
// set up in the order that the manual gives.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FLAVOURS } from './lib/clients.mjs';
import { BINARY } from './lib/gateway.mjs';
import { Program, freePort, run, temporaryFolder, until } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const POLICY = `
@id("witnessed") @review("reviewers") @witness("1")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Resource::"files");
`;

let place;
let here;
let port;
let witness;
let witnessKey;
let logKey;
let peer;

const said = async (...words) => {
  const done = await run(BINARY, words);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout.trim();
};
const config = () => ['--config', path.join(here.gateway.folder, 'countersign.toml')];

async function startWitness() {
  witness = new Program(BINARY, ['witness', '--state', path.join(place.folder, 'witness'), '--listen', `127.0.0.1:${port}`, '--log', logKey]);
  await witness.ready('the witness', () => witness.output.includes('entries seen'));
}

before(async () => {
  place = await temporaryFolder('witness');
  port = await freePort();
  witnessKey = await said('witness', 'key', '--state', path.join(place.folder, 'witness'), '--name', 'witness.test');
  here = await world('witness', { policy: POLICY, witnesses: [{ key: witnessKey, url: `http://127.0.0.1:${port}` }] });
  logKey = await said('ledger', 'key', ...config());
  await startWitness();
  peer = await FLAVOURS[0].open(here.through('files'));
});
after(async () => { await peer?.close(); await witness?.stop(); await here?.stop(); await place?.remove(); });

/** Writes a file through `resource` once people have agreed; the answer as text, and the review. */
async function write(name, through = peer) {
  const file = here.file(name);
  const call = through.call('write_file', { path: file, content: 'kept' });
  const review = await here.reviewer.pending(file);
  await here.reviewer.approve(review);
  return { answer: JSON.stringify(await call), review };
}

describe('a call that needs a witness', () => {
  it('runs with one, and its receipt holds with the cosignature', async () => {
    const { answer, review } = await write('first.txt');
    assert.match(answer, /Successfully wrote/);
    await here.reviewer.state(review.id, 'executed');
    const receipt = path.join(place.folder, 'receipt.json');
    const { action } = await here.reviewer.review(review.id);
    const verified = await until('a receipt with a cosignature', async () => {
      await said('receipt', action.id ?? action, '--output', receipt, ...config());
      const done = await run(BINARY, ['verify', receipt, '--key', logKey, '--key', witnessKey, '--witnesses', '1']);
      return done.code === 0 && done.stdout;
    });
    assert.match(verified, /witness\.test/);
    // Nobody else's will do.
    const other = await said('witness', 'key', '--state', path.join(place.folder, 'other'));
    const refused = await run(BINARY, ['verify', receipt, '--key', logKey, '--key', other, '--witnesses', '1']);
    assert.equal(refused.code, 1, refused.stdout);
  });

  it('is not sent without one, while others go on, and runs again when the witness is back', async () => {
    await witness.stop('SIGKILL');
    const other = await FLAVOURS[0].open(here.through('files-brief'));
    const [held, passed] = await Promise.all([write('second.txt'), write('third.txt', other)]);
    await other.close();
    assert.match(held.answer, /Not executed/);
    assert.match(held.answer, /unwitnessed/);
    assert.match(passed.answer, /Successfully wrote/);
    await here.reviewer.state(held.review.id, 'failed');
    await startWitness();
    const { answer } = await write('second.txt');
    assert.match(answer, /Successfully wrote/);
  });
});

describe('the configuration', () => {
  it('is wrong when policy asks for more witnesses than there are', async () => {
    const policy = path.join(here.gateway.folder, 'policy.cedar');
    await writeFile(policy, '@id("all") permit (principal, action, resource);\n@id("two") @review("reviewers")\n  @witness("2")\nforbid (principal, action, resource);\n');
    const done = await run(BINARY, ['check', ...config()], { cwd: here.gateway.folder });
    assert.equal(done.code, 2, done.stdout);
    assert.match(done.stderr, /policy\.cedar:3:3: this asks for more witnesses \(2\) than are configured \(1\)/);
  });
});
