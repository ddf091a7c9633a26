// Does a receipt that is checked in a browser get the verdict of `countersign verify`, whatever is done to it, and does
// the audit page show what the ledger holds?
//
// Receipts are those of a real gateway: allowed, denied, approved by one and by two people. Every value in them is
// changed in turn, and both verifiers are asked. Then a person does the same in Chromium.
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startBrowser, flow, Visitor } from './lib/browser.mjs';
import { FLAVOURS } from './lib/clients.mjs';
import { BINARY } from './lib/gateway.mjs';
import { ROOT, installed, run, temporaryFolder } from './lib/process.mjs';
import { world } from './lib/world.mjs';

const { verify } = await import(path.join(ROOT, 'crates/countersign-console/src/assets/receipt.js'));

const AXE = await readFile(installed('axe-core', 'axe.min.js'), 'utf8');
const HOSTILE = '"><script>document.title="owned"</script>\u202e<img src=x onerror=alert(1)>';

let here;
let place;
let browser;
let vkey;
/** What each receipt is about, to its text. */
const receipts = {};
/** The same, to the action's id. */
const actions = {};
before(async () => {
  place = await temporaryFolder('audit');
  here = await world('audit');
  const [bob, carol] = [await here.gateway.reviewer('bob'), await here.gateway.reviewer('carol')];
  const receipt = async (name, id) => {
    actions[name] = id;
    receipts[name] = JSON.stringify(await here.reviewer.expect(200, 'GET', `/actions/${id}/receipt`));
  };
  const peers = { files: await FLAVOURS[0].open(here.through('files')), dual: await FLAVOURS[0].open(here.through('files-dual')) };
  const ask = (peer, content) => {
    const file = here.file(`audit-${Object.keys(receipts).length}.txt`);
    const call = peer.call('write_file', { path: file, content });
    call.catch(() => {});
    return here.reviewer.pending(file).then((review) => ({ review, call }));
  };
  const one = await ask(peers.files, HOSTILE);
  await here.reviewer.approve(one.review, `wanted ${HOSTILE}`);
  await one.call;
  await here.reviewer.state(one.review.id, 'executed');
  await receipt('approved by one', one.review.action.id);
  const two = await ask(peers.dual, 'by two');
  await bob.approve(two.review);
  await carol.approve(await carol.review(two.review.id));
  await two.call;
  await here.reviewer.state(two.review.id, 'executed');
  await receipt('approved by two', two.review.action.id);
  const no = await ask(peers.files, 'denied');
  await here.reviewer.deny(no.review, 'not today');
  await no.call;
  await receipt('denied by a person', no.review.action.id);
  await peers.files.call('read_text_file', { path: here.file('hello.txt') });
  await peers.files.call('move_file', { source: here.file('hello.txt'), destination: here.file('gone.txt') }).catch(() => {});
  const { items } = await here.reviewer.expect(200, 'GET', '/actions?limit=200');
  const of = (word) => items.find(({ decision, operation }) => decision === word && /read_text_file|move_file/.test(operation)).id;
  await receipt('allowed by policy', of('allow'));
  await receipt('denied by policy', of('deny'));
  for (const peer of Object.values(peers)) await peer.close();
  vkey = (await here.gateway.command('ledger', 'key')).trim();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await here?.stop();
  await place?.remove();
});

/** `holds`, `entry 12 content_mismatch`, or `unreadable`: the verdict of our own program. */
async function theirs(text, key = vkey, ...more) {
  const file = path.join(place.folder, `receipt-${Math.random()}.json`);
  await writeFile(file, text);
  const done = await run(BINARY, ['verify', file, ...key.split('\n').flatMap((one) => ['--key', one]), ...more]);
  if (done.code === 0) return 'holds';
  const [, where, code] = /does not hold: (receipt|checkpoint|entry \d+): (\w+): /.exec(done.stderr) ?? [];
  return code ? `${where} ${code}` : 'unreadable';
}

/** The verdict of the module that browsers load. */
async function ours(text, key = vkey) {
  const { verdict, place: where, code } = await verify(Buffer.from(text), key);
  return verdict === 'fails' ? `${where} ${code}` : verdict;
}

