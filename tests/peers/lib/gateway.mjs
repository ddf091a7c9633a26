// How is a real gateway started for a suite: own folder, own ports, own agent, own reviewers?
import { access, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Program, ROOT, accepts, answers, freePort, run, temporaryFolder, until } from './process.mjs';

export const BINARY = process.env.COUNTERSIGN ?? path.join(ROOT, 'target', 'debug', 'countersign');

const text = (value) => JSON.stringify(value);
const inline = (table) => `{ ${Object.entries(table).map(([key, value]) => `${key} = ${toml(value)}`).join(', ')} }`;
const toml = (value) => {
  if (Array.isArray(value)) return `[${value.map(toml).join(', ')}]`;
  return typeof value === 'object' ? inline(value) : text(value);
};

function configuration(ports, { resources, postgres, issuers = [], witnesses = [] }) {
  const lines = [
    'state = "state"',
    '[agents]', `listen = "127.0.0.1:${ports.agents}"`,
    '[people]', `listen = "127.0.0.1:${ports.people}"`, `public_url = "http://localhost:${ports.people}"`,
    '[policy]', 'files = ["policy.cedar"]',
    '[limits]', 'pending_per_agent = 1000',
    ...(postgres ? ['[postgres]', `listen = "127.0.0.1:${ports.postgres}"`] : []),
    ...Object.entries(postgres ?? {}).map(([key, value]) => `${key} = ${toml(value)}`),
  ];
  for (const issuer of issuers) {
    lines.push('', '[[issuers]]', ...Object.entries(issuer).map(([key, value]) => `${key} = ${toml(value)}`));
  }
  for (const witness of witnesses) {
    lines.push('', '[[ledger.witnesses]]', ...Object.entries(witness).map(([key, value]) => `${key} = ${toml(value)}`));
  }
  for (const { tools = [], ...resource } of resources) {
    lines.push('', '[[resources]]', ...Object.entries(resource).map(([key, value]) => `${key} = ${toml(value)}`));
    for (const tool of tools) {
      lines.push('[[resources.tools]]', ...Object.entries(tool).map(([key, value]) => `${key} = ${toml(value)}`));
    }
  }
  return `${lines.join('\n')}\n`;
}

/** A person who may look and vote, over the JSON API. */
export class Reviewer {
  constructor(name, url, token) {
    Object.assign(this, { name, url, token });
  }

  /** One request; `{ status, headers, body }`, with the body parsed when it is JSON. */
  async api(method, route, body, headers = {}) {
    const response = await fetch(`${this.url}/api/v1${route}`, {
      method,
      headers: {
        Authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const raw = await response.text();
    const json = /\bjson\b/.test(response.headers.get('content-type') ?? '');
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(raw) : raw };
  }

  async expect(status, method, route, body) {
    const answer = await this.api(method, route, body);
    if (answer.status !== status) {
      throw new Error(`${method} ${route}: wanted ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    return answer.body;
  }

  review(id) {
    return this.expect(200, 'GET', `/reviews/${id}`);
  }

  async reviews(state = 'pending') {
    return (await this.expect(200, 'GET', `/reviews?state=${state}&limit=200`)).items;
  }

  /** Waits for the open review whose text contains `mark`. */
  pending(mark) {
    return until(`a pending review about ${mark}`, async () => {
      for (const { id } of await this.reviews()) {
        const review = await this.review(id);
        if (JSON.stringify(review).includes(mark)) return review;
      }
      return undefined;
    });
  }

  state(id, wanted) {
    return until(`review ${id} to be ${wanted}`, async () => {
      const review = await this.review(id);
      return review.state === wanted && review;
    });
  }

  /** Votes on what `review` shows. */
  vote(review, answer, reason = `${answer} by ${this.name}`) {
    const { id, digest, version } = review;
    return this.api('POST', `/reviews/${id}/votes`, { answer, reason, digest, version });
  }

  async approve(review, reason) {
    return this.decided(await this.vote(review, 'approve', reason));
  }

  async deny(review, reason) {
    return this.decided(await this.vote(review, 'deny', reason));
  }

  decided(answer) {
    if (answer.status >= 300) throw new Error(`vote refused: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

/** A running gateway. */
export class Gateway {
  /** `postgres` has the keys of `[postgres]` beside `listen`; without it nothing listens for PostgreSQL's clients. */
  static async start({ resources, policy, postgres, issuers, witnesses, name = 'suite' }) {
    await access(BINARY).catch(() => { throw new Error(`no gateway at ${BINARY}: build it, or name it in COUNTERSIGN`); });
    const gateway = new Gateway();
    const place = await temporaryFolder(name);
    gateway.folder = place.folder;
    gateway.removeFolder = place.remove;
    gateway.ports = { agents: await freePort(), people: await freePort() };
    if (postgres) gateway.ports.postgres = await freePort();
    gateway.people = `http://localhost:${gateway.ports.people}`;
    await mkdir(path.join(gateway.folder, 'state'), { recursive: true });
    await writeFile(path.join(gateway.folder, 'policy.cedar'), policy);
    await writeFile(path.join(gateway.folder, 'countersign.toml'), configuration(gateway.ports, { resources, postgres, issuers, witnesses }));
    await gateway.serve().catch(async (error) => { await gateway.stop(); throw error; });
    return gateway;
  }

  async serve() {
    this.program = new Program(BINARY, ['serve', '--config', 'countersign.toml'], {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1' },
    });
    await this.program.ready('the people listener', () => answers(`${this.people}/`));
    await this.program.ready('the agent listener', () => answers(`http://127.0.0.1:${this.ports.agents}/`));
    if (this.ports.postgres) await this.program.ready('the PostgreSQL listener', () => accepts(this.ports.postgres));
  }

  /** Ends the process with `signal` and starts it again on the same folder. */
  async restart(signal = 'SIGKILL') {
    await this.program.stop(signal);
    await this.serve();
  }

  /** Runs a subcommand against this gateway's configuration; fails loudly. */
  async command(...args) {
    const done = await run(BINARY, [...args, '--config', 'countersign.toml'], { cwd: this.folder });
    if (done.code !== 0) throw new Error(`countersign ${args.join(' ')} ended with ${done.code}:\n${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** Where agents reach a resource. */
  url(resource) {
    return `http://127.0.0.1:${this.ports.agents}/mcp/${resource}`;
  }

  /** A new agent's token. The owner becomes a person of no group. */
  async agent(name, owner = 'olga') {
    await this.invite(owner);
    return (await this.command('agents', 'add', name, '--owner', owner)).trim();
  }

  /** A one-time link for a new person. */
  async invite(name, ...groups) {
    return (await this.command('people', 'invite', name, ...groups.flatMap((group) => ['--group', group]))).trim();
  }

  /** A reviewer with an API session. */
  async reviewer(name, group = 'reviewers') {
    const invitation = (await this.invite(name, group)).split('/enter/')[1];
    const response = await fetch(`${this.people}/api/v1/session`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ invitation }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`no session for ${name}: ${response.status} ${body}`);
    return new Reviewer(name, this.people, JSON.parse(body).token);
  }

  async stop() {
    await this.program.stop();
    if (process.env.KEEP_FOLDERS) console.error(`kept ${this.folder}`);
    else await this.removeFolder();
  }
}
