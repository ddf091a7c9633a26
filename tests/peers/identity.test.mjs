// Do the tokens of an issuer name agents, in MCP and in PostgreSQL? jose signs them, official clients show them.
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { FLAVOURS, textOf } from './lib/clients.mjs';
import { Gateway } from './lib/gateway.mjs';
import { AUDIENCE, Issuer } from './lib/issuer.mjs';
import { Database, environment } from './lib/postgres.mjs';
import { run, temporaryFolder } from './lib/process.mjs';
import * as upstreams from './lib/upstreams.mjs';

const POLICY = `
@id("pipelines-of-the-app")
permit (principal, action, resource) when { principal.pipeline.contains("acme/app") };

@id("deletes-need-people") @review("reviewers")
forbid (principal, action == Action::"delete", resource);
`;

let issuer, database, gateway, folder, place, rita, octocat;
before(async () => {
  issuer = await Issuer.start();
  database = await Database.start('identity-data');
  place = await temporaryFolder('identity-files');
  folder = path.join(place.folder, 'files');
  await mkdir(folder);
  await writeFile(path.join(folder, 'hello.txt'), 'hello\n');
  const { host, port, user, password, database: inside } = database.direct;
  gateway = await Gateway.start({
    name: 'identity',
    policy: POLICY,
    postgres: {},
    issuers: [{ name: 'ci', issuer: issuer.url, audience: AUDIENCE, kind: 'github', person_claim: 'actor' }],
    resources: [
      { name: 'shop', protocol: 'postgres', upstream: { host, port, user, password, database: inside } },
      {
        name: 'files', upstream: { command: upstreams.filesystem(folder) },
        tools: [{ match: 'read_*', effects: [{ verb: 'read', object: '{path}' }] }],
      },
    ],
  });
  rita = await gateway.reviewer('rita');
  octocat = await gateway.reviewer('octocat');
  await add('nightly');
}, { timeout: 60_000 });
after(async () => {
  await gateway?.stop();
  await Promise.all([database?.stop(), place?.remove(), issuer?.stop()]);
});

async function add(name) {
  await gateway.invite('olga');
  const said = await gateway.command(
    'agents', 'add', name, '--owner', 'olga', '--issuer', 'ci', '--claim', 'repository=acme/app', '--claim', 'ref=refs/heads/main',
  );
  assert.equal(said, '', 'there is no token to print');
}

const psql = (token, statement) => run(path.join(database.bin, 'psql'), ['-X', '-A', '-t', '-c', statement], {
  env: environment({ host: '127.0.0.1', port: gateway.ports.postgres, user: 'nightly', password: token, database: 'shop' }),
});

const read = async (flavour, token) => {
  const client = await flavour.open({ url: gateway.url('files'), token });
  try {
    return textOf(await client.call('read_text_file', { path: path.join(folder, 'hello.txt') }));
  } finally {
    await client.close();
  }
};

/** Neither an MCP client nor psql gets in with this token. */
async function refused(token, why) {
  await assert.rejects(read(FLAVOURS[2], token), why);
  const asked = await fetch(gateway.url('files'), { method: 'POST', headers: { Authorization: `Bearer ${token}` }, body: '{}' });
  assert.equal(asked.status, 401, why);
  const done = await psql(token, 'SELECT 1');
  assert.notEqual(done.code, 0, why);
  assert.match(done.stderr, /password authentication failed/, why);
}

describe('a workflow with the token of its run', () => {
  for (const flavour of FLAVOURS) {
    it(`reads through MCP (${flavour.name})`, async () => {
      assert.equal(await read(flavour, await issuer.token()), 'hello\n');
    });
  }

  it('is held in psql, with its run and who started it before the eyes of people', async () => {
    await database.sql("INSERT INTO kept SELECT 'of-a-run' FROM generate_series(1, 3)");
    assert.equal((await psql(await issuer.token(), 'SELECT count(*) FROM kept')).stdout, '3\n');
    const deleting = psql(await issuer.token(), "DELETE FROM kept WHERE mark = 'of-a-run'");
    const review = await rita.pending('of-a-run');
    const said = JSON.stringify(review);
    for (const link of ['acme/app', 'run 1658 of nightly', 'octocat', 'olga']) assert.ok(said.includes(`"${link}"`), `${link} in ${said}`);
    const own = await octocat.vote(review, 'approve');
    assert.equal(own.status, 403);
    assert.equal(own.body.code, 'forbidden_requester', 'who started the run does not approve what it does');
    await rita.approve(review);
    const done = await deleting;
    assert.equal(done.code, 0, done.stderr);
    assert.equal(done.stdout, 'DELETE 3\n');
  });

  it('gets in with a long token', async () => {
    const token = await issuer.token({ groups: 'x'.repeat(5000) });
    assert.ok(token.length > 7000);
    assert.equal((await psql(token, 'SELECT 1')).stdout, '1\n');
    assert.equal(await read(FLAVOURS[0], token), 'hello\n');
  });
});

describe('nobody gets in', () => {
  it('with a token for another branch, repository or audience, or without a signature', async () => {
    await refused(await issuer.token({ ref: 'refs/heads/else' }), 'another branch');
    await refused(await issuer.token({ repository: 'acme/app2' }), 'another repository');
    await refused(await issuer.token({}, 'https://other.example'), 'another audience');
    const [, claims] = (await issuer.token()).split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: issuer.header.kid })).toString('base64url');
    await refused(`${none}.${claims}.`, 'no signature');
  });

  it('with a stranger’s signature', async () => {
    const stranger = await Issuer.start();
    try {
      stranger.url = issuer.url;
      stranger.header.kid = issuer.header.kid;
      await refused(await stranger.token(), 'another key of the same name');
    } finally {
      stranger.stop();
    }
  });

  it('once the agent is revoked, though its token lives on', async () => {
    const token = await issuer.token();
    assert.equal(await read(FLAVOURS[3], token), 'hello\n');
    await gateway.command('agents', 'revoke', 'nightly');
    await refused(token, 'revoked');
    await add('nightly');
    assert.equal(await read(FLAVOURS[3], token), 'hello\n');
  });
});

it('goes on through a restart of the gateway and a new key of another kind', async () => {
  await issuer.rotate('ES256');
  await gateway.restart();
  assert.equal((await psql(await issuer.token(), 'SELECT 1')).stdout, '1\n');
  const list = await gateway.command('agents', 'list');
  assert.match(list, /nightly .* ci repository=acme\/app ref=refs\/heads\/main .* works/);
});
