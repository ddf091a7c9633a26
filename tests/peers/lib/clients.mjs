// How do the official TypeScript SDK clients talk, directly and through the gateway, with one face for tests?
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';

const INFO = { name: 'countersign-peers', version: '1.0.0' };
const CAPABILITIES = { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } };

/** What the client answers when a server asks it; the same every time, so that results can be compared. */
const ANSWERS = {
  'sampling/createMessage': () => ({
    role: 'assistant', model: 'peers-model', stopReason: 'endTurn', content: { type: 'text', text: 'four lines of poetry' },
  }),
  'elicitation/create': () => ({ action: 'accept', content: { name: 'Ada', check: true } }),
  'roots/list': () => ({ roots: [{ uri: 'file:///peers', name: 'peers' }] }),
};

/** Every flavour of official TypeScript client. `era` is what it speaks to a server that speaks everything. */
export const FLAVOURS = [
  { name: 'sdk 1.32, 2025-11-25', era: '2025-11-25', open: (to) => openV1(to) },
  { name: 'sdk 1.32, 2025-06-18', era: '2025-06-18', open: (to) => openV1(to, '2025-06-18') },
  { name: 'client 2.4, legacy', era: '2025-11-25', open: (to) => openV2(to, 'legacy') },
  { name: 'client 2.4, auto', era: '2026-07-28', open: (to) => openV2(to, 'auto') },
];

/** Keeps every message of a transport, so that a test can look at what was really said. */
function tap(transport, oldest) {
  const heard = [];
  const { send } = transport;
  transport.send = (message, options) => {
    if (oldest && message.method === 'initialize') message.params.protocolVersion = oldest;
    return send.call(transport, message, options);
  };
  let deliver;
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    get: () => deliver && ((message, extra) => { heard.push(message); return deliver(message, extra); }),
    set: (inner) => { deliver = inner; },
  });
  return heard;
}

async function openV1({ url, token, stdio }, oldest) {
  const client = new ClientV1(INFO, { capabilities: CAPABILITIES });
  client.setRequestHandler(CreateMessageRequestSchema, ANSWERS['sampling/createMessage']);
  client.setRequestHandler(ElicitRequestSchema, ANSWERS['elicitation/create']);
  client.setRequestHandler(ListRootsRequestSchema, ANSWERS['roots/list']);
  const transport = stdio
    ? new StdioV1({ command: stdio[0], args: stdio.slice(1), stderr: 'ignore' })
    : new HttpV1(new URL(url), { requestInit: { headers: headers(token) } });
  const heard = tap(transport, oldest);
  await client.connect(transport);
  return face(client, heard, oldest ?? '2025-11-25', (params, options) => client.callTool(params, undefined, options),
    () => leave(transport));
}

async function openV2({ url, token, stdio }, mode) {
  const client = new ClientV2(INFO, { capabilities: CAPABILITIES, versionNegotiation: { mode } });
  for (const [method, answer] of Object.entries(ANSWERS)) client.setRequestHandler(method, answer);
  const transport = stdio
    ? new StdioV2({ command: stdio[0], args: stdio.slice(1), stderr: 'ignore' })
    : new HttpV2(new URL(url), { requestInit: { headers: headers(token) } });
  const heard = tap(transport);
  await client.connect(transport);
  return face(client, heard, client.getNegotiatedProtocolVersion(), (params, options) => client.callTool(params, options),
    () => leave(transport));
}

/** Ends the session, or the server at once: some keep timers and would let the client wait for its grace time. */
async function leave(transport) {
  if (transport.pid) process.kill(transport.pid);
  else if (transport.sessionId) await transport.terminateSession().catch(() => {});
}

const headers = (token) => (token ? { Authorization: `Bearer ${token}` } : {});

function face(client, heard, version, callTool, end) {
  return {
    client,
    heard,
    version,
    call: (name, args, options) => callTool({ name, arguments: args }, options),
    notifications: (method) => heard.filter((message) => message.method === method),
    close: async () => { await end(); await client.close(); },
  };
}

/** The text of a tool's result. */
export const textOf = (result) => (result.content ?? []).filter(({ type }) => type === 'text').map(({ text }) => text).join('\n');
