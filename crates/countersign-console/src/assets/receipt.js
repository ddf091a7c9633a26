// Does this receipt hold? The rules of docs/LEDGER.md, "Receipts of actions", for browsers and for Node, with nothing
// but WebCrypto. It agrees with `countersign verify` place by place and code by code; tests/peers/audit.test.mjs
// compares the two. It touches no page and sends nothing: bytes and keys in, a verdict out.

const RECEIPT_MAX_BYTES = 64 * 1024 * 1024;
const RECEIPT_ENTRIES_MAX = 10_000;
const NOTE_MAX_BYTES = 256 * 1024;
const SIGNATURES_MAX = 64;
const LEAF_MAX_BYTES = 60_000;
const DEPTH_MAX = 1000;
const SIZE_MAX = 2n ** 63n - 1n;
const U64_MAX = 2n ** 64n - 1n;
const LOG_KEY = 1;
const WITNESS_KEY = 4;
const KINDS = new Set([
  "action.requested", "actions.passed", "approval.requested", "approval.viewed", "approval.refused", "approval.decided",
  "approval.expired", "approval.cancelled", "approval.lapsed", "action.released", "action.executed", "action.failed", "action.unknown",
  "policy.changed", "definition.pinned", "credential.enrolled", "credential.revoked", "agent.added", "agent.revoked",
  "person.invited", "person.signed_in", "person.removed", "session.ended", "log.heartbeat", "key.rotated",
  "subject.erased", "audit.read", "audit.exported", "log.pruned",
]);

/** The receipt does not hold: a place (`receipt`, `checkpoint`, `entry N`), a stable code, a sentence. */
class Failure extends Error {
  constructor(place, code, detail) {
    super(`${place}: ${code}: ${detail}`);
    Object.assign(this, { place, code, detail });
  }
}

/** The bytes are not a receipt, or the keys are none: nothing can be said about it. */
class Unreadable extends Error {}

/** This browser can't check it: nothing was found out either way. */
class Unable extends Error {}

// ---- bytes

const utf8 = new TextEncoder();
const bytesOf = (text) => utf8.encode(text);
const textOf = (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
const isSame = (a, b) => a.length === b.length && a.every((byte, at) => byte === b[at]);

const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Exactly `length` bytes of lower-case hexadecimal; `null` otherwise. */
const fromHex = (text, length) => {
  if (text.length !== length * 2 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length }, (_, at) => parseInt(text.slice(at * 2, at * 2 + 2), 16));
};

export const base64 = (bytes) => {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(binary);
};

/** Standard base64 with padding, in its one spelling; `null` otherwise. */
const fromBase64 = (text) => {
  let binary;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const bytes = Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  return base64(bytes) === text ? bytes : null;
};

const fromBase64Of = (text, length) => {
  const bytes = fromBase64(text);
  return bytes?.length === length ? bytes : null;
};

const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
const leafHash = (leaf) => sha256([0], leaf);
const nodeHash = (left, right) => sha256([1], left, right);

// ---- JSON that two readers can't read differently: every pair is kept, so that a repeated key is seen

class Pairs {
  constructor(list) {
    this.list = list;
  }
}

function parseJson(text) {
  let at = 0;
  const fail = () => {
    throw new SyntaxError(`not JSON at character ${at}`);
  };
  const blank = () => {
    while (at < text.length && " \t\n\r".includes(text[at])) at += 1;
  };
  const taken = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) fail();
    at += found[0].length;
    return found[0];
  };
  const string = () => {
    if (text[at] !== '"') fail();
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === "\\" ? 2 : 1;
    if (end >= text.length) fail();
    // One string is read alike by everybody, as long as no half of a character is in it: that has no UTF-8.
    const value = JSON.parse(text.slice(at, end + 1));
    if (hasHalves(value)) fail();
    at = end + 1;
    return value;
  };
  const number = () => {
    const said = taken(/-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y);
    return /[.eE]/.test(said) || said === "-0" ? Number(said) : BigInt(said);
  };
  const list = (end, one) => {
    const items = [];
    at += 1;
    blank();
    if (text[at] === end) {
      at += 1;
      return items;
    }
    for (;;) {
      items.push(one());
      blank();
      if (text[at] === end) break;
      if (text[at] !== ",") fail();
      at += 1;
    }
    at += 1;
    return items;
  };
  const value = (depth) => {
    if (depth > DEPTH_MAX) fail();
    blank();
    switch (text[at]) {
      case "{":
        return new Pairs(list("}", () => {
          blank();
          const key = string();
          blank();
          if (text[at] !== ":") fail();
          at += 1;
          return [key, value(depth + 1)];
        }));
      case "[":
        return list("]", () => value(depth + 1));
      case '"':
        return string();
      case "t":
        return taken(/true/y) === "true";
      case "f":
        return taken(/false/y) !== "false";
      case "n":
        taken(/null/y);
        return null;
      default:
        return number();
    }
  };
  const whole = value(1);
  blank();
  if (at !== text.length) fail();
  return whole;
}

