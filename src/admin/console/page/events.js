// What happens, as it happens. Reads /console/events, a stream of lines.

import { ask } from "/console/ask.js";
import { $, element, row, whole } from "/console/parts.js";

const AGAIN = 2000;
const SHOWN = 200;

const STEPS = {
  accepted: ["accepted", ""], refused: ["refused", "bad"], heard: ["heard", ""], told: ["told", "good"], untold: ["not told", "warn"],
};
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 1 });
const seen = [];
let paused = false;

export async function follow() {
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
  setTimeout(follow, AGAIN);
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
