// The PostgreSQL test world as a program, for suites in other languages: prints one line of JSON when it is up and
// lives until its standard input ends.
import { FILL, postgresWorld } from './postgres.mjs';

const here = await postgresWorld(process.argv[2] ?? 'served-postgres');
const names = ['open', 'prod', 'prod-short', 'gone'];
const each = (connect) => Object.fromEntries(names.map((name) => [name, connect(name)]));
console.log(JSON.stringify({
  direct: here.direct, through: each(here.through), sealed: each(here.sealed), roots: here.roots,
  people: here.gateway.people, reviewer: here.reviewer.token, fill: FILL,
}));
process.stdin.resume();
process.stdin.once('end', async () => { await here.stop(); process.exit(0); });
