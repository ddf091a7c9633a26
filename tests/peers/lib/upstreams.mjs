// Which real MCP servers stand behind the gateway, and how are they started?
import { Program, answers, freePort, installed, PEERS } from './process.mjs';
import path from 'node:path';

const FILESYSTEM = installed('@modelcontextprotocol', 'server-filesystem', 'dist', 'index.js');
const EVERYTHING = installed('@modelcontextprotocol', 'server-everything', 'dist', 'index.js');
const MODERN = path.join(PEERS, 'lib', 'modern-server.mjs');

/** Commands for upstreams that speak over stdio. */
export const filesystem = (folder) => [process.execPath, FILESYSTEM, folder];
export const everything = () => [process.execPath, EVERYTHING, 'stdio'];

async function http(name, args, environment = {}) {
  const port = await freePort();
  const program = new Program(process.execPath, args, { env: { ...process.env, ...environment, PORT: String(port) } });
  const url = `http://127.0.0.1:${port}/mcp`;
  await program.ready(`${name} on port ${port}`, () => answers(url));
  return { url, stop: () => program.stop(), log: () => program.output };
}

/** server-everything over Streamable HTTP (speaks 2025-11-25 and older). */
export const everythingHttp = () => http('server-everything', [EVERYTHING, 'streamableHttp']);
/** A server on the official SDK that speaks 2026-07-28 and older versions. */
export const modernHttp = () => http('the modern server', [MODERN]);