/** Whether half of a surrogate pair stands alone in it. */
const hasHalves = (text) => /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);

const wrongForm = (what) => {
  throw new TypeError(what);
};
const aText = (value) => (typeof value === "string" ? value : wrongForm("a text is expected"));
const aNumber = (max) => (value) =>
  typeof value === "bigint" && value >= 0n && value <= max ? value : wrongForm("a whole number is expected");
const listOf = (one) => (value) => (Array.isArray(value) ? value.map(one) : wrongForm("a list is expected"));
const optional = (read) => Object.assign((value) => read(value), { optional: true });
/** A list that is left out when it is empty. */
const listOrNone = (one) => optional((value) => (listOf(one)(value).length ? value.map(one) : wrongForm("an empty list is left out")));

/** An object with these fields and no other, each once. With `more`, other fields are passed over. */
const anObject = (fields, more = false) => (value) => {
  if (!(value instanceof Pairs)) wrongForm("an object is expected");
  const read = {};
  for (const [name, inner] of value.list) {
    if (!Object.hasOwn(fields, name)) {
      if (more) continue;
      wrongForm(`the field \`${name}\` is not known`);
    }
    if (Object.hasOwn(read, name)) wrongForm(`the field \`${name}\` stands twice`);
    read[name] = fields[name](inner);
  }
  for (const [name, field] of Object.entries(fields)) {
    if (!field.optional && !Object.hasOwn(read, name)) wrongForm(`the field \`${name}\` is missing`);
  }
  return read;
};

/** RFC 8785 of texts, whole numbers, lists and objects. */
const canonical = (value) => {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return value.toString();
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
};

// ---- the receipt

const aHash = (value) => fromBase64Of(aText(value), 32) ?? wrongForm("base64 of a hash is expected");
const aPair = (value) => (Array.isArray(value) && value.length === 2 ? value.map(aText) : wrongForm("[salt, value] is expected"));
const aSalt = (text, length) => fromHex(text, length) ?? wrongForm("a salt in hexadecimal is expected");

const shownContent = (value) => {
  if (!(value instanceof Pairs)) wrongForm("an object of name to [salt, value] is expected");
  const content = new Map();
  for (const [name, inner] of value.list) {
    const [salt, text] = aPair(inner);
    if (content.has(name)) wrongForm(`the content \`${name}\` stands twice`);
    content.set(name, { salt: aSalt(salt, 16), value: text });
  }
  return content;
};
const shownBytes = (value) => {
  const [salt, text] = aPair(value);
  return { salt: aSalt(salt, 32), bytes: fromBase64(text) ?? wrongForm("base64 is expected") };
};

const document_ = anObject({
  v: aNumber(U64_MAX), type: aText, action: aText, checkpoint: aText,
  entries: listOf(anObject({
    index: aNumber(U64_MAX), leaf: aText, proof: listOf(aHash), content: optional(shownContent), payload: optional(shownBytes),
  })),
});

