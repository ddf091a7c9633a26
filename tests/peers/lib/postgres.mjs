// What does the PostgreSQL test world look like: a real server, two gateways before it, rules, people, an agent?
import { access, chown, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Gateway } from './gateway.mjs';
import { Program, freePort, run, temporaryFolder } from './process.mjs';

const PASSWORD = 'known to the gateway only';

/** In `open` everything passes, so that nothing but the gateway's being there can make a difference. */
const POLICY = `
@id("all")
permit (principal, action, resource);

@id("no-schema-changes")
forbid (principal, action == Action::"schema", resource in Env::"prod");

@id("deletes-need-people") @review("reviewers") @reason("deletes can't be undone")
forbid (principal, action == Action::"delete", resource in Env::"prod");
`;

/** What the suites work on. `kept` is what risky statements are about; the rest is filled anew before each script. */
const SCHEMA = `
CREATE TYPE mood AS ENUM ('calm', 'cross');
CREATE TYPE place AS (street text, number integer);
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE TABLE orders (id serial PRIMARY KEY, customer text NOT NULL UNIQUE, total numeric(10, 2) NOT NULL DEFAULT 0,
  mood mood, home place, tags text[], placed timestamptz DEFAULT '2026-03-01 12:00+00');
CREATE TABLE lines (id serial PRIMARY KEY, order_id integer NOT NULL REFERENCES orders, amount positive);
CREATE TABLE kept (mark text NOT NULL);
CREATE FUNCTION noisy(what text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE 'heard: %', what USING HINT = 'a hint', DETAIL = 'a detail';
  RAISE WARNING 'loud: %', what;
  RETURN upper(what);
END $$;
`;

/** Brings the tables of the scripts back to where they began, with the numbers that they had. */
export const FILL = `
TRUNCATE orders, lines RESTART IDENTITY;
INSERT INTO orders (customer, total, mood, home, tags)
  SELECT 'customer ' || n, n * 1.5, CASE n % 2 WHEN 0 THEN 'calm'::mood ELSE 'cross' END,
    ROW('Ünter den Linden', n)::place, ARRAY['t' || n, NULL, 'a "quoted", one']
  FROM generate_series(1, 50) AS n;
INSERT INTO lines (order_id, amount) SELECT 1 + n % 50, n FROM generate_series(1, 100) AS n;
`;

/** The folder of PostgreSQL's programs: the newest that is installed, as Debian lays them out, or what is in the path. */
async function programs() {
  const all = '/usr/lib/postgresql';
  const versions = await readdir(all).catch(() => []);
  for (const version of versions.map(Number).filter(Boolean).sort((a, b) => b - a)) {
    const folder = path.join(all, String(version), 'bin');
    if (await access(path.join(folder, 'initdb')).then(() => true, () => false)) return folder;
  }
  const found = await run('sh', ['-c', 'dirname "$(command -v initdb)"']);
  if (found.code === 0) return found.stdout.trim();
  throw new Error('no PostgreSQL server found: install the packages postgresql and postgresql-contrib');
}

/** A PostgreSQL server in its own folder and on its own port. It ends with this process, however that ends. */
export class Database {
  static async start(name) {
    const database = new Database();
    const place = await temporaryFolder(name);
    Object.assign(database, { bin: await programs(), folder: place.folder, removeFolder: place.remove, port: await freePort() });
    await database.launch().catch(async (error) => { await database.stop(); throw error; });
    return database;
  }

  async launch() {
    const data = path.join(this.folder, 'data');
    const secret = path.join(this.folder, 'password');
    await writeFile(secret, PASSWORD);
    // The server refuses to run as root.
    const drop = process.getuid() === 0 ? ['--reuid', 'postgres', '--regid', 'postgres', '--init-groups'] : [];
    if (drop.length > 0) await this.giveTo('postgres', this.folder, secret);
    const options = { cwd: this.folder };
    const made = await run('setpriv', [
      ...drop, '--', path.join(this.bin, 'initdb'), '-D', data, '-U', 'postgres', '-E', 'UTF8', '--locale=C.UTF-8',
      '--no-sync', '--auth=scram-sha-256', `--pwfile=${secret}`,
    ], options);
    if (made.code !== 0) throw new Error(`initdb ended with ${made.code}:\n${made.stdout}${made.stderr}`);
    const settings = {
      port: this.port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', max_connections: 60,
      shared_buffers: '32MB', autovacuum: 'off', timezone: 'Europe/Oslo', log_timezone: 'UTC',
    };
    const flags = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    this.program = new Program('setpriv', [
      '--pdeathsig', 'INT', ...drop, '--', path.join(this.bin, 'postgres'), '-D', data, ...flags,
    ], options);
    await this.program.ready('PostgreSQL', async () => (await this.psql(['-c', 'SELECT 1'], 'postgres')).code === 0);
    await this.sql('CREATE DATABASE shop', 'postgres');
    await this.sql(SCHEMA);
  }

