// Does the demo tell its whole story by itself, as the README promises?
import assert from 'node:assert/strict';
import path from 'node:path';
import { it } from 'node:test';
import { BINARY } from './lib/gateway.mjs';
import { run, temporaryFolder } from './lib/process.mjs';

it('the demo plays every step within a minute, twice in the same folder', async () => {
  const place = await temporaryFolder('demo');
  try {
    for (const time of ['first', 'second']) {
      const began = Date.now();
      const done = await run(BINARY, ['demo', '--play-reviewer', '--folder', path.join(place.folder, 'demo')]);
      assert.equal(done.code, 0, `${time} time:\n${done.stdout}${done.stderr}`);
      assert.ok(Date.now() - began < 60_000, `the ${time} time took ${Date.now() - began} ms`);
    }
  } finally {
    await place.remove();
  }
});