function readReceipt(bytes) {
  if (bytes.length > RECEIPT_MAX_BYTES) throw new Unreadable(`a receipt has at most ${RECEIPT_MAX_BYTES} bytes, not ${bytes.length}`);
  let receipt;
  try {
    receipt = document_(parseJson(textOf(bytes)));
  } catch (error) {
    throw new Unreadable(`it is not a receipt: ${error.message}`);
  }
  if (receipt.v !== 1n || receipt.type !== "countersign-receipt") {
    throw new Unreadable(`it says that it is \`${receipt.type}\` of version ${receipt.v}; this reads \`countersign-receipt\` of version 1`);
  }
  if (receipt.entries.length > RECEIPT_ENTRIES_MAX) {
    throw new Unreadable(`a receipt has at most ${RECEIPT_ENTRIES_MAX} entries, not ${receipt.entries.length}`);
  }
  return receipt;
}

// ---- keys and notes

const isName = (name) => name !== "" && !/[\p{White_Space}\u0000-\u001f+]/u.test(name);

async function readKey(text) {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new Unreadable("a verifier key is `name+id+key`");
  if (!isName(name)) throw new Unreadable("a key's name has no spaces and no `+`");
  const given = fromHex(id, 4);
  if (!given) throw new Unreadable(`\`${id}\` is not a key's id`);
  const bytes = fromBase64(encoded);
  if (bytes?.length !== 33 || ![LOG_KEY, WITNESS_KEY].includes(bytes[0])) {
    throw new Unreadable(`the key of \`${name}\` is not base64 of a type (1 or 4) and 32 bytes`);
  }
  const own = (await sha256(bytesOf(name), [10], bytes)).subarray(0, 4);
  if (!isSame(own, given)) throw new Unreadable(`the key of \`${name}\` has the id ${hex(own)}, not ${id}`);
  return { text, name, id: given, type: bytes[0], public: bytes.subarray(1) };
}

/** One key a line: the log's, and those of witnesses. */
async function readKeys(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  const keys = [];
  for (const line of lines) keys.push(await readKey(line));
  const origins = keys.filter(({ type }) => type === LOG_KEY).map(({ name }) => name);
  if (!origins.length) throw new Unreadable("none of the keys is a log's key");
  const other = origins.find((name) => name !== origins[0]);
  if (other !== undefined) throw new Unreadable(`the keys are of two logs, \`${origins[0]}\` and \`${other}\``);
  return { origin: origins[0], keys };
}

const untrusted = (detail) => {
  throw new Failure("checkpoint", "checkpoint_untrusted", detail);
};

function readNote(whole) {
  if (bytesOf(whole).length > NOTE_MAX_BYTES) untrusted(`the note has more than ${NOTE_MAX_BYTES} bytes`);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(whole)) untrusted("the note holds a control character");
  const at = whole.lastIndexOf("\n\n");
  const lines = whole.slice(at + 2).split("\n");
  if (at < 0 || lines.length < 2) untrusted("the note has no empty line before its signatures");
  if (lines.pop() !== "") untrusted("its last line is not a signature line");
  if (lines.length > SIGNATURES_MAX) untrusted(`the note has more than ${SIGNATURES_MAX} signatures`);
  const signatures = lines.map((line) => {
    const [, name, encoded] = /^\u2014 ([^ ]*) (.*)$/su.exec(line) ?? [];
    const bytes = encoded === undefined ? null : fromBase64(encoded);
    if (!bytes || bytes.length < 5 || !isName(name)) untrusted("a line behind the text is not a signature line");
    return { name, id: bytes.subarray(0, 4), signature: bytes.subarray(4) };
  });
  return { text: whole.slice(0, at + 1), signatures };
}

function readCheckpoint(text) {
  const [origin, size, root, ...rest] = text.split("\n");
  if (rest.pop() !== "" || rest.includes("")) untrusted("a checkpoint is an origin, a size and a root, each on a line of its own");
  if (origin === "") untrusted("the origin is empty");
  if (!/^(0|[1-9][0-9]*)$/.test(size) || BigInt(size) > SIZE_MAX) untrusted("the size is not a tree's size");
  const hash = fromBase64Of(root, 32);
  if (!hash) untrusted("the root is not base64 of a root");
  return { origin, size: BigInt(size), root: hash };
}

async function hasSigned(key, message, signature) {
  if (signature.length !== 64) return false;
  try {
    const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
    return (await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message)) === true;
  } catch {
    return false;
  }
}

