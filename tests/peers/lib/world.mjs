// What does the standard test world look like: resources, rules, people, agents?
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { FLAVOURS } from './clients.mjs';
import { Gateway } from './gateway.mjs';
import { temporaryFolder } from './process.mjs';
import * as upstreams from './upstreams.mjs';

/**
 * Reading passes, changing waits for people, moving (an export here) is never allowed, demo servers may do all.
 * server-filesystem marks its writing tools as destructive; the gateway counts that as `delete` beside `write`.
 */
export const POLICY = `
@id("all")
permit (principal, action, resource);

@id("never-export")
forbid (principal, action == Action::"export", resource in Env::"prod");

@id("changes-need-people") @review("reviewers") @expires("15m")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Env::"prod");

@id("brief") @review("reviewers") @expires("30s")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Env::"brief");

@id("two-people") @review("reviewers") @quorum("2")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Env::"dual");

@id("with-passkey") @review("reviewers") @assurance("passkey")
forbid (principal, action in [Action::"write", Action::"delete"], resource in Env::"strong");
`;

const FILE_TOOLS = [
  { match: 'read_*', effects: [{ verb: 'read', object: '{path}' }] },
  { match: 'list_*', effects: [{ verb: 'read', object: '{path}' }] },
  { match: 'get_file_info', effects: [{ verb: 'read', object: '{path}' }] },
  { match: 'write_file', effects: [{ verb: 'write', object: '{path}' }] },
  { match: 'edit_file', effects: [{ verb: 'write', object: '{path}' }] },
  { match: 'move_file', effects: [{ verb: 'export', object: 'what is moved' }, { verb: 'delete', object: '{source}' }] },
];
const EVERY_TOOL = [{ match: '*', effects: [{ verb: 'read', object: 'demo' }] }];

const files = (name, folder, hold_seconds, env = 'prod') => ({
  name, protocol: 'mcp', labels: { env }, hold_seconds, upstream: { command: upstreams.filesystem(folder) }, tools: FILE_TOOLS,
});
const demo = (name, upstream) => ({ name, protocol: 'mcp', labels: { env: 'dev' }, upstream, tools: EVERY_TOOL });
const modern = (name, url, hold_seconds) => ({
  name, protocol: 'mcp', labels: { env: 'prod' }, hold_seconds, upstream: { url },
  tools: [{ match: 'test_simple_text', effects: [{ verb: 'write', object: 'text' }] }],
});

/**
 * One gateway before real upstreams, one agent, one reviewer. `hold_seconds` is that of `files`; `policy` comes after the
 * usual one, and `witnesses` cosign the ledger.
 */
export async function world(name, { hold_seconds = 30, policy = '', witnesses = [] } = {}) {
  const place = await temporaryFolder(`${name}-files`);
  const folder = path.join(place.folder, 'files');
  await mkdir(folder);
  await writeFile(path.join(folder, 'hello.txt'), 'héllo, wörld\n');
  const [everything, newest] = await Promise.all([upstreams.everythingHttp(), upstreams.modernHttp()]);
  const leave = () => Promise.all([everything.stop(), newest.stop(), place.remove()]);
  const gateway = await Gateway.start({
    name,
    policy: POLICY + policy,
    witnesses,
    resources: [
      files('files', folder, hold_seconds),
      files('files-short', folder, 1),
      files('files-brief', folder, 60, 'brief'),
      files('files-dual', folder, hold_seconds, 'dual'),
      files('files-strong', folder, hold_seconds, 'strong'),
      demo('everything', { command: upstreams.everything() }),
      demo('everything-http', { url: everything.url }),
      demo('newest', { url: newest.url }),
      modern('modern', newest.url, hold_seconds),
      modern('modern-short', newest.url, 1),
    ],
  }).catch(async (error) => { await leave(); throw error; });
  const token = await gateway.agent('peer-agent', 'olga');
  const reviewer = await gateway.reviewer('rita');
  return {
    gateway, token, reviewer, folder,
    direct: {
      files: { stdio: upstreams.filesystem(folder) },
      everything: { stdio: upstreams.everything() },
      'everything-http': { url: everything.url },
      newest: { url: newest.url },
    },
    through: (resource, bearer = token) => ({ url: gateway.url(resource), token: bearer }),
    file: (...parts) => path.join(folder, ...parts),
    /** The agent writes a file, the reviewer approves it for this reason, and it is done. */
    async approvedWrite(name, content, reason) {
      const peer = await FLAVOURS[0].open({ url: gateway.url('files'), token });
      const file = path.join(folder, name);
      const call = peer.call('write_file', { path: file, content });
      const review = await reviewer.pending(file);
      await reviewer.approve(review, reason);
      await call;
      await peer.close();
      await reviewer.state(review.id, 'executed');
    },
    async stop() {
      await gateway.stop();
      await leave();
    },
  };
}