  async giveTo(user, ...files) {
    const id = async (flag) => Number((await run('id', [flag, user])).stdout);
    const [uid, gid] = [await id('-u'), await id('-g')];
    for (const file of files) await chown(file, uid, gid);
  }

  /** How to connect without the gateway. */
  get direct() {
    return { host: '127.0.0.1', port: this.port, user: 'postgres', password: PASSWORD, database: 'shop' };
  }

  psql(args, database) {
    const at = { ...this.direct, ...(database && { database }) };
    return run(path.join(this.bin, 'psql'), ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...args], { env: environment(at) });
  }

  /** Runs statements directly and returns what they print. */
  async sql(text, database) {
    const done = await this.psql(['-c', text], database);
    if (done.code !== 0) throw new Error(`psql ended with ${done.code}:\n${done.stderr}`);
    return done.stdout.trim();
  }

  fill() {
    return this.sql(FILL);
  }

  async stop() {
    // A fast shutdown: clients are sent away, and shared memory is given back.
    await this.program?.stop('SIGINT');
    await this.removeFolder();
  }
}

/** What makes libpq's programs connect there. */
export function environment({ host, port, user, password, database }, more = {}) {
  return {
    ...process.env, PGHOST: host, PGPORT: String(port), PGUSER: user, PGPASSWORD: password, PGDATABASE: database,
    PGCONNECT_TIMEOUT: '10', PGPASSFILE: '/dev/null', PGSERVICEFILE: '/dev/null', LC_ALL: 'C.UTF-8', ...more,
  };
}

/** A certificate for 127.0.0.1 that vouches for itself. */
async function certificate(folder) {
  const files = { certificate: path.join(folder, 'server.crt'), key: path.join(folder, 'server.key') };
  const made = await run('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-keyout', files.key, '-out', files.certificate,
  ]);
  if (made.code !== 0) throw new Error(`openssl ended with ${made.code}:\n${made.stderr}`);
  return files;
}

/**
 * One server and two gateways before it, the second with a certificate. Resources: `open`, where everything passes;
 * `prod`, where deletes wait for people and schema changes are forbidden; `prod-short`, the same with a short patience;
 * `gone`, whose server is not there.
 */
export async function postgresWorld(name) {
  const database = await Database.start(`${name}-data`);
  const place = await temporaryFolder(`${name}-tls`);
  const gateways = [];
  const stop = async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await Promise.all([database.stop(), place.remove()]);
  };
  try {
    const tls = await certificate(place.folder);
    const { host, port, user, password, database: inside } = database.direct;
    const upstream = { host, port, user, password, database: inside };
    const resource = (called, env, more) => ({ name: called, protocol: 'postgres', labels: { env }, upstream, ...more });
    const resources = [
      resource('open', 'dev'),
      resource('prod', 'prod', { hold_seconds: 30 }),
      resource('prod-short', 'prod', { hold_seconds: 1 }),
      resource('gone', 'dev', { upstream: { ...upstream, port: await freePort() } }),
    ];
    const gateway = await Gateway.start({ name, policy: POLICY, resources, postgres: {} });
    gateways.push(gateway);
    const sealed = await Gateway.start({ name: `${name}-sealed`, policy: POLICY, resources, postgres: tls });
    gateways.push(sealed);
    const token = await gateway.agent('bot');
    const sealedToken = await sealed.agent('bot');
    const reviewer = await gateway.reviewer('rita');
    const at = (port, secret) => ({ host: '127.0.0.1', port, user: 'bot', password: secret });
    return {
      database, gateway, reviewer, stop, direct: database.direct, roots: tls.certificate,
      through: (resource) => ({ ...at(gateway.ports.postgres, token), database: resource }),
      sealed: (resource) => ({ ...at(sealed.ports.postgres, sealedToken), database: resource }),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
