// Does a risky call of an official client wait for people, run once they agree, and never otherwise?
import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { FLAVOURS, textOf } from './lib/clients.mjs';
import { until } from './lib/process.mjs';
import { world } from './lib/world.mjs';

let here;
before(async () => { here = await world('held'); });
after(() => here?.stop());

const exists = (file) => access(file).then(() => true, () => false);
/** The stable code of an answer of the gateway's own. */
const codeOf = (result) => result._meta?.['countersign/details']?.code;
const ID = /rev_[0-9A-Za-z-]+/;
let counter = 0;
/** A path that no other test uses; also the mark by which its review is found. */
const fresh = () => here.file(`note-${counter += 1}.txt`);

async function connected(flavour, resource, script) {
  const peer = await flavour.open(here.through(resource));
  try {
    return await script(peer);
  } finally {
    await peer.close();
  }
}

const write = (peer, path, options) => peer.call('write_file', { path, content: `written to ${path}` }, options);

/** A write on the resource with the short hold: not executed, and which review it waits for. */
async function ticket(peer, path) {
  const result = await write(peer, path);
  assert.equal(codeOf(result), 'pending');
  assert.match(textOf(result), /not executed/i);
  assert.equal(await exists(path), false);
  const id = textOf(result).match(ID)?.[0];
  assert.ok(id, `no review id in: ${textOf(result)}`);
  return { id, result };
}