/** Asks both about each, a few at a time, and wants one answer. */
async function agree(changes, keyOf = () => vkey) {
  const seen = {};
  const queue = Object.entries(changes);
  const worker = async () => {
    for (let next = queue.pop(); next; next = queue.pop()) {
      const [what, text] = next;
      const [rust, module] = [await theirs(text, keyOf(what)), await ours(text, keyOf(what))];
      assert.equal(module, rust, what);
      seen[what] = module;
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  return seen;
}

/** Every leaf value of a JSON document, with a function that gives the document with another in its place. */
function values(document, at = []) {
  if (document === null || typeof document !== 'object') {
    return [[at, (other) => at.slice().reverse().reduce((inner, key) => ({ key, inner }), { value: other })]];
  }
  return Object.entries(document).flatMap(([key, inner]) => values(inner, [...at, Array.isArray(document) ? Number(key) : key]));
}

function put(document, at, value) {
  const copy = structuredClone(document);
  const last = at.at(-1);
  const holder = at.slice(0, -1).reduce((inner, key) => inner[key], copy);
  if (value === undefined) {
    if (Array.isArray(holder)) holder.splice(last, 1);
    else delete holder[last];
  } else holder[last] = value;
  return JSON.stringify(copy);
}

/** One character in the middle, another of its kind. */
function flipped(text) {
  const at = Math.floor(text.length / 2);
  const other = /[0-8a-eA-Y]/.test(text[at]) ? String.fromCharCode(text.charCodeAt(at) + 1) : text[at] === 'x' ? 'y' : 'x';
  return text.slice(0, at) + other + text.slice(at + 1);
}

describe('the module that browsers load', () => {
  it('lets every receipt of the gateway hold, and says what it proves', async () => {
    for (const [name, text] of Object.entries(receipts)) {
      const verdict = await verify(Buffer.from(text), vkey);
      assert.equal(verdict.verdict, 'holds', `${name}: ${verdict.told}`);
      assert.equal(await theirs(text), 'holds', name);
      const done = await run(BINARY, ['verify', await kept(text), '--key', vkey]);
      assert.ok(done.stdout.includes(verdict.told), `${name}: ${verdict.told} is not in ${done.stdout}`);
      for (const line of verdict.unproved) assert.ok(done.stdout.includes(line), line);
      for (const entry of verdict.entries) {
        assert.equal(entry.hash, createHash('sha256').update(Buffer.concat([Buffer.of(0), Buffer.from(entry.text)])).digest('hex'));
      }
    }
    const told = (await verify(Buffer.from(receipts['approved by two']), vkey)).told;
    assert.equal(told, 'approved by 2 of 2 people, released, executed');
  });

  it('agrees with `countersign verify` on every value that is changed or left out', async () => {
    const changes = {};
    for (const [name, text] of Object.entries(receipts)) {
      const document = JSON.parse(text);
      for (const [at] of values(document)) {
        const value = at.reduce((inner, key) => inner[key], document);
        const where = `${name} ${at.join('.')}`;
        if (typeof value === 'string') {
          changes[`${where} flipped`] = put(document, at, flipped(value));
          changes[`${where} emptied`] = put(document, at, '');
        } else {
          changes[`${where} more`] = put(document, at, value + 1);
          changes[`${where} negative`] = put(document, at, -1);
        }
        changes[`${where} missing`] = put(document, at, undefined);
      }
    }
    const seen = await agree(changes);
    const words = Object.values(seen);
    assert.ok(words.length > 150, `${words.length} changes`);
    assert.deepEqual(Object.entries(seen).filter(([, verdict]) => verdict === 'holds'), [], 'nothing that is changed holds');
    for (const code of ['checkpoint_untrusted', 'not_included', 'other_case', 'content_mismatch', 'payload_mismatch']) {
      assert.ok(words.some((word) => word.endsWith(code)), `no change led to ${code}`);
    }
  });

  it('agrees on entries that are left out, doubled, exchanged, cut off or withheld', async () => {
    const changes = {};
    for (const [name, text] of Object.entries(receipts)) {
      const document = JSON.parse(text);
      const { entries } = document;
      const of = (list) => JSON.stringify({ ...document, entries: list });
      entries.forEach((entry, at) => {
        changes[`${name} without ${at}${at === entries.length - 1 ? ', a beginning' : ''}`] = of(entries.filter((_, index) => index !== at));
        changes[`${name} with ${at} twice`] = of(entries.flatMap((one, index) => (index === at ? [one, one] : [one])));
        changes[`${name} up to ${at}, a beginning`] = of(entries.slice(0, at));
        changes[`${name} from ${at}${at ? '' : ', a beginning'}`] = of(entries.slice(at));
        changes[`${name} with ${at} at the end${at === entries.length - 1 ? ', as it is' : ''}`] = of([...entries.filter((_, index) => index !== at), entry]);
        changes[`${name} with ${at} closed`] = of(entries.map((one, index) => (index === at ? { ...one, content: undefined, payload: undefined } : one)));
        changes[`${name} with ${at} bare of proof`] = of(entries.map((one, index) => (index === at ? { ...one, proof: [] } : one)));
        changes[`${name} with ${at} proved too long`] = of(entries.map((one, index) => (index === at ? { ...one, proof: [...one.proof, one.proof[0] ?? 'A'.repeat(43) + '='] } : one)));
        changes[`${name} with the bytes of the first at ${at}${at ? '' : ', as it is'}`] = of(entries.map((one, index) => (index === at ? { ...one, payload: entries[0].payload } : one)));
      });
    }
    const seen = await agree(changes);
    const held = Object.entries(seen).filter(([, verdict]) => verdict === 'holds').map(([what]) => what);
    // A beginning of a story is one, and what is closed is withheld; a receipt says that it can't tell of what comes later.
    const may = Object.keys(changes).filter((what) => /closed$|, a beginning$|, as it is$/.test(what) && !/(without|up to) 0, /.test(what));
    assert.deepEqual(held.sort(), may.sort());
  });

  it('agrees on texts that two readers could read differently', async () => {
    const text = receipts['approved by one'];
    const changed = (from, to) => {
      const other = text.replace(from, to);
      assert.notEqual(other, text, String(from));
      return other;
    };
    const changes = {
      'another version': changed('{"v":1,', '{"v":2,'), 'no version': changed('{"v":1,', '{'), 'a version twice': changed('{"v":1,', '{"v":1,"v":1,'),
      'an unknown field': changed('{"v":1,', '{"v":1,"more":1,'), 'another type': changed('countersign-receipt', 'countersign-receipts'),
      'a version with a point': changed('{"v":1,', '{"v":1.0,'), 'a version with an exponent': changed('{"v":1,', '{"v":1e0,'),
      'minus nothing': changed(/"index":\d+/, '"index":-0'), 'a huge index': changed(/"index":\d+/, '"index":18446744073709551616'),
      'the largest index': changed(/"index":\d+/, '"index":18446744073709551615'), 'a leading zero': changed('"index":', '"index":0'),
      'an index as text': changed(/"index":(\d+)/, '"index":"$1"'), 'no list': changed('"entries":[', '"entries":{"a":['),
      'blank around it': ` \n\t${text}\r\n`, 'a word behind it': `${text} true`, 'a comma too many': changed(/\]\}$/, '],}'),
      'a byte order mark': `\ufeff${text}`, 'nothing': '', 'null': 'null', 'a text': '"receipt"',
      'escapes that mean the same': changed('countersign-receipt', '\\u0063ountersign-receipt'), 'half a character': changed('"action":"', '"action":"\\ud800'),
      'a control character': changed('"action":"', '"action":"\u0001'), 'an unknown escape': changed('"action":"', '"action":"\\x41'),
      'a content name twice': changed('"content":{', '"content":{"digest":["00000000000000000000000000000000","x"],'),
      'a salt in capitals': changed(/"digest":\["([0-9a-f]+)"/, (all, salt) => `"digest":["${salt.toUpperCase()}"`),
      'a value that is none': changed('"content":{', '"content":{"more":["00000000000000000000000000000000",null],'),
      'a value beside what is committed to': changed('"content":{', '"content":{"more":["00000000000000000000000000000000","x"],'),
      'content that is null': changed('"content":{', '"content":null,"content":{'), 'base64 without its end': changed(/=+"\]/, '"]'),
      'base64 with blanks': changed(/"payload":\["([0-9a-f]+)","/, '"payload":["$1"," '),
      'base64 with other spare bits': changed(/([A-Za-z0-9+/])="/, (all, last) => `${String.fromCharCode(last.charCodeAt(0) + 1)}="`),
      'a list for the whole': JSON.stringify(Object.values(JSON.parse(text))),
      'a list for an entry': JSON.stringify({ ...JSON.parse(text), entries: JSON.parse(text).entries.map(({ index, leaf, proof, content, payload }) => [index, leaf, proof, content ?? {}, ...(payload ? [payload] : [])]) }),
      'very deep': changed('"proof":[', `"proof":${'['.repeat(200)}`),
    };
    // Both read it as what it is: the same receipt.
    const seen = await agree(changes);
    assert.deepEqual(Object.keys(seen).filter((what) => seen[what] === 'holds').sort(), ['blank around it', 'escapes that mean the same']);
  });

  it('agrees on checkpoints and keys: size, root, origin, signature, lines, other keys', async () => {
    const text = receipts['approved by one'];
    const document = JSON.parse(text);
    const [head, signature] = document.checkpoint.split('\n\n');
    const [origin, size, root] = head.split('\n');
    const note = (lines, signatures = signature) => JSON.stringify({ ...document, checkpoint: `${lines.join('\n')}\n\n${signatures}` });
    const changes = {
      'as it is': text, 'another size': note([origin, `${Number(size) + 1}`, root]), 'a size with a zero': note([origin, `0${size}`, root]),
      'another origin': note([`${origin}x`, size, root]), 'an empty origin': note(['', size, root]), 'no root': note([origin, size]),
      'a line more': note([origin, size, root, 'more']), 'no signature': note([origin, size, root], ''), 'no line feed at the end': note([origin, size, root], signature.trimEnd()),
      'a stranger beside it': note([origin, size, root], `— stranger AAAAAAAA\n${signature}`), 'a stranger alone': note([origin, size, root], '— stranger AAAAAAAA\n'),
      'not base64': note([origin, size, root], `— ${origin} ****\n`), 'an empty line between': note([origin, size, root], `${signature}\n`),
      'the signature twice': note([origin, size, root], `${signature}${signature}`), 'a wrong one beside it': note([origin, size, root], `${signature}${flipped(signature)}`),
      'too many': note([origin, size, root], '— stranger AAAAAAAA\n'.repeat(65)), 'just enough': note([origin, size, root], `${'— stranger AAAAAAAA\n'.repeat(63)}${signature}`),
      'a tab': note([origin, size, `${root}\t`]), 'a dash of another kind': note([origin, size, root], signature.replace('—', '-')),
    };
    const seen = await agree(changes);
    assert.deepEqual(Object.keys(seen).filter((what) => seen[what] === 'holds').sort(), ['a stranger beside it', 'as it is', 'just enough', 'the signature twice']);
    const keys = {
      'another key': `${vkey.slice(0, -4)}AAA=`, 'another name': vkey.replace(/^[^+]+/, 'example.org/log'), 'no key': 'nonsense', 'half a key': vkey.slice(0, -8),
      'a blank in the name': vkey.replace(/^/, ' a'), 'another id': vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+'), 'another log of its own': ownKey('example.org/log').vkey,
      'another key of the same name': ownKey(origin).vkey,
    };
    const said = await agree(Object.fromEntries(Object.keys(keys).map((what) => [what, text])), (what) => keys[what]);
    assert.ok(Object.values(said).every((verdict) => verdict !== 'holds'), JSON.stringify(said));
  });

  it('agrees on stories that no gateway can have written, though a log signed them', async () => {
    const log = ownKey('example.com/forged');
    const changes = {};
    for (const [name, text] of Object.entries(receipts)) {
      const leaves = JSON.parse(text).entries.map(({ leaf }) => JSON.parse(leaf));
      changes[`${name} as it was`] = forged(log, leaves);
      leaves.forEach((leaf, at) => {
        const other = (change) => forged(log, leaves.map((one, index) => (index === at ? change(structuredClone(one)) : one)));
        if (leaves.length > 1) changes[`${name} without ${at}`] = forged(log, leaves.filter((_, index) => index !== at));
        changes[`${name} with ${at} twice`] = forged(log, leaves.flatMap((one, index) => (index === at ? [one, one] : [one])));
        for (const kind of ['agent', 'human', 'system', 'robot']) changes[`${name} ${at} by ${kind}`] = other((one) => ({ ...one, actor: { ...one.actor, kind } }));
        for (const type of TYPES) changes[`${name} ${at} as ${type}`] = other((one) => ({ ...one, type }));
        changes[`${name} ${at} by the requester`] = other((one) => ({ ...one, actor: { ...one.actor, id: leaves[0].actor.id } }));
        changes[`${name} ${at} of another version`] = other((one) => ({ ...one, v: 2 }));
        changes[`${name} ${at} at no time`] = other((one) => ({ ...one, time: '2026-11-22T05:03:14Z' }));
        changes[`${name} ${at} with more`] = other((one) => ({ ...one, more: 'x' }));
        changes[`${name} ${at} with an empty list`] = other((one) => ({ ...one, sd: [] }));
        changes[`${name} ${at} with a null`] = other((one) => ({ ...one, policy: null }));
        if (leaf.approval) {
          for (const state of ['pending', 'approved', 'denied', 'claimed', 'executed', 'lapsed']) changes[`${name} ${at} brings ${state}`] = other((one) => ({ ...one, approval: { ...one.approval, state } }));
          changes[`${name} ${at} at another version`] = other((one) => ({ ...one, approval: { ...one.approval, version: one.approval.version + 1 } }));
          changes[`${name} ${at} of another review`] = other((one) => ({ ...one, approval: { ...one.approval, request: 'rev_x' } }));
          changes[`${name} ${at} without its review`] = other(({ approval, ...one }) => one);
          for (const n of [0, 1, 2, 3, 2 ** 32]) changes[`${name} ${at} for ${n}`] = other((one) => ({ ...one, approval: { ...one.approval, n } }));
          for (const decision of ['approve', 'deny', 'toString']) changes[`${name} ${at} says ${decision}`] = other((one) => ({ ...one, approval: { ...one.approval, decision } }));
        }
        if (leaf.result) for (const status of ['executed', 'failed', 'unknown', 'else']) changes[`${name} ${at} ended ${status}`] = other((one) => ({ ...one, result: { ...one.result, status } }));
      });
      for (const decision of ['allow', 'review', 'deny', 'else']) {
        changes[`${name} decided ${decision}`] = forged(log, leaves.map((one, index) => (index ? one : { ...one, policy: { ...one.policy, decision } })));
      }
    }
    const seen = await agree(changes, () => log.vkey);
    const codes = new Set(Object.values(seen).map((verdict) => verdict.split(' ').at(-1)));
    for (const code of ['leaf_malformed', 'part_wrong', 'actor_wrong', 'foreign', 'not_requested', 'requested_twice', 'review_unexpected', 'review_mismatch', 'voted_twice',
      'too_few_approvers', 'requester_approved', 'released_unapproved', 'released_twice', 'outcome_unreleased', 'outcome_twice', 'holds']) {
      assert.ok(codes.has(code), `no story led to ${code}`);
    }
  });

  it('agrees on principals and digests that do not fit, and on who may not approve', async () => {
    const log = ownKey('example.com/forged');
    const leaves = JSON.parse(receipts['approved by one']).entries.map(({ leaf }) => JSON.parse(leaf));
    const vote = leaves.findIndex(({ type }) => type === 'approval.decided');
    const agent = leaves[0].actor.id;
    const person = leaves[vote].actor.id;
    const principals = {
      'of another agent': { agent: 'agt_x', links: [] }, 'without links': { agent }, 'with the approver': { agent, links: [{ person }] },
      'with nobody': { agent, links: [{ person: null }, {}, { name: 'x' }] }, 'with a number': { agent, links: [{ person: 1 }] }, 'that is a text': 'x', 'with more': { agent, links: [], teams: [[{}]] },
      'a list': [agent, []], 'with a list for a link': { agent, links: [[person]] }, 'with a null for links': { agent, links: null },
    };
    const changes = {};
    for (const [what, principal] of Object.entries(principals)) {
      changes[what] = forged(log, leaves, { 0: { principal: JSON.stringify(principal) } });
    }
    changes['with something deep'] = forged(log, leaves, { 0: { principal: `{"agent":"${agent}","links":[],"more":${'['.repeat(500)}${']'.repeat(500)}}` } });
    changes['no JSON'] = forged(log, leaves, { 0: { principal: '{' } });
    changes['the agent twice'] = forged(log, leaves, { 0: { principal: `{"agent":"${agent}","agent":"${agent}","links":[]}` } });
    changes['one digest'] = forged(log, leaves, { 0: { digest: 'sha256:aa' }, [vote]: { digest: 'sha256:aa' } });
    changes['two digests'] = forged(log, leaves, { 0: { digest: 'sha256:aa' }, [vote]: { digest: 'sha256:bb' } });
    changes['odd names'] = forged(log, leaves, { 0: { '\u202e\n"\\\u007f\u2028é𝄞': '\u0001\u{10ffff}' } });
    const seen = await agree(changes, () => log.vkey);
    assert.deepEqual(Object.keys(seen).filter((what) => seen[what] === 'holds').sort(), ['odd names', 'one digest', 'with more', 'with nobody', 'with something deep']);
    const words = Object.values(seen).join(' ');
    for (const code of ['principal_unreadable', 'digest_mismatch', 'requester_approved']) assert.ok(words.includes(code), code);
  });

  it('agrees on leaves that are spelled in another way, though a log signed them', async () => {
    const log = ownKey('example.com/forged');
    const leaves = JSON.parse(receipts['allowed by policy']).entries.map(({ leaf }) => JSON.parse(leaf));
    const replaced = (from, to) => (text) => {
      assert.ok(text.search(from) >= 0, `${from} in ${text}`);
      return text.replace(from, to);
    };
    const spellings = {
      'as it is': (text) => text, 'a blank before': (text) => ` ${text}`, 'a line feed behind': (text) => `${text}\n`, 'a blank within': replaced(',"v":1', ', "v":1'),
      'another order': (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text)).reverse())), 'an escape that nobody needs': replaced('"default"', '"\\u0064efault"'),
      'a slash with an escape': replaced('"default"', '"\\/"'), 'a control character in capitals': replaced('"default"', '"\\u001F"'), 'one as it should be': replaced('"default"', '"\\u001f"'),
      'a short escape written long': replaced('"default"', '"\\u000a"'), 'the short one': replaced('"default"', '"\\n"'), 'a key twice': replaced(',"v":1', ',"v":1,"v":1'),
      'a number with a point': replaced(/"nseq":(\d+)/, '"nseq":$1.0'), 'an exponent': replaced(/"nseq":\d+/, '"nseq":1e2'), 'minus nothing': replaced(/"nseq":\d+/, '"nseq":-0'),
      'a number too large to be exact': replaced(/"nseq":\d+/, '"nseq":9007199254740993'), 'the largest that is': replaced(/"nseq":\d+/, '"nseq":9007199254740991'),
      'a list for an object': replaced(/"actor":\{"id":"(\w+)","kind":"(\w+)"\}/, '"actor":["$2","$1"]'), 'hashes in capitals': replaced(/"prev":"(\w+)"/, (all, hash) => `"prev":"${hash.toUpperCase()}"`),
      'an odd day': replaced(/"time":"\d{4}-\d\d-\d\d/, '"time":"9999-99-99'), 'other digits': replaced(/"time":"\d/, '"time":"\u0662'), 'too long': replaced('"default"', `"${'x'.repeat(60_000)}"`),
      'letters beyond the plane': replaced('"default"', '"\u{10ffff}\u2028\u007f"'), 'a boolean': replaced('"v":1', '"v":true'), 'no JSON': () => 'leaf', 'nothing': () => '',
    };
    const changes = Object.fromEntries(Object.entries(spellings).map(([what, spelled]) => [what, forged(log, leaves, {}, spelled)]));
    const seen = await agree(changes, () => log.vkey);
    const held = Object.keys(seen).filter((what) => seen[what] === 'holds').sort();
    assert.deepEqual(held, ['an odd day', 'as it is', 'letters beyond the plane', 'one as it should be', 'the largest that is', 'the short one']);
  });

  it('agrees on witnesses: who cosigned, when, and whether enough did', async () => {
    const log = ownKey('example.com/forged');
    const [ada, bea] = [ownKey('witness.example/ada', 4), ownKey('witness.example/bea', 4)];
    const document = JSON.parse(forged(log, JSON.parse(receipts['allowed by policy']).entries.map(({ leaf }) => JSON.parse(leaf))));
    const [text] = document.checkpoint.split('\n\n');
    const line = (by, time, said = time) => {
      const stamp = Buffer.alloc(8);
      stamp.writeBigUInt64BE(time);
      const signature = sign(null, Buffer.from(`cosignature/v1\ntime ${said}\n${text}\n`), by.privateKey);
      return `— ${by.name} ${Buffer.concat([by.id, stamp, signature]).toString('base64')}\n`;
    };
    const now = 1_795_316_400n;
    const cosignatures = {
      none: '', one: line(ada, now), both: line(ada, now) + line(bea, now + 1n), 'one twice': line(ada, now) + line(ada, now + 1n), 'at another time': line(ada, now, now + 1n),
      'at no time': line(ada, 0n), 'beyond all time': line(ada, 2n ** 63n), 'a log key as a witness': line({ ...ada, id: log.id, name: log.name }, now),
      short: `— ${ada.name} ${Buffer.concat([ada.id, Buffer.alloc(8)]).toString('base64')}\n`, 'of a stranger': line(ownKey('witness.example/eve', 4), now),
    };
    const seen = {};
    for (const [what, lines] of Object.entries(cosignatures)) {
      const signed = JSON.stringify({ ...document, checkpoint: document.checkpoint + lines });
      for (const keys of [[log], [log, ada], [log, ada, bea], [ada]]) {
        for (const witnesses of [0, 1, 2]) {
          const vkeys = keys.map(({ vkey: one }) => one).join('\n');
          const rust = await theirs(signed, vkeys, '--witnesses', `${witnesses}`);
          const { verdict, place: where, code } = await verify(Buffer.from(signed), vkeys, { witnesses });
          assert.equal(verdict === 'fails' ? `${where} ${code}` : verdict, rust, `${what}, ${keys.length} keys, ${witnesses} wanted`);
          seen[`${what}, ${keys.length}, ${witnesses}`] = rust;
        }
      }
    }
    assert.equal(seen['both, 3, 2'], 'holds');
    assert.equal(seen['one twice, 3, 2'], 'checkpoint checkpoint_untrusted');
    assert.equal(seen['at another time, 2, 0'], 'checkpoint checkpoint_untrusted');
  });
});

const TYPES = ['action.requested', 'approval.requested', 'approval.viewed', 'approval.decided', 'approval.expired', 'approval.cancelled', 'approval.lapsed',
  'action.released', 'action.executed', 'action.failed', 'action.unknown', 'audit.read', 'policy.changed', 'no.such'];

async function kept(text) {
  const file = path.join(place.folder, 'kept.json');
  await writeFile(file, text);
  return file;
}

/** A log's key of our own. */
function ownKey(name, type = 1) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const typed = Buffer.concat([Buffer.of(type), raw]);
  const id = createHash('sha256').update(`${name}\n`).update(typed).digest().subarray(0, 4);
  return { name, id, privateKey, vkey: `${name}+${id.toString('hex')}+${typed.toString('base64')}` };
}

const sha = (...parts) => createHash('sha256').update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.keys(value).sort().filter((key) => value[key] !== undefined).map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
};

/** A receipt of these leaves, chained, committed to `contents` and signed as a log would; the last one `spelled` otherwise. */
function forged(log, leaves, contents = {}, spelled = (text) => text) {
  let previous;
  const entries = leaves.map(({ prev, sd, ...leaf }, index) => {
    const content = {};
    const commitments = Object.entries(contents[index] ?? {}).map(([name, value], at) => {
      const salt = Buffer.alloc(16, at + 1);
      content[name] = [salt.toString('hex'), value];
      return sha(salt, JSON.stringify([name, value])).toString('hex');
    });
    const whole = { ...leaf, prev: previous, sd: commitments.length ? commitments : sd?.length === 0 ? sd : undefined };
    const text = index === leaves.length - 1 ? spelled(canonical(whole)) : canonical(whole);
    previous = sha([0], text).toString('hex');
    return { index, leaf: text, proof: [], ...(commitments.length ? { content } : {}) };
  });
  const hashes = entries.map(({ leaf }) => sha([0], leaf));
  const half = (size) => 2 ** Math.floor(Math.log2(size - 1));
  const root = (list) => (list.length === 1 ? list[0] : sha([1], root(list.slice(0, half(list.length))), root(list.slice(half(list.length)))));
  const proof = (at, list) => {
    if (list.length === 1) return [];
    const middle = half(list.length);
    return at < middle ? [...proof(at, list.slice(0, middle)), root(list.slice(middle))] : [...proof(at - middle, list.slice(middle)), root(list.slice(0, middle))];
  };
  for (const entry of entries) entry.proof = proof(entry.index, hashes).map((hash) => hash.toString('base64'));
  const text = `${log.name}\n${entries.length}\n${(entries.length ? root(hashes) : sha()).toString('base64')}\n`;
  const signature = Buffer.concat([log.id, sign(null, Buffer.from(text), log.privateKey)]).toString('base64');
  return JSON.stringify({ v: 1, type: 'countersign-receipt', action: leaves[0].case, checkpoint: `${text}\n— ${log.name} ${signature}\n`, entries });
}

describe('in a browser', () => {
  /** Somebody who is signed in. */
  async function person(options = {}) {
    const visitor = await Visitor.open(browser, `auditor-${Math.random().toString(36).slice(2)}`, options);
    await visitor.page.goto(await here.gateway.invite(visitor.name, 'reviewers'));
    await visitor.page.getByRole('heading', { name: 'Inbox' }).waitFor();
    return visitor;
  }
  const panel = (page) => page.locator('#verify');
  const press = (page) => panel(page).getByRole('button', { name: 'Verify this receipt' }).click();

  it('a person verifies a receipt and sees what was hashed, and nothing of it becomes markup', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('verify', [visitor], async () => {
      await page.goto(`${here.gateway.people}/actions/${actions['approved by one']}`);
      const asked = [];
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await press(page);
      await panel(page).getByText('The receipt holds').waitFor();
      await panel(page).getByText('approved by 1 of 1 people, released, executed').waitFor();
      const drawn = JSON.parse(receipts['approved by one']).entries;
      const texts = await panel(page).locator('.proved > li > details > .bytes').allTextContents();
      // That this person reads it is an entry as well, the last one.
      assert.deepEqual(texts.slice(0, -1), drawn.map(({ leaf }) => leaf));
      assert.equal(JSON.parse(texts.at(-1)).type, 'audit.read');
      assert.ok((await panel(page).textContent()).includes(createHash('sha256').update(Buffer.concat([Buffer.of(0), Buffer.from(drawn[0].leaf)])).digest('hex')));
      assert.deepEqual(asked.filter((route) => !/\/(receipt|events)$|^\/assets\//.test(route) && route !== new URL(page.url()).pathname), [], 'only the receipt was asked for');
      assert.notEqual(await page.title(), 'owned');
      assert.equal(await panel(page).locator('script, img').count(), 0);
      assert.ok(!(await panel(page).textContent()).includes('\u202e'));
      for (const folded of await panel(page).locator('details').all()) await folded.evaluate((one) => { one.open = true; });
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run('#verify', { resultTypes: ['violations'] }));
      assert.deepEqual(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 120)}`), []);
      if (process.env.PICTURES) await visitor.screenshot('verified-light');
    });
  });

  it('a receipt that was tampered with on its way is named as such, whatever the page around it says', async () => {
    const text = receipts['approved by one'];
    const document = JSON.parse(text);
    const { index } = document.entries.find(({ content }) => content?.reason);
    const cases = [
      [text.replace('wanted', 'wished'), `entry ${index}: content_mismatch`],
      [text.replace(/(\n)\d+(\\n)/, '$199999$2').replace(/(\\n)\d+(\\n)/, '$199999$2'), 'checkpoint: checkpoint_untrusted'],
      [JSON.stringify({ ...document, entries: document.entries.filter((_, at) => at !== 2) }), 'chain_broken'],
      [JSON.stringify({ ...document, entries: [] }), 'receipt: no_entries'],
    ];
    const visitor = await person();
    const { page } = visitor;
    await flow('tampered', [visitor], async () => {
      for (const [body, said] of cases) {
        assert.notEqual(body, text);
        await page.route('**/receipt', (route) => route.fulfill({ contentType: 'application/json', body }));
        await page.goto(`${here.gateway.people}/actions/${actions['approved by one']}`);
        await press(page);
        await panel(page).getByRole('alert').filter({ hasText: 'The receipt does not hold' }).filter({ hasText: said }).waitFor();
        assert.equal(await panel(page).getByText('The receipt holds').count(), 0);
        assert.equal(await panel(page).locator('.proved .pairs').count(), 0, 'nothing of it is shown as proved');
        if (process.env.PICTURES) await visitor.screenshot(`tampered-${said.split(' ').at(-1)}`);
        await page.unroute('**/receipt');
      }
    });
  });

  it('a key that the person kept counts, and not the one on the page', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('own-key', [visitor], async () => {
      await page.goto(`${here.gateway.people}/actions/${actions['approved by two']}`);
      assert.equal(await panel(page).getByLabel('Keys').inputValue(), vkey);
      await panel(page).getByLabel('Keys').fill(ownKey(vkey.split('+')[0]).vkey);
      await press(page);
      await panel(page).getByText('checkpoint_untrusted').waitFor();
      await panel(page).getByLabel('Keys').fill(vkey);
      await press(page);
      await panel(page).getByText('The receipt holds').waitFor();
    });
  });

  it('a browser without Ed25519 says so and claims nothing', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('no-ed25519', [visitor], async () => {
      await page.addInitScript(() => {
        const old = SubtleCrypto.prototype.importKey;
        SubtleCrypto.prototype.importKey = function importKey(form, key, algorithm, ...rest) {
          if (algorithm.name === 'Ed25519') return Promise.reject(new DOMException('no', 'NotSupportedError'));
          return old.call(this, form, key, algorithm, ...rest);
        };
      });
      await page.goto(`${here.gateway.people}/actions/${actions['approved by one']}`);
      await press(page);
      await panel(page).getByText("This browser can't check it").waitFor();
      assert.equal(await panel(page).getByText('The receipt holds').count(), 0);
    });
  });

  it('a receipt from a file is checked with the gateway out of reach', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('from-a-file', [visitor], async () => {
      await page.goto(`${here.gateway.people}/audit/verify`);
      await panel(page).getByRole('button', { name: 'Verify this receipt' }).and(page.locator(':enabled')).waitFor();
      await page.waitForLoadState('networkidle');
      await visitor.context.setOffline(true);
      await panel(page).getByLabel('Receipt').setInputFiles(await kept(receipts['denied by a person']));
      await press(page);
      await panel(page).getByText('the review was denied, not released').waitFor();
      await panel(page).getByLabel('Receipt').setInputFiles(await kept(receipts['approved by two']));
      await press(page);
      await panel(page).getByText('approved by 2 of 2 people').waitFor();
      await panel(page).getByLabel('Receipt').setInputFiles(await kept('{}'));
      await press(page);
      await panel(page).getByText("This can't be checked").waitFor();
      await visitor.context.setOffline(false);
    });
  });

  it('the audit page narrows by type, by case and by a bar, and the download has the same leaves', async () => {
    const visitor = await person();
    const { page } = visitor;
    await flow('audit', [visitor], async () => {
      await page.goto(`${here.gateway.people}/`);
      await page.getByRole('link', { name: 'Audit', exact: true }).click();
      await page.getByRole('heading', { name: 'Audit' }).waitFor();
      const rows = page.locator('.entries tbody tr');
      assert.ok((await rows.count()) > 20);
      assert.ok(!(await page.content()).includes('<script>document'), 'no tool, name or claim becomes markup');
      await page.getByLabel('Type').selectOption('approval.decided');
      await page.getByRole('button', { name: 'Search' }).click();
      await page.waitForURL(/kind=approval\.decided/);
      assert.equal(await rows.count(), 4);
      const bars = page.locator('.chart svg a');
      assert.ok((await bars.count()) >= 1);
      await bars.first().focus();
      await page.keyboard.press('Enter');
      await page.waitForURL(/from=\d.*until=\d/);
      assert.ok((await rows.count()) >= 1);
      await page.goto(`${here.gateway.people}/audit?case=${actions['approved by two']}`);
      const unread = (leaves) => leaves.filter((leaf) => JSON.parse(leaf).type !== 'audit.read');
      const entries = unread(JSON.parse(receipts['approved by two']).entries.map(({ leaf }) => leaf));
      assert.ok((await rows.count()) >= entries.length);
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download as JSON lines' }).click()]);
      const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n');
      assert.equal(lines.length, await rows.count());
      assert.deepEqual(unread(lines), entries.reverse());
      await rows.first().getByRole('link').first().click();
      await page.waitForURL(new RegExp(actions['approved by two']));
      const timeline = page.getByRole('complementary', { name: 'Timeline' });
      for (const text of ['by session', 'through api', 'verified', 'claimed', 'version 4']) await timeline.getByText(text).first().waitFor();
    });
  });
});