/** When a witness cosigned; `undefined` when the signature is wrong. Plain signatures have the time `null`. */
async function signedAt(key, text, signature) {
  if (key.type === LOG_KEY) return (await hasSigned(key.public, bytesOf(text), signature)) ? null : undefined;
  if (signature.length !== 72) return undefined;
  const time = BigInt(`0x${hex(signature.subarray(0, 8))}`);
  const message = bytesOf(`cosignature/v1\ntime ${time}\n${text}`);
  return time <= SIZE_MAX && (await hasSigned(key.public, message, signature.subarray(8))) ? time : undefined;
}

async function verifyCheckpoint(signed, { origin, keys }, quorum) {
  const note = readNote(signed);
  const checkpoint = readCheckpoint(note.text);
  if (checkpoint.origin !== origin) untrusted(`the checkpoint is of the log \`${checkpoint.origin}\`, not \`${origin}\``);
  const verified = new Map();
  for (const line of note.signatures) {
    for (const key of keys.filter(({ name, id }) => name === line.name && isSame(id, line.id))) {
      const time = await signedAt(key, note.text, line.signature);
      if (time === undefined) untrusted(`the signature of \`${key.name}\` is wrong`);
      if (!verified.has(key.text)) verified.set(key.text, { key, time });
    }
  }
  const found = [...verified.values()];
  if (!found.length) untrusted("no trusted key has signed the note");
  if (!found.some(({ key }) => key.type === LOG_KEY)) untrusted(`the log \`${origin}\` has not signed the checkpoint`);
  const witnesses = found.filter(({ time }) => time !== null).map(({ key, time }) => ({ name: key.name, time }));
  const different = new Set(witnesses.map(({ name }) => name)).size;
  if (different < quorum) untrusted(`${different} trusted witnesses have cosigned the checkpoint; ${quorum} must`);
  return { ...checkpoint, text: note.text, witnesses };
}

// ---- leaves

const hash32 = (value) => (fromHex(aText(value), 32) ? value : wrongForm("a hash is expected"));
const actorKind = (value) => (["agent", "human", "system"].includes(value) ? value : wrongForm("no such kind of actor"));
const leafForm = anObject({
  v: (value) => (value === 1n ? value : wrongForm("its version is not 1")),
  type: (value) => (KINDS.has(value) ? value : wrongForm("its type is not known here")),
  id: aText, tenant: aText, node: aText, case: aText,
  nseq: aNumber(BigInt(Number.MAX_SAFE_INTEGER)),
  time: (value) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(aText(value)) ? value : wrongForm("its time is not one")),
  prev: optional(hash32),
  actor: anObject({ kind: actorKind, id: aText }),
  action: optional(anObject({ commit: hash32, tool: aText, class: listOf(aText) })),
  policy: optional(anObject({ bundle: aText, decision: aText, rules: listOrNone(aText) })),
  approval: optional(anObject({
    request: aText, state: aText, version: aNumber(BigInt(Number.MAX_SAFE_INTEGER)), of: listOrNone(aText),
    n: optional(aNumber(2n ** 32n - 1n)), decision: optional(aText), method: optional(aText), channel: optional(aText),
  })),
  result: optional(anObject({ status: aText, dur_us: aNumber(BigInt(Number.MAX_SAFE_INTEGER)) })),
  sd: listOrNone(hash32),
});

function readLeaf(place, text) {
  const malformed = (detail) => {
    throw new Failure(place, "leaf_malformed", detail);
  };
  if (bytesOf(text).length > LEAF_MAX_BYTES) malformed(`a leaf has at most ${LEAF_MAX_BYTES} bytes`);
  let leaf;
  try {
    leaf = leafForm(parseJson(text));
  } catch (error) {
    malformed(error.message);
  }
  // Written again, it must be the same text: so every value has one reading and one spelling.
  if (canonical(leaf) !== text) malformed("it is not canonical JSON");
  return leaf;
}