for (const flavour of FLAVOURS) {
  describe(flavour.name, () => {
    it('waits, and the same call returns the real result after approval', () => connected(flavour, 'files', async (peer) => {
      const path = fresh();
      const call = write(peer, path);
      const review = await here.reviewer.pending(path);
      assert.equal(await exists(path), false);
      await here.reviewer.approve(review);
      const through = await call;
      assert.equal(await readFile(path, 'utf8'), `written to ${path}`);
      const direct = await flavour.open(here.direct.files);
      assert.equal(JSON.stringify(through), JSON.stringify(await write(direct, path)));
      await direct.close();
      await here.reviewer.state(review.id, 'executed');
    }));

    it('is told of a denial with its reason, and nothing was executed', () => connected(flavour, 'files', async (peer) => {
      const path = fresh();
      const call = write(peer, path);
      await here.reviewer.deny(await here.reviewer.pending(path), 'use the staging folder');
      const result = await call;
      assert.equal(result.isError, true);
      assert.equal(codeOf(result), 'denied_by_reviewer');
      assert.match(textOf(result), /use the staging folder/);
      assert.match(textOf(result), /not executed/i);
      assert.equal(await exists(path), false);
    }));

    it('gets a ticket when the hold is over; after approval the identical call runs exactly once', () => connected(flavour, 'files-short', async (peer) => {
      const path = fresh();
      await writeFile(path, 'x');
      const grow = () => peer.call('edit_file', { path, edits: [{ oldText: 'x', newText: 'xy' }] });
      const first = await grow();
      assert.match(textOf(first), /not executed/i);
      const id = textOf(first).match(ID)[0];
      assert.ok(textOf(first).includes(`${here.gateway.people}/`), 'the ticket carries the link for people');
      assert.equal(textOf(await grow()).match(ID)[0], id, 'an identical call attaches to the open review');
      await here.reviewer.approve(await here.reviewer.review(id));
      assert.equal(await readFile(path, 'utf8'), 'x');
      const second = await grow();
      assert.notEqual(second.isError, true);
      assert.equal(await readFile(path, 'utf8'), 'xy');
      const third = await grow();
      assert.notEqual(textOf(third).match(ID)?.[0], id, 'a used approval opens nothing again');
      assert.equal(await readFile(path, 'utf8'), 'xy');
    }));

    it('one of many identical calls at once runs after approval', () => connected(flavour, 'files', async (peer) => {
      const path = fresh();
      await writeFile(path, 'x');
      const calls = Array.from({ length: 5 }, () => peer.call('edit_file', { path, edits: [{ oldText: 'x', newText: 'xy' }] }));
      const review = await here.reviewer.pending(path);
      assert.equal((await here.reviewer.reviews()).filter(({ id }) => id === review.id).length, 1);
      await here.reviewer.approve(review);
      await here.reviewer.state(review.id, 'executed');
      assert.equal(await readFile(path, 'utf8'), 'xy');
      const results = await Promise.allSettled(calls.map((call) => Promise.race([
        call, new Promise((_, fail) => setTimeout(fail, 10_000, new Error('no answer')).unref()),
      ])));
      assert.ok(results.some(({ value }) => value && value.isError !== true && /\+xy/.test(textOf(value))), JSON.stringify(results));
      assert.equal(await readFile(path, 'utf8'), 'xy');
    }));

    it('can wait for the decision with approval_wait and then ask with approval_status', () => connected(flavour, 'files-short', async (peer) => {
      const path = fresh();
      const { id } = await ticket(peer, path);
      const waiting = peer.call('approval_wait', { id, wait_seconds: 20 });
      await here.reviewer.approve(await here.reviewer.review(id));
      assert.match(textOf(await waiting), /approved/i);
      assert.match(textOf(await peer.call('approval_status', { id })), /approved/i);
      assert.equal(await exists(path), false, 'approval alone runs nothing');
      assert.notEqual((await write(peer, path)).isError, true);
      assert.equal(await exists(path), true);
    }));

    it('can take its question back with approval_cancel', () => connected(flavour, 'files-short', async (peer) => {
      const path = fresh();
      const { id } = await ticket(peer, path);
      const seen = await here.reviewer.review(id);
      await peer.call('approval_cancel', { id });
      await here.reviewer.state(id, 'cancelled');
      const vote = await here.reviewer.vote(seen, 'approve');
      assert.ok(vote.status >= 400, `a vote on a cancelled review: ${vote.status}`);
      assert.equal(await exists(path), false);
    }));

    it('that gives up its call runs nothing, while the review stays for the next identical call', () => connected(flavour, 'files', async (peer) => {
      const path = fresh();
      const stop = new AbortController();
      const call = write(peer, path, { signal: stop.signal });
      const review = await here.reviewer.pending(path);
      stop.abort();
      await assert.rejects(call);
      // The cancel is on its way on another request: the next answer on this session shows that it has arrived.
      await peer.call('approval_status', { id: review.id });
      await here.reviewer.approve(await here.reviewer.review(review.id));
      await here.reviewer.state(review.id, 'approved');
      assert.equal(await exists(path), false);
      assert.notEqual((await write(peer, path)).isError, true);
      assert.equal(await exists(path), true);
      await here.reviewer.state(review.id, 'executed');
    }));

    it('hears progress while held and so outlives its own time-out', () => connected(flavour, 'files', async (peer) => {
      const path = fresh();
      const steps = [];
      const call = write(peer, path, { timeout: 12_000, resetTimeoutOnProgress: true, onprogress: (step) => steps.push(step) });
      const review = await here.reviewer.pending(path);
      await until('a sign of life', () => steps.length > 0, { seconds: 14 });
      await here.reviewer.approve(review);
      assert.notEqual((await call).isError, true);
      assert.equal(await exists(path), true);
    }));

    it('cannot look at, wait for or take back the review of another agent', async () => {
      const other = await here.gateway.agent(`other-${counter += 1}`, 'oscar');
      const path = fresh();
      const id = await connected(flavour, 'files-short', async (peer) => (await ticket(peer, path)).id);
      const peer = await flavour.open(here.through('files-short', other));
      try {
        for (const helper of ['approval_status', 'approval_wait', 'approval_cancel']) {
          const result = await peer.call(helper, { id, ...(helper === 'approval_wait' && { wait_seconds: 1 }) });
          assert.equal(result.isError, true, helper);
          assert.ok(!textOf(result).includes(path), helper);
        }
      } finally {
        await peer.close();
      }
      assert.equal((await here.reviewer.review(id)).state, 'pending');
    });
  });
}

