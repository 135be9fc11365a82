// The console of one gateway: what it counts, what happens, what a frame becomes. Reads /metrics, /readyz and
// /console/*; everything that comes from there is put on the page as text, never as markup.

import { parse, sum, rows } from "/console/metrics.js";

const EVERY = 2000;
const KEPT = 60;
const SHOWN = 200;

const $ = (id) => document.getElementById(id);

// ---- asking ------------------------------------------------------------------------------------------------------

const TOKEN = "dragoman admin token";

/** Asks the gateway; asks the operator for a token where one is wanted. */
async function ask(path, options = {}) {
  const token = sessionStorage.getItem(TOKEN);
  const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const answer = await fetch(path, { ...options, headers, cache: "no-store" });
  if (answer.status !== 401) return answer;
  // Another answer may have brought a newer token meanwhile.
  if (sessionStorage.getItem(TOKEN) === token) await askForToken(token);
  return ask(path, options);
}

let asking;
function askForToken(refused) {
  asking ??= new Promise((resolve) => {
    const dialog = $("token-dialog");
    $("token-refused").textContent = refused ? "That token was not taken." : "";
    dialog.addEventListener("close", () => {
      sessionStorage.setItem(TOKEN, $("token").value.trim());
      $("token").value = "";
      asking = undefined;
      resolve();
    }, { once: true });
    dialog.showModal();
  });
  return asking;
}

// ---- small parts of the page -----------------------------------------------------------------------------------------

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

function row(cells) {
  return element("tr", {}, ...cells.map(({ text, kind, node }) => element("td", kind ? { class: kind } : {}, node ?? String(text ?? ""))));
}

function fill(table, made, otherwise) {
  const columns = $(table).tHead.rows[0].cells.length;
  const none = element("tr", {}, element("td", { colspan: columns, class: "quiet" }, otherwise));
  $(table).tBodies[0].replaceChildren(...(made.length ? made : [none]));
}

const whole = new Intl.NumberFormat("en");
const few = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

function line(values) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const most = Math.max(...values, 1e-9);
  const points = values.map((value, at) => `${(at / Math.max(values.length - 1, 1)) * 100},${19 - (value / most) * 18}`);
  svg.setAttribute("viewBox", "0 0 100 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `at most ${few.format(Math.max(...values, 0))} a second`);
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  drawn.setAttribute("points", points.join(" "));
  svg.append(drawn);
  return svg;
}

// ---- what it counts ----------------------------------------------------------------------------------------------------

const history = new Map();
let before;

function state(words, kind) {
  $("state").textContent = words;
  $("state").className = kind;
}

async function count() {
  try {
    const [ready, metrics] = await Promise.all([ask("/readyz"), ask("/metrics")]);
    const said = await ready.json();
    const ailing = ailments(said);
    state([said.status, ...ailing].join("; "), ready.ok && !ailing.length ? "good" : "bad");
    show(parse(await metrics.text()), performance.now());
  } catch {
    state("the gateway does not answer", "bad");
  } finally {
    setTimeout(count, EVERY);
  }
}

/** What is not well, of an answer that says of each part, or each of a kind of parts, how it is. */
function ailments({ status: _, ...parts }) {
  const told = (name, part) => (typeof part === "object" ? Object.entries(part ?? {}).flatMap(([one, how]) => told(`${name} ${one}`, how))
    : part === "ok" ? [] : [`${name}: ${part}`]);
  return Object.entries(parts).flatMap(([name, part]) => told(name, part));
}

function show(samples, now) {
  const version = rows(samples, "dragoman_build_info")[0]?.labels.version;
  const connections = sum(samples, "dragoman_connections");
  const sockets = sum(samples, "dragoman_websocket_connections");
  const figures = [["Version", version ?? "?"], ["Connections", whole.format(connections)], ["Sockets", whole.format(sockets)]];
  $("figures").replaceChildren(...figures.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value))));

  fill("routes", rows(samples, "dragoman_route_info").map(({ labels }) => {
    const refused = sum(samples, "dragoman_refused_total", { route: labels.route });
    return row([
      { text: labels.route }, { text: labels.dialect }, { text: labels.backend },
      { text: whole.format(sum(samples, "dragoman_websocket_connections", { route: labels.route })), kind: "number" },
      { text: whole.format(refused), kind: refused ? "number warn" : "number" },
    ]);
  }), "This config has no routes.");

  const endpoints = rows(samples, "dragoman_upstream_endpoint_healthy");
  $("upstreams").replaceChildren(...(endpoints.length ? endpoints : [null]).map((endpoint) => {
    if (!endpoint) return element("li", { class: "quiet" }, "None is known yet: every route leads to the hub, or nobody has come.");
    const healthy = endpoint.value === 1;
    const words = element("span", { class: healthy ? "good" : "bad" }, healthy ? "takes requests" : "is left out");
    return element("li", {}, `${endpoint.labels.upstream} at ${endpoint.labels.endpoint} `, words);
  }));
  traffic(samples, now);
}

