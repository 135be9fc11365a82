// The translation bench: what a frame becomes. Asks /console/dialects and /console/translate.

import { ask } from "/console/ask.js";
import { $, element } from "/console/parts.js";

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

export async function prepare() {
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
