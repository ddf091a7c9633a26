// The panel that checks a receipt in this browser. What it draws of an entry is the very text that was hashed, never
// what the server drew. The checking itself is in receipt.js.

const $ = (selector, within = document) => within.querySelector(selector);

/** An element with children; texts stay texts. */
const make = (name, className, ...children) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

// Everything without a shape of its own, or that turns the direction of text, is spelled out.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

/** Somebody else's text with every unseen character as a chip. */
const seen = (text) => {
  const place = make("bdi", "seen");
  let from = 0;
  for (const { 0: letter, index } of text.matchAll(UNSEEN)) {
    place.append(text.slice(from, index));
    const code = letter.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    place.append(letter === "\n" ? make("span", "ws", "↵\n") : make("mark", "chip", `⟨U+${code}⟩`));
    from = index + letter.length;
  }
  place.append(text.slice(from));
  return place;
};

const pair = (name, ...value) => [make("dt", "", name), make("dd", "", ...value)];
const code = (text) => make("code", "wrap", text);
const folded = (title, ...inside) => make("details", "", make("summary", "", title), ...inside);
const exact = (text) => {
  const block = make("pre", "bytes", make("code", "", seen(text)));
  block.tabIndex = 0;
  return block;
};

const ticks = (entry, failed) => {
  const list = make("ul", "ticks", ...entry.checks.map((check) => make("li", "tick", check)));
  if (failed) list.append(make("li", "cross", make("b", "", failed.code), " ", seen(failed.detail)));
  return list;
};

/** The rest of a leaf in words, out of the leaf. */
const told = ({ action, policy, approval, result }) => {
  const lines = [];
  if (action) lines.push(["tool", action.tool], ["effects", action.class.join(" ")]);
  if (policy) lines.push(["policy said", [policy.decision, ...(policy.rules ?? [])].join(" · ")]);
  if (approval?.decision) lines.push(["answer", `${approval.decision}, by ${approval.method ?? "?"}, through ${approval.channel ?? "?"}`]);
  if (approval?.n) lines.push(["asked", `${approval.n} of ${(approval.of ?? []).join(" ")}`]);
  if (approval) lines.push(["review", `${approval.state}, version ${approval.version}`]);
  if (result) lines.push(["outcome", `${result.status} after ${result.dur_us} µs`]);
  return lines;
};

const hashedValue = ({ name, value, salt, pair: text, commitment }) => folded(
  make("span", "", seen(name)),
  make("p", "", seen(value)),
  make("p", "small dim", "SHA-256 of the salt ", code(salt), " and of these bytes:"),
  exact(text),
  make("p", "small dim", "is ", code(commitment), ", which the leaf commits to."),
);

const bytesShown = (bytes) => {
  try {
    return seen(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return code(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" "));
  }
};

