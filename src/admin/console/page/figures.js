// What the gateway counts: whether it is well, its routes and upstreams, messages a second. Reads /readyz and /metrics.

import { ask } from "/console/ask.js";
import { parse, rows, sum } from "/console/metrics.js";
import { $, element, few, fill, line, row, whole } from "/console/parts.js";

const EVERY = 2000;
/** Rates that are drawn: of the last two minutes. */
const KEPT = 60;

const history = new Map();
let before;

function state(words, kind) {
  $("state").textContent = words;
  $("state").className = kind;
}

export async function count() {
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
