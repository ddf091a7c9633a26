// How is a real program started, awaited and ended by a test, without leaving anything behind?
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The folder of this package. */
export const PEERS = path.resolve(import.meta.dirname, '..');
/** The repository's root. */
export const ROOT = path.resolve(PEERS, '../..');
/** A file of an installed npm package. */
export const installed = (...parts) => path.join(PEERS, 'node_modules', ...parts);

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** A fresh folder and the function that removes it. */
export async function temporaryFolder(name) {
  const folder = await mkdtemp(path.join(tmpdir(), `countersign-${name}-`));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Waits until `condition` gives something truthy and returns that; says what was awaited when it never comes. */
export async function until(what, condition, { seconds = 20, log = () => '' } = {}) {
  const end = Date.now() + seconds * 1000;
  let failure;
  while (Date.now() < end) {
    try {
      const found = await condition();
      if (found) return found;
      failure = undefined;
    } catch (error) {
      failure = error;
      if (error.fatal) throw error;
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  const tail = log();
  throw new Error(`waited ${seconds} s for ${what}${failure ? `: ${failure.message}` : ''}${tail && `\n${tail}`}`, { cause: failure });
}

/** Runs a program to its end. */
export async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const chunks = { stdout: [], stderr: [] };
  child.stdout.on('data', (chunk) => chunks.stdout.push(chunk));
  child.stderr.on('data', (chunk) => chunks.stderr.push(chunk));
  const code = await new Promise((done, fail) => child.once('error', fail).once('close', done));
  return { code, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() };
}

/** A long-running program with its output at hand. */
export class Program {
  constructor(command, args, options = {}) {
    this.output = '';
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    const keep = (chunk) => { this.output = (this.output + chunk).slice(-20_000); };
    this.child.stdout.on('data', keep);
    this.child.stderr.on('data', keep);
    this.ended = new Promise((done) => {
      this.child.once('error', (error) => { keep(`${error.message}\n`); done(error); });
      this.child.once('close', done);
    });
  }

  /** Waits until `ready` holds; fails at once when the program ends first. */
  async ready(what, ready, seconds = 30) {
    let over = false;
    this.ended.then(() => { over = true; });
    await until(what, async () => {
      if (over) throw Object.assign(new Error(`the program ended:\n${this.output}`), { fatal: true });
      return ready();
    }, { seconds, log: () => this.output });
    return this;
  }

  async stop(signal = 'SIGTERM') {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      const gone = await Promise.race([
        this.ended.then(() => true),
        new Promise((done) => setTimeout(done, 5000, false).unref()),
      ]);
      if (!gone) this.child.kill('SIGKILL');
    }
    await this.ended;
  }
}

/** Whether something answers HTTP there, whatever it says. */
export async function answers(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
  await response.body?.cancel();
  return true;
}

/** Whether something takes connections on that port. */
export async function accepts(port) {
  const socket = connect(port, '127.0.0.1');
  await new Promise((done, fail) => socket.once('connect', done).once('error', fail)).finally(() => socket.destroy());
  return true;
}
