// What do clients of 2026-07-28 talk to? A small server of ours on the official SDK; it speaks older versions as well.
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';

function greeter() {
  const server = new McpServer({ name: 'greeter', version: '1.0.0' });
  server.registerTool(
    'test_simple_text',
    { description: 'Greets; whatever else it is given is ignored' },
    () => ({ content: [{ type: 'text', text: 'Good evening.' }] }),
  );
  return server;
}

createServer(toNodeHandler(createMcpHandler(greeter))).listen(Number(process.env.PORT), '127.0.0.1');