const provedEntry = (entry) => {
  const { leaf } = entry;
  const facts = [...told(leaf), ...entry.opened.filter(({ value }) => value.length <= 200 && !/^[[{]/.test(value)).map(({ name, value }) => [name, value])];
  const inside = [
    make("p", "small dim", "SHA-256 of a zero byte and of these bytes:"),
    exact(entry.text),
    make("p", "small dim", "is ", code(entry.hash), `, and with the ${entry.proof} hashes of its proof that leads to the signed root.`),
    ...entry.opened.map(hashedValue),
  ];
  if (entry.payload) {
    inside.push(folded(
      `The action's ${entry.payload.bytes.length} bytes`,
      make("pre", "bytes", make("code", "", bytesShown(entry.payload.bytes))),
      make("p", "small dim", "with the salt ", code(entry.payload.salt), " open ", code(entry.payload.commitment), "."),
    ));
  }
  return make(
    "li", "",
    make("b", "", leaf.type), " ", make("span", "small dim", `entry ${entry.index} · ${leaf.time}`),
    make("dl", "pairs", ...pair(leaf.actor.kind, seen(leaf.actor.id)), ...facts.flatMap(([name, value]) => pair(name, seen(value)))),
    ticks(entry),
    folded("What exactly was hashed", ...inside),
  );
};

const checkedEntry = (entry, failure) =>
  make("li", "", make("b", "", `entry ${entry.index}`), ticks(entry, failure?.place === entry.place ? failure : null));

const checkpointOf = ({ checkpoint }) => make(
  "div", "",
  make("h3", "", "The signed checkpoint"),
  make("dl", "pairs", ...pair("log", seen(checkpoint.origin)), ...pair("entries", `${checkpoint.size}`), ...pair("root", code(checkpoint.root)),
    ...checkpoint.witnesses.flatMap(({ name, time }) => pair("witness", seen(name), `, ${time} seconds since 1970`))),
  folded("What exactly was signed", exact(checkpoint.text)),
);

const TITLES = {
  holds: "The receipt holds",
  fails: "The receipt does not hold",
  unreadable: "This can't be checked",
  unable: "This browser can't check it",
};

/** Draws a verdict. Of a receipt that fails nothing is shown as proved. */
const draw = (place, verdict) => {
  const holds = verdict.verdict === "holds";
  const head = make("div", `verdict ${verdict.verdict}`, make("b", "", TITLES[verdict.verdict]), make("p", "", seen(verdict.told)));
  head.setAttribute("role", holds ? "status" : "alert");
  head.tabIndex = -1;
  const parts = [head];
  if (verdict.verdict === "unable") {
    parts.push(make("p", "", "Nothing was found out about the receipt. Use a newer browser, or ", make("code", "", "countersign verify"), "."));
  }
  if (verdict.verdict === "fails") parts.push(make("p", "small dim", "A receipt that fails in one place proves nothing in the others. docs/ERRORS.md lists the codes."));
  if (verdict.checkpoint) parts.push(checkpointOf(verdict));
  if (verdict.entries.length) {
    parts.push(
      make("h3", "", holds ? "Proved, entry by entry" : "How far the check came"),
      make("ol", "proved", ...verdict.entries.map((entry) => (holds ? provedEntry(entry) : checkedEntry(entry, verdict)))),
    );
  }
  if (holds) parts.push(make("h3", "", "Not proved"), make("ul", "notes", ...verdict.unproved.map((line) => make("li", "", line))));
  place.replaceChildren(...parts);
  head.focus({ preventScroll: true });
};

const panel = $("#verify");
// Loaded with the page, so that a file can be checked with no network left.
const loading = panel && import(panel.dataset.module);
loading?.catch(() => {});
const result = $("#verdict");
const form = panel && $("form", panel);

/** The receipt's exact bytes: of the chosen file, or of this page's action. */
const received = async () => {
  const file = form.elements.file?.files[0];
  if (file) return new Uint8Array(await file.arrayBuffer());
  if (!panel.dataset.receipt) throw new Error("choose a receipt first");
  const response = await fetch(panel.dataset.receipt, { cache: "no-store" });
  if (!response.ok) throw new Error(`the receipt could not be fetched: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

const check = async () => {
  const button = $("button", form);
  button.disabled = true;
  result.setAttribute("aria-busy", "true");
  result.replaceChildren(make("p", "dim", "Checking…"));
  try {
    const { verify } = await loading;
    draw(result, await verify(await received(), form.elements.key.value, { witnesses: Number(form.elements.witnesses.value) || 0 }));
  } catch (error) {
    draw(result, { verdict: "unreadable", told: error.message, entries: [] });
  } finally {
    result.removeAttribute("aria-busy");
    button.disabled = false;
  }
};

const listen = () => {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    check();
  });
  $("button", form).disabled = false;
  // A file may be dropped anywhere on the panel.
  const field = form.elements.file;
  if (!field) return;
  for (const kind of ["dragover", "drop"]) {
    panel.addEventListener(kind, (event) => {
      event.preventDefault();
      panel.classList.toggle("over", kind === "dragover");
      if (kind === "drop" && event.dataTransfer.files.length) field.files = event.dataTransfer.files;
    });
  }
  panel.addEventListener("dragleave", () => panel.classList.remove("over"));
};

if (panel) listen();
