// Can an auditor check an evidence pack with nothing of ours?
//
// The pack is of a real gateway with a call that people approved. Checksums are read by coreutils, the log by the Go
// project's own implementation, statements and manifest by Node's OpenSSL, and the time by `openssl ts` with a
// time-stamping authority that this test runs for itself.
import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify as holds } from 'node:crypto';
import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BINARY } from './lib/gateway.mjs';
import { PEERS, run, temporaryFolder } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const REASON = 'the file of this quarter is wanted';
const env = { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOFLAGS: '' };

let here;
let place;
let pack;
let vkey;
let config;
const said = async (...words) => {
  const done = await run(BINARY, [...words, ...config]);
  assert.equal(done.code, 0, done.stderr);
  return done.stdout.trim();
};

before(async () => {
  place = await temporaryFolder('evidence');
  pack = path.join(place.folder, 'pack');
  here = await world('evidence');
  config = ['--config', path.join(here.gateway.folder, 'countersign.toml')];
  await here.approvedWrite('quarter.txt', 'kept to itself', REASON);
  vkey = await said('ledger', 'key');
  const day = new Date().toISOString().slice(0, 10);
  await said('evidence', '--from', '2026-01-01', '--to', day, '--framework', 'fedramp-high', '--output', pack);
});
after(async () => { await here?.stop(); await place?.remove(); });

const read = (name) => readFile(path.join(pack, name), 'utf8');
const verify = (folder = pack, key = vkey) => run(BINARY, ['verify', folder, '--key', key]);

/** The Ed25519 key in `NAME+ID+BASE64`: its last 32 bytes. */
function publicKey() {
  const raw = Buffer.from(vkey.split('+').slice(2).join('+'), 'base64').subarray(1);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
}

describe('an evidence pack', () => {
  it('holds, and says what was counted', async () => {
    const done = await verify();
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /receipts and 1 statements hold/);
    const summary = JSON.parse(await read('summary.json'));
    assert.equal(summary.actions.review, 1);
    assert.equal(summary.reviews.executed, 1);
    assert.match(await read('report.html'), /AU-10/);
    assert.match(await read('records.jsonl'), new RegExp(REASON));
    assert.ok(!(await read('records.jsonl')).includes('kept to itself'), 'what was sent is not shown');
  });

  it('is in the log that it takes along, and its files are those that coreutils find', async () => {
    const records = (await read('records.jsonl')).trim().split('\n').map((line) => JSON.parse(JSON.parse(line).leaf));
    assert.equal(records.at(-1).type, 'audit.exported');
    const done = await run('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: pack });
    assert.equal(done.code, 0, done.stderr);
  });

  it('has a log that Go finds in place', async () => {
    const done = await run('go', ['run', path.join(PEERS, 'go', 'verify.go'), path.join(pack, 'log'), vkey], { env });
    assert.equal(done.code, 0, done.stderr);
  });

  it('has a manifest and statements whose signatures hold for OpenSSL', async () => {
    const [text, lines] = (await read('manifest.note')).split(/(?<=\n)\n/);
    const signature = Buffer.from(lines.trim().split(' ').at(-1), 'base64').subarray(4);
    assert.ok(holds(null, Buffer.from(text), publicKey(), signature));
    const sums = createHash('sha256').update(await read('SHA256SUMS')).digest('hex');
    assert.ok(text.includes(`sums ${sums}`));
    const statements = await readdir(path.join(pack, 'statements'));
    assert.equal(statements.length, 1);
    const envelope = JSON.parse(await read(`statements/${statements[0]}`));
    const payload = Buffer.from(envelope.payload, 'base64');
    const message = Buffer.concat([Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `), payload]);
    assert.ok(holds(null, message, publicKey(), Buffer.from(envelope.signatures[0].sig, 'base64')));
    const { predicate, subject } = JSON.parse(payload);
    assert.deepEqual(predicate.votes.map(({ decision }) => decision), ['approve']);
    assert.match(subject[0].digest.sha256, /^[0-9a-f]{64}$/);
  });

  it('names the file in which a byte was changed, or that is too many', async () => {
    for (const name of ['report.html', 'records.jsonl', 'rights.json', 'log/checkpoint', 'VERIFY.md']) {
      const copy = path.join(place.folder, 'changed');
      await cp(pack, copy, { recursive: true });
      const bytes = await readFile(path.join(copy, name));
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      await writeFile(path.join(copy, name), bytes);
      const done = await verify(copy);
      assert.equal(done.code, 1);
      assert.ok(done.stderr.includes(`${name}: file_changed`), done.stderr);
    }
    const copy = path.join(place.folder, 'more');
    await cp(pack, copy, { recursive: true });
    await writeFile(path.join(copy, 'more.txt'), 'more');
    assert.match((await verify(copy)).stderr, /more\.txt: file_unlisted/);
  });

  it('can be time-stamped by an authority, and says nothing new by it', async () => {
    const at = (name) => path.join(place.folder, name);
    await writeFile(at('tsa.cnf'), `[req]
distinguished_name = dn
prompt = no
[dn]
CN = Test TSA
[ext]
basicConstraints = critical,CA:true
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = one
[one]
serial = ${at('serial')}
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
crypto_device = builtin
`);
    await writeFile(at('serial'), '01\n');
    const openssl = async (...words) => {
      const done = await run('openssl', words);
      assert.equal(done.code, 0, done.stderr);
      return done.stdout;
    };
    await openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', at('tsa.key'), '-out', at('tsa.pem'), '-days', '2', '-config', at('tsa.cnf'), '-extensions', 'ext');
    const manifest = path.join(pack, 'manifest.note');
    await openssl('ts', '-query', '-data', manifest, '-sha256', '-cert', '-out', at('query.tsq'));
    await openssl('ts', '-reply', '-config', at('tsa.cnf'), '-queryfile', at('query.tsq'), '-signer', at('tsa.pem'), '-inkey', at('tsa.key'), '-out', path.join(pack, 'manifest.tsr'));
    await openssl('ts', '-verify', '-data', manifest, '-in', path.join(pack, 'manifest.tsr'), '-CAfile', at('tsa.pem'));
    assert.equal((await verify()).code, 0, 'the stamp lies beside the manifest');
    await writeFile(at('other.note'), `${await readFile(manifest, 'utf8')} `);
    const other = await run('openssl', ['ts', '-verify', '-data', at('other.note'), '-in', path.join(pack, 'manifest.tsr'), '-CAfile', at('tsa.pem')]);
    assert.notEqual(other.code, 0, 'another manifest has no stamp');
  });
});