describe('client 2.4 at 2026-07-28, without sessions', () => {
  const flavour = FLAVOURS.find(({ era }) => era === '2026-07-28');
  let mark = 0;
  /** A held call of its own: the metadata differs, which people see and the server ignores. */
  const call = (peer, options) => {
    const note = `note-2026-${mark += 1}`;
    return { note, answer: peer.call('test_simple_text', { note }, options) };
  };

  it('waits, and the same call returns the real result after approval', () => connected(flavour, 'modern', async (peer) => {
    assert.equal(peer.version, '2026-07-28');
    const { note, answer } = call(peer);
    await here.reviewer.approve(await here.reviewer.pending(note));
    const through = await answer;
    const direct = await flavour.open(here.direct.newest);
    assert.equal(JSON.stringify(through), JSON.stringify(await direct.call('test_simple_text', { note })));
    await direct.close();
  }));

  it('is told of a denial with its reason', () => connected(flavour, 'modern', async (peer) => {
    const { note, answer } = call(peer);
    await here.reviewer.deny(await here.reviewer.pending(note), 'not today');
    const result = await answer;
    assert.equal(result.isError, true);
    assert.match(textOf(result), /not executed.*not today/is);
  }));

  it('that closes its stream cancels the call and not the review', () => connected(flavour, 'modern', async (peer) => {
    const stop = new AbortController();
    const { note, answer } = call(peer, { signal: stop.signal });
    const review = await here.reviewer.pending(note);
    stop.abort();
    await assert.rejects(answer);
    await peer.call('approval_status', { id: review.id });
    await here.reviewer.approve(await here.reviewer.review(review.id));
    await here.reviewer.state(review.id, 'approved');
    assert.notEqual((await peer.call('test_simple_text', { note })).isError, true);
    await here.reviewer.state(review.id, 'executed');
  }));

  it('gets a ticket when the hold is over, and claims with the identical call', () => connected(flavour, 'modern-short', async (peer) => {
    const { note, answer } = call(peer);
    const id = textOf(await answer).match(ID)?.[0];
    assert.ok(id);
    const waiting = peer.call('approval_wait', { id, wait_seconds: 20 });
    await here.reviewer.approve(await here.reviewer.review(id));
    assert.match(textOf(await waiting), /approved/i);
    assert.notEqual((await peer.call('test_simple_text', { note })).isError, true);
    await here.reviewer.state(id, 'executed');
  }));
});

describe('what was shown', () => {
  const [flavour] = FLAVOURS;

  it('is voted on by digest and version, or not at all', () => connected(flavour, 'files-short', async (peer) => {
    const path = fresh();
    const { id } = await ticket(peer, path);
    const review = await here.reviewer.review(id);
    const digest = `${review.digest.slice(0, -1)}${review.digest.endsWith('0') ? '1' : '0'}`;
    const changed = await here.reviewer.vote({ ...review, digest }, 'approve');
    assert.ok(changed.status >= 400 && changed.status < 500, `${changed.status}`);
    const stale = await here.reviewer.vote({ ...review, version: review.version + 1 }, 'approve');
    assert.ok(stale.status >= 400 && stale.status < 500, `${stale.status}`);
    assert.equal((await here.reviewer.review(id)).state, 'pending');
  }));

  it('stays decidable after kill -9, and the client that comes back finds its answer', () => connected(flavour, 'files-short', async (peer) => {
    const path = fresh();
    const { id } = await ticket(peer, path);
    await here.gateway.restart('SIGKILL');
    await here.reviewer.approve(await here.reviewer.review(id));
    await connected(flavour, 'files-short', async (again) => {
      assert.notEqual((await write(again, path)).isError, true);
    });
    assert.equal(await readFile(path, 'utf8'), `written to ${path}`);
    await here.reviewer.state(id, 'executed');
  }));
});