async function verifyInclusion(place, hash, index, proof, { size, root }) {
  const not = (detail) => {
    throw new Failure(place, "not_included", detail);
  };
  if (index >= size) not(`entry ${index} is not in a tree of ${size}`);
  let [at, last, reached] = [index, size - 1n, hash];
  for (const sibling of proof) {
    if (last === 0n) not("the inclusion proof has too many hashes");
    if (at % 2n === 1n || at === last) {
      reached = await nodeHash(sibling, reached);
      // The last node of a level without a sibling stands unchanged on the levels above.
      while (at % 2n === 0n && at !== 0n) [at, last] = [at / 2n, last / 2n];
    } else {
      reached = await nodeHash(reached, sibling);
    }
    [at, last] = [at / 2n, last / 2n];
  }
  if (last !== 0n) not("the inclusion proof has too few hashes");
  if (!isSame(reached, root)) not(`entry ${index} is not in the tree of ${size} with this root`);
}

/** Opens every shown value; keeps what exactly was hashed, and counts what stays closed. */
async function openContent(place, leaf, entry) {
  const closed = [...(leaf.sd ?? [])];
  const opened = [];
  for (const [name, { salt, value }] of entry.content ?? []) {
    const pair = canonical([name, value]);
    const commitment = hex(await sha256(salt, bytesOf(pair)));
    const at = closed.indexOf(commitment);
    if (at < 0) throw new Failure(place, "content_mismatch", `\`${name}\` is not what the leaf commits to`);
    closed.splice(at, 1);
    opened.push({ name, value, salt: hex(salt), pair, commitment });
  }
  const { payload } = entry;
  if (!payload) return { opened, payload: null, closed: closed.length, payloadClosed: leaf.action !== undefined };
  if (!leaf.action) throw new Failure(place, "payload_mismatch", "bytes are shown, but the leaf commits to none");
  const commitment = hex(await sha256(bytesOf("countersign/action/v1\0"), payload.salt, payload.bytes));
  if (commitment !== leaf.action.commit) throw new Failure(place, "payload_mismatch", "the bytes are not what the leaf commits to");
  return { opened, payload: { bytes: payload.bytes, salt: hex(payload.salt), commitment }, closed: closed.length, payloadClosed: false };
}

// ---- the story: what the gateway can have written

const OUTCOMES = { "action.executed": "executed", "action.failed": "failed", "action.unknown": "unknown" };
const ABOUT_THE_RECORD = ["subject.erased", "audit.read", "audit.exported"];
const OF_A_REVIEW = [
  "approval.viewed", "approval.refused", "approval.decided", "approval.expired", "approval.cancelled", "approval.lapsed", "action.released",
];

const principalForm = anObject({
  agent: aText,
  links: listOf(anObject({ person: optional((value) => (value === null ? null : aText(value))) }, true)),
}, true);

class Story {
  constructor(first) {
    const { leaf } = first;
    expectActor(first, "agent");
    if (!leaf.policy || !leaf.action || leaf.approval || leaf.result) {
      first.fail("part_wrong", "a request has an action and a policy, and nothing else");
    }
    if (!["allow", "review", "deny"].includes(leaf.policy.decision)) {
      first.fail("part_wrong", `policy can't decide \`${leaf.policy.decision}\``);
    }
    this.decision = leaf.policy.decision;
    this.review = null;
    this.outcome = null;
    this.digest = first.value("digest");
    this.agent = leaf.actor.id;
    this.chain = this.readChain(first);
  }

  /** The persons behind the request; `null` when that is not shown. */
  readChain(first) {
    const text = first.value("principal");
    if (text === undefined) return null;
    let principal;
    try {
      principal = principalForm(parseJson(text));
    } catch {
      principal = null;
    }
    if (principal?.agent !== this.agent) {
      first.fail("principal_unreadable", "`principal` does not say who stands behind the request");
    }
    return principal.links.map(({ person }) => person).filter((person) => typeof person === "string");
  }

  goOn(entry) {
    const { leaf } = entry;
    const kind = leaf.type;
    if (kind !== "action.requested" && (leaf.action || leaf.policy)) {
      entry.fail("part_wrong", "only the request has an action and a policy");
    }
    const outcome = OUTCOMES[kind];
    if (leaf.result && !outcome) entry.fail("part_wrong", "only an outcome has a result");
    if (kind === "action.requested") entry.fail("requested_twice", "the action was requested before");
    else if (kind === "approval.requested") this.openReview(entry);
    else if (OF_A_REVIEW.includes(kind)) this.moveReview(entry);
    else if (outcome) this.end(entry, outcome);
    else if (!ABOUT_THE_RECORD.includes(kind)) entry.fail("foreign", `\`${kind}\` is not part of an action's story`);
  }

