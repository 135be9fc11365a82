// Prometheus' text format, as far as the console needs it. In: the text. Out: samples with their labels.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const ESCAPES = { n: "\n", "\\": "\\", '"': '"' };

/** All samples of a page, by name. */
export function parse(text) {
  const samples = new Map();
  for (const line of text.split("\n")) {
    const found = line.startsWith("#") ? null : SAMPLE.exec(line);
    if (!found) continue;
    const [, name, written, value] = found;
    const labels = {};
    for (const [, label, escaped] of (written ?? "").matchAll(LABEL)) {
      labels[label] = escaped.replace(/\\(.)/g, (_, letter) => ESCAPES[letter] ?? letter);
    }
    if (!samples.has(name)) samples.set(name, []);
    samples.get(name).push({ labels, value: Number(value) });
  }
  return samples;
}

/** The samples of one name. */
export function rows(samples, name) {
  return samples.get(name) ?? [];
}

/** The sum of those that have these labels. */
export function sum(samples, name, labels = {}) {
  const fits = (sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value);
  return rows(samples, name).filter(fits).reduce((total, { value }) => total + value, 0);
}
