// The standard test world as a program, for suites in other languages: prints one line of JSON when it is up and
// lives until its standard input ends.
import { world } from './world.mjs';

const here = await world(process.argv[2] ?? 'served');
const { gateway, token, reviewer, folder, direct } = here;
const resources = Object.keys(direct).concat('files-short');
console.log(JSON.stringify({
  folder, token, direct,
  agents: Object.fromEntries(resources.map((name) => [name, gateway.url(name)])),
  people: gateway.people,
  reviewer: reviewer.token,
  sessions: await Promise.all(['ruth', 'roy'].map(async (name) => (await gateway.reviewer(name)).token)),
}));
process.stdin.resume();
process.stdin.once('end', async () => { await here.stop(); process.exit(0); });