  openReview(entry) {
    if (this.decision !== "review" || this.review) {
      entry.fail("review_unexpected", "people are asked once, and only when policy says so");
    }
    const approval = partOf(entry);
    if (approval.state !== "pending" || approval.version !== 1n) {
      entry.fail("part_wrong", "a review begins `pending` at version 1");
    }
    if (!approval.n) entry.fail("part_wrong", "a review needs at least one person");
    this.review = {
      id: approval.request, state: "pending", version: 1n, needed: approval.n, released: false,
      asked: approval.of ?? [], voted: new Set(), approvers: new Set(), inAskedGroup: new Set(), digestsShown: 0, digest: undefined,
    };
  }

  moveReview(entry) {
    const { type } = entry.leaf;
    if (!this.review) {
      if (type === "action.released") entry.fail("released_unapproved", "it was released, but nobody was asked");
      entry.fail("review_unexpected", "it is about a review, but none was opened");
    }
    const approval = partOf(entry);
    if (type === "approval.viewed" || type === "approval.refused") {
      expectActor(entry, "human");
      this.expect(entry, approval, this.review.version, this.review.state);
    } else if (type === "approval.decided") this.vote(entry, approval);
    else if (type === "approval.expired") this.step(entry, approval, "pending", "expired");
    else if (type === "approval.cancelled") this.step(entry, approval, "pending", "cancelled");
    else if (type === "approval.lapsed") this.step(entry, approval, "approved", "lapsed");
    else this.release(entry, approval);
  }

  vote(entry, approval) {
    const { review } = this;
    expectActor(entry, "human");
    const person = entry.leaf.actor.id;
    if (review.voted.has(person)) entry.fail("voted_twice", `\`${person}\` has answered before`);
    review.voted.add(person);
    this.sameDigest(entry);
    const brings = { deny: ["denied"], approve: ["pending", "approved"] };
    const after = approval.state;
    if (!Object.hasOwn(brings, approval.decision ?? "") || !brings[approval.decision].includes(after)) {
      entry.fail("part_wrong", `its answer can't bring the state \`${after}\``);
    }
    if (after !== "denied") {
      if (person === this.agent || this.chain?.includes(person)) {
        entry.fail("requester_approved", `\`${person}\` stands behind the request and approved it`);
      }
      review.approvers.add(person);
      if (this.isAsked(entry)) review.inAskedGroup.add(person);
    }
    if (after === "approved" && BigInt(review.approvers.size) < review.needed) {
      entry.fail("too_few_approvers", `approved by ${review.approvers.size} of ${review.needed} people`);
    }
    this.step(entry, approval, "pending", after);
  }

  /** Whether the vote shows groups of the person, one of which was asked. */
  isAsked(entry) {
    const text = entry.value("groups");
    if (text === undefined) return false;
    try {
      return listOf(aText)(parseJson(text)).some((group) => this.review.asked.includes(group));
    } catch {
      return false;
    }
  }

  sameDigest(entry) {
    const seen = entry.value("digest");
    if (seen === undefined) return;
    const expected = this.digest ?? this.review.digest;
    if (expected !== undefined && expected !== seen) {
      entry.fail("digest_mismatch", "the vote is about another action than the request");
    }
    this.review.digestsShown += 1;
    this.review.digest = seen;
  }

  release(entry, approval) {
    const { review } = this;
    if (review.released) entry.fail("released_twice", "it was released before");
    if (review.state !== "approved") entry.fail("released_unapproved", `it was released while its review was \`${review.state}\``);
    this.step(entry, approval, "approved", "claimed");
    review.released = true;
  }

  end(entry, outcome) {
    const { leaf } = entry;
    if (this.outcome) entry.fail("outcome_twice", "its outcome was recorded before");
    if (leaf.result?.status !== outcome) entry.fail("part_wrong", `its result does not say \`${outcome}\``);
    if (this.decision === "allow" && !this.review) {
      if (leaf.approval) entry.fail("part_wrong", "it names a review, but nobody was asked");
    } else if (this.decision === "review" && this.review) {
      if (!this.review.released) entry.fail("outcome_unreleased", "it ran, but its approval was not claimed");
      this.step(entry, partOf(entry), "claimed", outcome);
    } else entry.fail("outcome_unreleased", "it ran, but nothing released it");
    this.outcome = outcome;
  }

