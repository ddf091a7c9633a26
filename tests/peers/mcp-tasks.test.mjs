// Does a held call of an official client go on as an MCP task: at once, by itself after approval, through restarts?
import assert from 'node:assert/strict';
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { CallToolResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { FLAVOURS, textOf } from './lib/clients.mjs';
import { Gateway } from './lib/gateway.mjs';
import { temporaryFolder, until } from './lib/process.mjs';
import * as upstreams from './lib/upstreams.mjs';

const POLICY = `
@id("all")
permit (principal, action, resource);

@id("changes-need-people") @review("reviewers") @expires("15m")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Env::"prod");
`;
const EXTENSION = 'io.modelcontextprotocol/tasks';
const DISPOSITION = 'io.modelcontextprotocol/tool-approval-disposition';
const RELATED = 'io.modelcontextprotocol/related-task';
const SDK = FLAVOURS.find(({ name }) => name === 'sdk 1.32, 2025-11-25');
const OLDER = FLAVOURS.find(({ name }) => name === 'sdk 1.32, 2025-06-18');

let gateway, reviewer, token, place, modern;
let counter = 0;
const file = (name) => path.join(place.folder, 'files', name);
const fresh = () => file(`task-${counter += 1}.txt`);
const exists = (name) => access(name).then(() => true, () => false);
const at = (resource, bearer = token) => ({ url: gateway.url(resource), token: bearer });

before(async () => {
  place = await temporaryFolder('tasks-files');
  await mkdir(file(''));
  modern = await upstreams.modernHttp();
  const resource = (name, upstream, env, match, verb) => ({
    name, protocol: 'mcp', labels: { env }, hold_seconds: 1, upstream,
    tools: [{ match, effects: [{ verb, object: 'test' }] }],
  });
  gateway = await Gateway.start({
    name: 'tasks',
    policy: POLICY,
    resources: [
      {
        ...resource('files', { command: upstreams.filesystem(file('')) }, 'prod', 'read_*', 'read'),
        tools: [
          { match: 'read_*', effects: [{ verb: 'read', object: '{path}' }] },
          { match: 'list_*', effects: [{ verb: 'read', object: '{path}' }] },
          { match: '{write,edit}_file', effects: [{ verb: 'write', object: '{path}' }] },
        ],
      },
      resource('everything', { command: upstreams.everything() }, 'dev', '*', 'read'),
      resource('everything-held', { command: upstreams.everything() }, 'prod', '*', 'write'),
      resource('modern', { url: modern.url }, 'prod', '*', 'write'),
      resource('modern-free', { url: modern.url }, 'dev', '*', 'write'),
    ],
  });
  token = await gateway.agent('peer-agent', 'olga');
  reviewer = await gateway.reviewer('rita');
});
after(async () => {
  await gateway?.stop();
  await modern?.stop();
  await place?.remove();
});

async function connected(resource, script, bearer) {
  const peer = await SDK.open(at(resource, bearer));
  try {
    return await script(peer, peer.client.experimental.tasks);
  } finally {
    await peer.close();
  }
}

const call = (name, args) => ({ name, arguments: args });
const write = (name) => call('write_file', { path: name, content: `written to ${name}` });

/** Sends the call as a task and gives the task; what comes after stays to be asked for. */
async function created(tasks, params) {
  const stream = tasks.callToolStream(params, CallToolResultSchema, { task: { ttl: 60_000 } });
  const { value } = await stream.next();
  await stream.return();
  assert.equal(value.type, 'taskCreated', JSON.stringify(value));
  return value.task;
}

describe('sdk 1.32 at 2025-11-25', () => {
  it('is offered tasks, for every tool of the upstream; a client of 2025-06-18 is not', async () => {
    await connected('files', async ({ client }) => {
      const { tasks } = client.getServerCapabilities();
      assert.deepEqual(tasks, { list: {}, cancel: {}, requests: { tools: { call: {} } } });
      const { tools } = await client.listTools();
      const supports = new Map(tools.map(({ name, execution }) => [name, execution?.taskSupport]));
      assert.equal(supports.get('write_file'), 'optional');
      assert.equal(supports.get('approval_wait'), undefined);
    });
    const older = await OLDER.open(at('files'));
    assert.equal(older.client.getServerCapabilities().tasks, undefined);
    const { tools } = await older.client.listTools();
    assert.ok(tools.every(({ execution }) => execution?.taskSupport !== 'optional'));
    await older.close();
  });

  it('gets a task at once and, once people agree, the result at the end of the stream', () => connected('files', async (_, tasks) => {
    const name = fresh();
    const began = Date.now();
    const kinds = [];
    let result;
    for await (const message of tasks.callToolStream(write(name), CallToolResultSchema, { task: { ttl: 60_000 } })) {
      kinds.push(message.type);
      if (message.type === 'taskCreated') {
        assert.ok(Date.now() - began < 2000, 'the answer does not wait for people');
        assert.equal(message.task.status, 'working');
        assert.match(message.task.statusMessage, /not executed: waiting for approval .*\/reviews\/rev_/);
        const review = await reviewer.review(message.task.taskId);
        assert.equal(review.state, 'pending');
        assert.equal(await exists(name), false);
        await reviewer.approve(review);
        await reviewer.state(review.id, 'executed');
      }
      if (message.type === 'result') result = message.result;
      assert.notEqual(message.type, 'error', JSON.stringify(message.error));
    }
    assert.equal(kinds[0], 'taskCreated');
    assert.match(textOf(result), /Successfully wrote/);
    assert.ok(result._meta[RELATED].taskId.startsWith('rev_'));
    assert.equal(await readFile(name, 'utf8'), `written to ${name}`);
  }));

  it('waits for the result in one request', () => connected('files', async (_, tasks) => {
    const name = fresh();
    const { taskId } = await created(tasks, write(name));
    const waiting = tasks.getTaskResult(taskId, CallToolResultSchema);
    await reviewer.approve(await reviewer.review(taskId));
    assert.match(textOf(await waiting), /Successfully wrote/);
    assert.equal((await tasks.getTask(taskId)).status, 'completed');
    assert.ok((await tasks.listTasks()).tasks.some((task) => task.taskId === taskId && task.status === 'completed'));
  }));

  it('is told of a denial with its reason, and nothing was executed', () => connected('files', async (_, tasks) => {
    const name = fresh();
    const { taskId } = await created(tasks, write(name));
    await reviewer.deny(await reviewer.review(taskId), 'use the staging folder');
    const task = await tasks.getTask(taskId);
    assert.equal(task.status, 'failed');
    assert.match(task.statusMessage, /not executed: rita denied it: use the staging folder/);
    const result = await tasks.getTaskResult(taskId, CallToolResultSchema);
    assert.equal(result.isError, true);
    assert.equal(result._meta[DISPOSITION], 'denied-not-executed');
    assert.equal(await exists(name), false);
  }));

  it('may leave: the call runs once people agree, exactly once, and its result waits', async () => {
    const name = fresh();
    await writeFile(name, 'x');
    const edit = call('edit_file', { path: name, edits: [{ oldText: 'x', newText: 'xy' }] });
    const { taskId } = await connected('files', (_, tasks) => created(tasks, edit));
    await reviewer.approve(await reviewer.review(taskId));
    await reviewer.state(taskId, 'executed');
    assert.equal(await readFile(name, 'utf8'), 'xy');
    await connected('files', async (peer, tasks) => {
      assert.match(textOf(await peer.call(edit.name, edit.arguments)), /\+xy/, 'the plain call finds the answer as well');
      assert.match(textOf(await tasks.getTaskResult(taskId, CallToolResultSchema)), /\+xy/);
    });
    assert.equal(await readFile(name, 'utf8'), 'xy');
  });

  it('loses nothing by kill -9: the task runs when it is asked for after the approval', async () => {
    const name = fresh();
    const { taskId } = await connected('files', (_, tasks) => created(tasks, write(name)));
    await gateway.restart('SIGKILL');
    await reviewer.approve(await reviewer.review(taskId));
    assert.equal(await exists(name), false);
    await connected('files', async (_, tasks) => {
      assert.match(textOf(await tasks.getTaskResult(taskId, CallToolResultSchema)), /Successfully wrote/);
    });
    assert.equal(await readFile(name, 'utf8'), `written to ${name}`);
  });

  it('can cancel its task, which people are no longer asked about', () => connected('files', async (_, tasks) => {
    const name = fresh();
    const { taskId } = await created(tasks, write(name));
    const seen = await reviewer.review(taskId);
    assert.equal((await tasks.cancelTask(taskId)).status, 'cancelled');
    assert.ok((await reviewer.vote(seen, 'approve')).status >= 400);
    await assert.rejects(tasks.cancelTask(taskId), ({ code }) => code === -32602);
    assert.equal((await tasks.getTask(taskId)).status, 'cancelled');
    assert.equal(await exists(name), false);
  }));

  it('cannot reach the task of another agent', async () => {
    const other = await gateway.agent('other-agent', 'oscar');
    const { taskId } = await connected('files', (_, tasks) => created(tasks, write(fresh())));
    await connected('files', async (_, tasks) => {
      const refused = ({ code }) => code === -32602;
      await assert.rejects(tasks.getTask(taskId), refused);
      await assert.rejects(tasks.getTaskResult(taskId, CallToolResultSchema), refused);
      await assert.rejects(tasks.cancelTask(taskId), refused);
      assert.deepEqual((await tasks.listTasks()).tasks, []);
    }, other);
    assert.equal((await reviewer.review(taskId)).state, 'pending');
  });

  it('gets a task for what policy allows as well, from an upstream that makes none', () => connected('files', async (peer, tasks) => {
    const name = fresh();
    await writeFile(name, 'héllo');
    const { taskId } = await created(tasks, call('read_text_file', { path: name }));
    const result = await tasks.getTaskResult(taskId, CallToolResultSchema);
    const { _meta, ...rest } = result;
    assert.deepEqual(_meta, { [RELATED]: { taskId } });
    assert.deepEqual(rest, await peer.call('read_text_file', { path: name }));
  }));
});

describe('an upstream that makes tasks itself', () => {
  const research = call('simulate-research-query', { topic: 'approval', ambiguous: false });

  it('makes them for what policy allows', () => connected('everything', async (_, tasks) => {
    const task = await created(tasks, research);
    assert.ok(!task.taskId.startsWith('rev_') && !task.taskId.startsWith('tsk_'), task.taskId);
    assert.match(textOf(await tasks.getTaskResult(task.taskId, CallToolResultSchema)), /approval/);
    assert.ok((await tasks.listTasks()).tasks.some(({ taskId }) => taskId === task.taskId));
  }));

  it('is followed to the end for a call that people approved, with nobody connected', async () => {
    const { taskId } = await connected('everything-held', (_, tasks) => created(tasks, research));
    await reviewer.approve(await reviewer.review(taskId));
    await reviewer.state(taskId, 'executed');
    await connected('everything-held', async (_, tasks) => {
      const result = await tasks.getTaskResult(taskId, CallToolResultSchema);
      assert.match(textOf(result), /approval/);
      assert.deepEqual(result._meta[RELATED], { taskId });
    });
  });
});

describe('client 2.4 at 2026-07-28', () => {
  // This SDK speaks of tasks as a custom extension: it sends `tasks/…`, and shows a task handle only as an error.
  const Task = z.looseObject({ taskId: z.string(), status: z.string() });
  const headers = () => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } });
  let mark = 0;
  const greet = () => call('test_simple_text', { note: `task-2026-${mark += 1}` });

  async function extended(resource, script, declares = true) {
    const capabilities = declares ? { extensions: { [EXTENSION]: {} } } : {};
    const client = new ClientV2({ name: 'peers', version: '1.0.0' }, { capabilities, versionNegotiation: { mode: 'auto' } });
    const transport = new HttpV2(new URL(gateway.url(resource)), headers());
    const heard = [];
    await client.connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => { heard.push(message); return onmessage(message, extra); };
    const get = (taskId) => client.request({ method: 'tasks/get', params: { taskId } }, Task);
    const cancel = (taskId) => client.request({ method: 'tasks/cancel', params: { taskId } }, z.looseObject({}));
    const task = async (params) => {
      await assert.rejects(client.callTool(params), ({ data }) => data?.resultType === 'task');
      return heard.map(({ result }) => result).find((result) => result?.resultType === 'task');
    };
    try {
      assert.equal(client.getNegotiatedProtocolVersion(), '2026-07-28');
      return await script({ client, get, cancel, task });
    } finally {
      await client.close();
    }
  }

  it('is offered the extension', () => extended('modern', async ({ client }) => {
    assert.deepEqual(client.getServerCapabilities().extensions, { [EXTENSION]: {} });
  }));

  it('that declares it gets a task, and the result with the state of the task', () => extended('modern', async ({ get, task }) => {
    const made = await task(greet());
    assert.equal(made.status, 'working');
    assert.ok(made.taskId.startsWith('rev_') && made.pollIntervalMs > 0 && made.ttlMs > 0, JSON.stringify(made));
    assert.equal((await get(made.taskId)).status, 'working');
    await reviewer.approve(await reviewer.review(made.taskId));
    const done = await until('the task to end', async () => {
      const state = await get(made.taskId);
      return state.status === 'completed' && state;
    });
    assert.equal(textOf(done.result), 'Good evening.');
    await reviewer.state(made.taskId, 'executed');
  }));

  it('is told of a denial as a failure, and may cancel', () => extended('modern', async ({ get, cancel, task }) => {
    const denied = await task(greet());
    await reviewer.deny(await reviewer.review(denied.taskId), 'not today');
    const state = await get(denied.taskId);
    assert.equal(state.status, 'failed');
    assert.match(state.error.message, /not executed: rita denied it: not today/);
  }));

  it('may cancel while people are asked', () => extended('modern', async ({ get, cancel, task }) => {
    const { taskId } = await task(greet());
    await cancel(taskId);
    assert.equal((await get(taskId)).status, 'cancelled');
    assert.equal((await reviewer.review(taskId)).state, 'cancelled');
  }));

  it('is simply answered where policy allows', () => extended('modern-free', async ({ client }) => {
    assert.equal(textOf(await client.callTool(greet())), 'Good evening.');
  }));

  it('that does not declare it gets none and may not ask for one', async () => {
    const made = await extended('modern', ({ task }) => task(greet()));
    await extended('modern', async ({ client, get }) => {
      const result = await client.callTool(greet());
      assert.equal(result._meta['countersign/details'].code, 'pending');
      await assert.rejects(get(made.taskId), ({ code }) => code === -32021);
    }, false);
  });
});
