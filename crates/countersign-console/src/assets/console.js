// Clocks, live updates and keys. Every page works without this file; it only adds.

const $ = (selector, within = document) => within.querySelector(selector);
const announce = (text) => {
  const place = $("#announce");
  if (place) place.textContent = text;
};

// ---- clocks: the server's time counts, not this machine's
const sent = Number($('meta[name="server-time"]')?.content) / 1000;
const offset = Number.isFinite(sent) ? sent - Date.now() : 0;
const now = () => Date.now() + offset;

const span = (milliseconds) => {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const parts = [[Math.floor(seconds / 86400), "d"], [Math.floor(seconds / 3600) % 24, "h"], [Math.floor(seconds / 60) % 60, "min"], [seconds % 60, "s"]];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0 s";
  return parts.slice(first, first + 2).filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`).join(" ");
};

let expired = false;
const tick = () => {
  for (const clock of document.querySelectorAll("[data-until]")) {
    const left = Number(clock.dataset.until) / 1000 - now();
    const shown = left <= 0 ? "no time" : span(left);
    if (clock.textContent !== shown) clock.textContent = shown;
    clock.classList.toggle("soon", left < 120000);
    if (left <= 0 && !expired && $('#live[data-live="review"][data-state="pending"]')?.contains(clock)) {
      expired = true;
      for (const button of document.querySelectorAll("#answer button")) button.disabled = true;
      announce("Time is up. This review can no longer be answered.");
      setTimeout(refresh, 1500);
    }
  }
  for (const clock of document.querySelectorAll("[data-ago]")) {
    const shown = `${span(now() - Number(clock.dataset.ago) / 1000)} ago`;
    if (clock.textContent !== shown) clock.textContent = shown;
  }
};
const localTimes = () => {
  for (const clock of document.querySelectorAll("[data-local]")) clock.title = new Date(clock.dateTime).toLocaleString();
};

// ---- live: a notice only says that something changed; the page is read again and the live part replaced
let reading = false;
let again = false;
let answering = false;
const refresh = async () => {
  if (answering || !$("#live")) return;
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (response.redirected) {
      location.reload();
      return;
    }
    if (!response.ok) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("#live");
    const old = $("#live");
    if (fresh && old) replace(old, fresh, page.title);
  } catch {
    // The network is away; the next notice or poll tries again.
  } finally {
    reading = false;
    if (again) {
      again = false;
      refresh();
    }
  }
};

const replace = (old, fresh, title) => {
  const kind = old.dataset.live;
  if (kind === "review" && old.dataset.version === fresh.dataset.version && old.dataset.state === fresh.dataset.state) return;
  const focused = document.activeElement;
  const row = focused?.closest?.("[data-row]") ? focused.getAttribute("href") : null;
  const field = old.contains(focused) ? focused.id : null;
  const reason = $("#reason", old)?.value;
  const open = [...old.querySelectorAll("details")].map((one) => one.open);
  old.replaceWith(document.importNode(fresh, true));
  const live = $("#live");
  [...live.querySelectorAll("details")].forEach((one, at) => {
    if (open[at] !== undefined) one.open = open[at];
  });
  const box = $("#reason", live);
  if (box && reason) box.value = reason;
  document.title = title;
  if (row) $(`a[href="${CSS.escape(row)}"]`, live)?.focus();
  else if (field) (document.getElementById(field) ?? $("#main")).focus();
  expired = false;
  once();
  tick();
  localTimes();
  if (kind === "inbox") {
    if (old.dataset.count !== live.dataset.count) announce(`${live.dataset.count} to decide`);
  } else if (kind === "review") {
    announce(`This review is now ${live.dataset.state}, version ${live.dataset.version}.`);
    if (old.dataset.state !== "pending") return;
    const said = document.createElement("p");
    said.className = "banner notice";
    said.textContent = live.dataset.state === "pending" ? "It changed while you were looking. Look again before you answer." : "It was decided while you were looking.";
    live.prepend(said);
  }
};

// A page in front listens; one in the background asks now and then, because a browser grants few open connections
// to one host and every page of ours would hold one.
let events = null;
let poll = null;
const ask = (milliseconds) => {
  clearInterval(poll);
  poll = milliseconds ? setInterval(refresh, milliseconds) : null;
};
const lost = (yes) => {
  const line = $("#connection");
  if (line) line.hidden = !yes;
};
const listen = () => {
  events?.close();
  events = new EventSource("/api/v1/events");
  events.addEventListener("review", (event) => {
    const notice = JSON.parse(event.data);
    const own = $("#live")?.dataset.review;
    if (!own || own === notice.review) refresh();
  });
  events.onopen = () => {
    // What happened between drawing the page and listening is not sent, so look once more.
    refresh();
    ask(0);
    lost(false);
  };
  events.onerror = () => {
    lost(true);
    if (!poll) ask(5000);
    // A browser gives up after an answer that is no stream, such as one of a gateway that is starting.
    if (events.readyState === EventSource.CLOSED) setTimeout(() => document.hidden || listen(), 5000);
  };
};
const watch = () => {
  if (!$("#live")) return;
  const follow = () => {
    if (document.hidden) {
      events?.close();
      ask(15000);
    } else {
      listen();
    }
  };
  if (document.hidden) ask(15000);
  else listen();
  document.addEventListener("visibilitychange", follow);
  addEventListener("pagehide", () => events?.close());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
};

// ---- one click is one answer
const once = () => {
  const form = $("form[data-once]");
  form?.addEventListener("submit", () => {
    answering = true;
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });
};

// ---- keys
const rows = () => [...document.querySelectorAll("[data-row] a")].filter((link) => link.matches("[data-row] .what, td > a"));
const move = (step) => {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step))]?.focus();
};
const keys = {
  j: () => move(1),
  k: () => move(-1),
  a: () => $("#approve")?.focus(),
  d: () => $("#deny")?.focus(),
  i: () => location.assign("/"),
  h: () => location.assign("/history"),
  "/": () => ($("#search") ? $("#search").focus() : location.assign("/history")),
  "?": () => $("#keys")?.showModal(),
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")) return;
  const act = keys[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

tick();
localTimes();
once();
watch();
setInterval(tick, 1000);
