// What the page shows, as files. Each form is a function from a reading, {text, entities, unit, model}, to a string.

import { hueOf } from "./labels.js";
import { inUnit } from "./offsets.js";

/** As the API answers. */
export function asJson({ text, entities, unit, model }) {
  const ents = rows(text, entities, unit).map(([name, label, score, start, end]) => ({
    ...{ start, end, label, text: name, score },
  }));
  return JSON.stringify({ text: text.toWellFormed(), ents, model }, null, 2) + "\n";
}

/** A row a name. The mark at the beginning tells spreadsheets that it is UTF-8. RFC 4180. */
export function asCsv({ text, entities, unit }) {
  const lines = [["text", "label", "score", "start", "end"], ...rows(text, entities, unit)];
  return "\ufeff" + lines.map((line) => line.map(field).join(",") + "\r\n").join("");
}

/** A page that stands by itself and looks as this one does: no script, no font, no other file. */
export function asHtml({ text, entities }, title) {
  const parts = [];
  let reached = 0;
  for (const { start, end, label, score } of entities) {
    const gloss = `${escaped(label)} ${score.toFixed(2)}`;
    parts.push(
      escaped(text.slice(reached, start)),
      `<mark data-gloss="${gloss}" style="--hue:${hueOf(label)}">${escaped(text.slice(start, end))}</mark>`,
    );
    reached = end;
  }
  parts.push(escaped(text.slice(reached)));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
${STYLE}</style>
</head>
<body>
<main><h1>${escaped(title)}</h1><p>${parts.join("")}</p></main>
</body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.125rem/2.25 Palatino, Georgia, serif; }
h1 { font: 600 1rem/1.5 system-ui, sans-serif; }
p { white-space: pre-wrap; overflow-wrap: anywhere; }
mark { position: relative; padding: 0.1rem 0.15rem; border-radius: 0.25rem 0.25rem 0 0; color: inherit;
  border-bottom: 2px solid light-dark(oklch(0.55 0.15 var(--hue)), oklch(0.72 0.12 var(--hue)));
  background: light-dark(oklch(0.945 0.038 var(--hue)), oklch(0.34 0.055 var(--hue))); }
mark::before { content: attr(data-gloss); position: absolute; left: 0.15rem; bottom: 100%; white-space: nowrap;
  color: light-dark(oklch(0.46 0.13 var(--hue)), oklch(0.8 0.1 var(--hue)));
  font: 600 0.625rem/1.25 system-ui, sans-serif; }
`;

function rows(text, entities, unit) {
  const places = inUnit(
    text,
    entities.flatMap(({ start, end }) => [start, end]),
    unit,
  );
  return entities.map(({ start, end, label, score }, number) => [
    text.slice(start, end),
    label,
    score,
    places[2 * number],
    places[2 * number + 1],
  ]);
}

function field(value) {
  const words = String(value);
  return /[",\r\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
}

function escaped(text) {
  const entities = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.toWellFormed().replace(/[&<>"]/g, (sign) => entities[sign]);
}

/** Have the browser save `content` under this name. */
export function save(name, type, content) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  // The browser has taken the content by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href));
}