  step(entry, approval, from, to) {
    const { review } = this;
    if (review.state !== from) entry.fail("review_mismatch", `a review that is \`${review.state}\` does not become \`${to}\``);
    this.expect(entry, approval, review.version + 1n, to);
    Object.assign(review, { state: to, version: approval.version });
  }

  expect(entry, approval, version, state) {
    const { id } = this.review;
    if (approval.request === id && approval.version === version && approval.state === state) return;
    entry.fail("review_mismatch", `it is not about \`${id}\` at version ${version}, \`${state}\``);
  }

  get released() {
    return this.decision === "allow" || this.review?.released === true;
  }
}

const partOf = (entry) => entry.leaf.approval ?? entry.fail("part_wrong", "it does not say which review it is about");
const expectActor = (entry, kind) => {
  const found = entry.leaf.actor.kind;
  if (found !== kind) entry.fail("actor_wrong", `\`${entry.leaf.type}\` is done by \`${kind}\`, not by \`${found}\``);
};

/** The story in one line. */
function conclusion({ decision, review, released, outcome }) {
  let asked = "people were to be asked";
  if (decision === "allow") asked = "policy allowed it";
  else if (decision === "deny") asked = "policy denied it";
  else if (review?.state === "pending") asked = "people have not decided";
  else if (["denied", "expired", "cancelled"].includes(review?.state)) asked = `the review was ${review.state}`;
  else if (review) {
    asked = `approved by ${review.approvers.size} of ${review.needed} people${review.state === "lapsed" ? ", but the approval lapsed" : ""}`;
  }
  if (!released) return `${asked}, not released`;
  if (!outcome) return `${asked}, released`;
  return `${asked}, released, ${outcome === "unknown" ? "outcome unknown" : outcome}`;
}

/** What somebody might believe of a receipt that it doesn't show. */
function unproved(checkpoint, entries, story) {
  const { review } = story;
  const list = [`whether the action has later entries, in a log beyond ${checkpoint.size} entries or held back`];
  if (!checkpoint.witnesses.length) {
    list.push("the time: it is the gateway's own, and no witness that you trust has cosigned");
    list.push("that the log shows everybody the same entries: that takes a witness");
  }
  if (review && !story.chain) list.push("that no approver stands behind the request: `principal` is not shown");
  if (review?.voted.size && (review.digestsShown < review.voted.size || story.digest === undefined)) {
    list.push("that every vote is about this request's digest: not all are shown");
  }
  if (review && review.inAskedGroup.size < review.approvers.size) {
    list.push("that the approvers were in the groups asked: `groups` is not shown");
  }
  if (entries.some((entry) => entry.value("digest") !== undefined)) {
    list.push("that the digest is that of the bytes: it covers more than a receipt holds");
  }
  return list;
}

// ---- the verdict

/** A signature that must hold, and a changed text for which it must not: what says yes to both checks nothing. */
const SAMPLE = {
  key: "197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61",
  text: "example.com/log\n3\nWqx3HImawpLnS/Gv4ubjAvi1WIOy0b8Ze0amvqbavKk=\n",
  signature: "WEkPi3FLeZKOPLqK9pPW6v1/15lH7fAXNd4xqN9EhDxvUGTzl6DdQzaodFMwCk4MZMtgIzD1H0M2WmLytKzsxJxYiws=",
};

/** Fails when this browser can't check Ed25519 signatures. */
async function expectEd25519() {
  if (!globalThis.crypto?.subtle) {
    throw new Unable("it offers no WebCrypto here: that takes a page from https or localhost");
  }
  const [key, signature] = [fromHex(SAMPLE.key, 32), fromBase64(SAMPLE.signature).subarray(4)];
  const holds = await hasSigned(key, bytesOf(SAMPLE.text), signature);
  const passes = await hasSigned(key, bytesOf(`${SAMPLE.text} `), signature);
  if (!holds || passes) throw new Unable("its WebCrypto has no Ed25519 signatures");
}

