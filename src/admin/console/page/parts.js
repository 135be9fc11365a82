// Small parts of the page. Whatever is put on it is text, never markup.

export const $ = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

export function row(cells) {
  return element("tr", {}, ...cells.map(({ text, kind, node }) => element("td", kind ? { class: kind } : {}, node ?? String(text ?? ""))));
}

export function fill(table, made, otherwise) {
  const columns = $(table).tHead.rows[0].cells.length;
  const none = element("tr", {}, element("td", { colspan: columns, class: "quiet" }, otherwise));
  $(table).tBodies[0].replaceChildren(...(made.length ? made : [none]));
}

export const whole = new Intl.NumberFormat("en");
export const few = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

export function line(values) {
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
