// Do official clients get from an official server, through the gateway, exactly what they get directly?
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { FLAVOURS, textOf } from './lib/clients.mjs';
import { until } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const HELPERS = ['approval_cancel', 'approval_status', 'approval_wait'];
let here;
before(async () => { here = await world('passing'); });
after(() => here?.stop());

/** Runs `script` with one client directly and with another through the gateway and gives both results. */
async function both(flavour, resource, script) {
  const results = [];
  for (const to of [here.direct[resource], here.through(resource)]) {
    const peer = await flavour.open(to);
    try {
      results.push(await script(peer));
    } finally {
      await peer.close();
    }
  }
  return results;
}

/** Demands equality to the byte, order of keys included. */
async function same(flavour, resource, script) {
  const [direct, through] = await both(flavour, resource, script);
  assert.equal(JSON.stringify(through, null, 1), JSON.stringify(direct, null, 1));
  return through;
}

const withoutHelpers = (tools) => tools.filter(({ name }) => !HELPERS.includes(name));

for (const flavour of FLAVOURS) {
  describe(flavour.name, () => {
    it('speaks the same protocol version as directly', async () => {
      for (const resource of ['files', 'everything', 'everything-http', 'newest']) {
        const [direct, through] = await both(flavour, resource, async (peer) => peer.version);
        assert.equal(through, direct, resource);
        if (resource === 'newest') assert.equal(through, flavour.era);
      }
    });

    it('sees the tools of the server, the three helpers, and no tool that is never allowed', async () => {
      const [direct, through] = await both(flavour, 'files', async ({ client }) => (await client.listTools()).tools);
      // At 2025-11-25 the gateway makes tasks of calls where the server doesn't.
      const version = await both(flavour, 'files', async (peer) => peer.version);
      if (version[1] === '2025-11-25') for (const tool of direct) tool.execution.taskSupport = 'optional';
      const names = through.map(({ name }) => name);
      assert.deepEqual(names.filter((name) => HELPERS.includes(name)).sort(), HELPERS);
      assert.ok(!names.includes('move_file'));
      assert.equal(
        JSON.stringify(withoutHelpers(through)),
        JSON.stringify(direct.filter(({ name }) => name !== 'move_file')),
      );
    });

    it('gets equal results of allowed calls', async () => {
      const arguments_ = [
        ['read_text_file', { path: here.file('hello.txt') }],
        ['list_directory', { path: here.folder }],
        ['read_text_file', { path: here.file('missing.txt') }],
        ['read_text_file', { path: '/etc/passwd' }],
        ['read_text_file', {}],
      ];
      for (const [name, args] of arguments_) {
        await same(flavour, 'files', (peer) => peer.call(name, args).catch((error) => ({ code: error.code, text: error.message })));
      }
    });

    it('is refused a call that is never allowed, with a code, and nothing runs', async () => {
      const peer = await flavour.open(here.through('files'));
      const source = here.file(`stay-${flavour.name}.txt`);
      await writeFile(source, 'stay');
      const result = await peer.call('move_file', { source, destination: `${source}.moved` });
      await peer.close();
      assert.equal(result.isError, true);
      assert.equal(result._meta['countersign/details'].code, 'forbidden');
      assert.match(textOf(result), /not executed/i);
      assert.equal(await readFile(source, 'utf8'), 'stay');
    });

    for (const resource of ['everything', 'everything-http']) {
      it(`gets equal content of every kind from ${resource}`, async () => {
        await same(flavour, resource, async ({ client, call }) => [
          await call('echo', { message: 'ünïcödé \u202e and "quotes"' }),
          await call('get-sum', { a: 0.1, b: 0.2 }),
          await call('get-tiny-image', {}),
          await call('get-annotated-message', { messageType: 'error', includeImage: true }),
          await call('get-structured-content', { location: 'Chicago' }),
          await call('get-resource-links', { count: 3 }),
          await call('no-such-tool', {}).catch((error) => ({ code: error.code })),
          await client.listPrompts(),
          await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Oslo' } }),
          await client.complete({ ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } }),
          await client.listResources(),
          await client.listResourceTemplates(),
          await client.readResource({ uri: 'demo://resource/static/document/features.md' }),
          await client.readResource({ uri: 'demo://no/such/resource' }).catch((error) => ({ code: error.code, text: error.message })),
        ]);
      });

      it(`answers what the server of ${resource} asks in the middle of a call`, async () => {
        await same(flavour, resource, async (peer) => {
          // The server registers these tools and asks for roots after the handshake, when it has seen the client.
          await until('the tools for this client', async () => (await peer.client.listTools()).tools
            .some(({ name }) => name === 'trigger-sampling-request'));
          return [
            await peer.call('trigger-sampling-request', { prompt: 'a poem', maxTokens: 20 }),
            await peer.call('trigger-elicitation-request', {}),
            await until('roots', async () => {
              const result = await peer.call('get-roots-list', {});
              return textOf(result).includes('file:///peers') && result;
            }),
          ];
        });
      });

      it(`hears progress, log messages and changes from ${resource}`, async () => {
        const peer = await flavour.open(here.through(resource));
        try {
          const steps = [];
          await peer.call('trigger-long-running-operation', { duration: 0.6, steps: 3 }, { onprogress: (step) => steps.push(step) });
          await until('three steps', () => peer.notifications('notifications/progress').length === 3);
          assert.deepEqual(peer.notifications('notifications/progress').map(({ params }) => params.progress), [1, 2, 3]);
          assert.ok(steps.length >= 2, 'the client took them as progress of its own call');

          await peer.client.setLoggingLevel('debug');
          await peer.call('toggle-simulated-logging', {});
          await until('a log message', () => peer.notifications('notifications/message').length > 0);

          const uri = 'demo://resource/dynamic/text/1';
          await peer.client.subscribeResource({ uri });
          await peer.call('toggle-subscriber-updates', {});
          await until('an update', () => peer.notifications('notifications/resources/updated').some(({ params }) => params.uri === uri));
        } finally {
          await peer.close();
        }
      });
    }
  });
}

describe('tasks of 2025-11-25', () => {
  for (const resource of ['everything', 'everything-http']) {
    it(`are made, followed and finished through the gateway as directly: ${resource}`, async () => {
      await same(FLAVOURS[0], resource, async ({ client }) => {
        await until('the task tool', async () => (await client.listTools()).tools.some(({ name }) => name === 'simulate-research-query'));
        const call = { name: 'simulate-research-query', arguments: { topic: 'locks' } };
        const told = [];
        for await (const message of client.experimental.tasks.callToolStream(call, undefined, { task: { ttl: 60_000 } })) {
          told.push(message.type === 'result' ? message : { type: message.type, status: message.task?.status });
        }
        assert.deepEqual([told[0].type, told.at(-1).type], ['taskCreated', 'result']);
        return told.at(-1).result.content; // beside it stands the id of the task, new each time
      });
    });
  }
});

describe('a client without a valid token', () => {
  for (const [name, token] of [['none', undefined], ['a wrong one', 'cs_wrong_token_that_nobody_ever_made_0000']]) {
    it(`learns nothing but 401 with ${name}`, async () => {
      const response = await fetch(here.gateway.url('files'), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream', ...(token && { Authorization: `Bearer ${token}` }) },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }),
      });
      assert.equal(response.status, 401);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.doesNotMatch(await response.text(), /files|write_file|expired|revoked|unknown agent/i);
    });
  }

  for (const flavour of FLAVOURS) {
    it(`does not connect (${flavour.name})`, async () => {
      await assert.rejects(async () => flavour.open({ url: here.gateway.url('files'), token: 'wrong' }));
    });
  }
});