async function proveEntry(entry, receipt, checkpoint, before) {
  const place = `entry ${entry.index}`;
  const checks = [];
  const proved = {
    index: entry.index, place, checks,
    value: (name) => entry.content?.get(name)?.value,
    fail: (code, detail) => {
      throw new Failure(place, code, detail);
    },
  };
  before.list.push(proved);
  if (before.last && before.last.index >= entry.index) {
    proved.fail("out_of_order", "it stands behind an entry that is not before it in the log");
  }
  const hash = await leafHash(bytesOf(entry.leaf));
  await verifyInclusion(place, hash, entry.index, entry.proof, checkpoint);
  checks.push("in the signed log, unchanged");
  const leaf = readLeaf(place, entry.leaf);
  Object.assign(proved, { leaf, text: entry.leaf, hash: hex(hash), proof: entry.proof.length });
  checks.push("canonical, of a known type");
  if (leaf.case !== receipt.action) proved.fail("other_case", `it belongs to \`${leaf.case}\`, not to \`${receipt.action}\``);
  if (leaf.prev !== before.last?.hash) {
    const late = leaf.prev === undefined;
    proved.fail("chain_broken", late ? "it says that it is the action's first entry, but it isn't" : "an entry of this action before it is missing");
  }
  checks.push(before.last ? `follows entry ${before.last.index}, nothing left out between` : "the action's first entry");
  Object.assign(proved, await openContent(place, leaf, entry));
  const shown = proved.opened.length;
  if (shown || proved.closed) {
    checks.push(`${shown} of ${shown + proved.closed} values shown, each as committed to${proved.closed ? "; the others were erased or are withheld" : ""}`);
  }
  if (proved.payload) checks.push(`the action's ${proved.payload.bytes.length} bytes are as committed to`);
  else if (proved.payloadClosed) checks.push("the action's bytes were erased or are withheld; their commitment is intact");
  before.last = proved;
}

async function prove(bytes, keysText, quorum, seen) {
  await expectEd25519();
  const log = await readKeys(keysText);
  const receipt = readReceipt(bytes);
  seen.action = receipt.action;
  seen.total = receipt.entries.length;
  const checkpoint = await verifyCheckpoint(receipt.checkpoint, log, quorum);
  seen.checkpoint = { ...checkpoint, root: hex(checkpoint.root) };
  if (!receipt.entries.length) throw new Failure("receipt", "no_entries", "it has no entries");
  const before = { list: seen.entries, last: null };
  for (const entry of receipt.entries) await proveEntry(entry, receipt, checkpoint, before);
  const [first, ...rest] = seen.entries;
  if (first.leaf.type !== "action.requested") throw new Failure("receipt", "not_requested", "the first entry is not the request");
  const story = new Story(first);
  first.checks.push("a request that the gateway can have written");
  for (const entry of rest) {
    story.goOn(entry);
    entry.checks.push("can follow on what came before");
  }
  seen.story = story;
}

/**
 * Checks a receipt: `bytes` as they came, `keys` one verifier key a line, and how many witnesses must have cosigned.
 *
 * Gives `verdict`: `holds`; `fails`, with `place`, `code` and `detail` of the first failure; `unreadable` when bytes or
 * keys are none; `unable` when this browser can't check. Beside it whatever was found on the way: `action`,
 * `checkpoint`, `entries` with the `checks` that each has passed and, of what holds, exactly what was hashed.
 */
export async function verify(bytes, keys, { witnesses = 0 } = {}) {
  const seen = { action: null, checkpoint: null, entries: [], total: 0, story: null };
  try {
    await prove(bytes, keys, witnesses, seen);
  } catch (error) {
    if (error instanceof Failure) {
      const { place, code, detail } = error;
      return { ...seen, verdict: "fails", place, code, detail, told: error.message };
    }
    if (error instanceof Unable) return { ...seen, verdict: "unable", told: error.message };
    // Whatever else went wrong, nothing was proved.
    return { ...seen, verdict: "unreadable", told: error.message };
  }
  return {
    ...seen, verdict: "holds", told: conclusion(seen.story),
    unproved: unproved(seen.checkpoint, seen.entries, seen.story),
  };
}