/** Rates from what was counted two seconds ago. A gateway that began anew counts from nothing. */
function traffic(samples, now) {
  const pairs = new Map();
  for (const { labels, value } of rows(samples, "dragoman_messages_delivered_total")) {
    const key = JSON.stringify([labels.from, labels.to]);
    pairs.set(key, (pairs.get(key) ?? 0) + value);
  }
  const made = [];
  for (const [key, total] of [...pairs].sort()) {
    if (total === 0) continue;
    const last = before?.pairs.get(key) ?? 0;
    const rate = before ? Math.max(0, total - last) / ((now - before.now) / 1000) : 0;
    const values = [...(history.get(key) ?? []), rate].slice(-KEPT);
    history.set(key, values);
    const [from, to] = JSON.parse(key);
    made.push(row([
      { text: from }, { text: to }, { text: few.format(rate), kind: "number" }, { node: line(values) },
      { text: whole.format(total), kind: "number" },
    ]));
  }
  fill("traffic", made, "No message has been delivered yet.");
  before = { pairs, now };
}

// ---- what happens ------------------------------------------------------------------------------------------------------

const STEPS = {
  accepted: ["accepted", ""], refused: ["refused", "bad"], heard: ["heard", ""], told: ["told", "good"], untold: ["not told", "warn"],
};
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 1 });
const seen = [];
let paused = false;

async function follow() {
  try {
    const answer = await ask("/console/events");
    if (!answer.ok) throw new Error((await answer.json()).error);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      lines.filter(Boolean).forEach((line) => happened(JSON.parse(line)));
    }
  } catch (error) {
    happened({ missed: undefined, note: `The stream broke: ${error.message}` });
  }
  setTimeout(follow, EVERY);
}

function happened(what) {
  seen.unshift(what);
  seen.length = Math.min(seen.length, SHOWN);
  if (!paused) draw();
}

let drawing = false;
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const wanted = $("filter").value.trim().toLowerCase();
    const shown = seen.filter((what) => !wanted || JSON.stringify(what).toLowerCase().includes(wanted));
    $("events").tBodies[0].replaceChildren(...shown.map(eventRow));
    $("no-events").hidden = shown.length > 0;
    $("no-events").textContent = seen.length ? "None of the latest has that." : "Nothing has happened since this page was opened.";
  });
}

function eventRow(what) {
  if (!what.step) {
    const words = what.note ?? `${whole.format(what.missed)} were missed: too much happened for this page.`;
    return element("tr", {}, element("td", { colspan: 7, class: "warn" }, words));
  }
  const [word, kind] = STEPS[what.step] ?? [what.step, ""];
  const notes = [what.reason, what.in_words?.length && `in words: ${what.in_words.join(", ")}`, what.words && `“${what.words}”`];
  const note = element("span", {}, notes.filter(Boolean).join("; "));
  if (what.lost?.length) {
    const count = what.lost.length === 1 ? "1 fact" : `${what.lost.length} facts`;
    note.append(element("details", {}, element("summary", {}, `${count} not told`), what.lost.join(", ")));
  }
  return row([
    { text: clock.format(new Date(what.at)) }, { text: word, kind },
    { text: what.place }, { text: what.to ? `${what.from} → ${what.to}` : what.from }, { text: what.kind },
    { text: what.conversation }, { node: note, kind: "note" },
  ]);
}

$("filter").addEventListener("input", draw);
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (!paused) draw();
});

// ---- what a frame becomes ----------------------------------------------------------------------------------------------

let dialects = [];
let example = "";

const side = () => $("bench").elements.side.value;

/** Puts an example in place of the last one; what somebody wrote stays. */
function offer() {
  const chosen = dialects.find(({ name }) => name === $("dialect").value);
  if ($("frame").value === example) {
    example = pretty(chosen?.[side()] ?? "");
    $("frame").value = example;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

async function prepare() {
  dialects = await (await ask("/console/dialects")).json();
  $("dialect").replaceChildren(...dialects.map(({ name }) => element("option", {}, name)));
  offer();
}

$("dialect").addEventListener("change", offer);
for (const radio of $("bench").elements.side) radio.addEventListener("change", offer);
$("frame").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    $("bench").requestSubmit();
  }
});

$("bench").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ dialect: $("dialect").value, side: side(), frame: $("frame").value });
  try {
    const answer = await ask("/console/translate", { method: "POST", body, headers: { "Content-Type": "application/json" } });
    const said = await answer.json();
    verdict(said.error ?? (said.refused && `Refused: ${said.refused}`) ?? `This is ${said.kind}.`, said.error || said.refused);
    $("results").replaceChildren(...(said.others ? [asEvent(said.event), ...said.others.map(asDialect)] : []));
  } catch (error) {
    verdict(`The gateway does not answer: ${error.message}`, true);
  }
});

function verdict(words, isBad) {
  $("verdict").textContent = words;
  $("verdict").className = isBad ? "bad" : "good";
}

function asEvent(event) {
  return element("article", { id: "event" }, element("h3", {}, "The event"), element("pre", {}, JSON.stringify(event, null, 2)));
}

function asDialect({ dialect, told, sent }) {
  return element("article", { "data-dialect": dialect }, element("h3", {}, dialect),
    ...form("Its clients are told", told), ...(sent ? form("An upstream of it is sent", sent) : []));
}

function form(title, said) {
  const heading = element("h4", {}, title);
  if (said.refused) return [heading, element("p", { class: "bad" }, said.refused)];
  const notes = [
    said.in_words.length > 0 && element("p", { class: "warn" }, `In words: ${said.in_words.join(", ")}`),
    said.lost.length > 0 && element("p", { class: "warn" }, `Lost: ${said.lost.join(", ")}`),
    said.made_up.length > 0 && element("p", { class: "quiet" }, `Examples here: ${said.made_up.join(", ")}`),
  ];
  return [heading, ...said.frames.map((frame) => element("pre", {}, pretty(frame))), ...notes.filter(Boolean)];
}

count();
follow();
prepare();
