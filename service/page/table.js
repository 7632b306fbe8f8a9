// The names as a table. Most of it stays as it is from one letter to the next; what is not touched need not be laid out,
// nor read out, again.

import { hueOf } from "./labels.js";
import { inUnit } from "./offsets.js";

// More rows are of no use to anybody, and slow to draw.
const MOST_ROWS = 400;

/** Shows the first of `entities` in the rows of `body`, with offsets in `unit`. Returns how many are left out.
 * `select(number)` hears which name was clicked, `point(number, on)` which one the pointer is at. */
export function drawTable(body, text, entities, unit, { select, point }) {
  const listed = entities.slice(0, MOST_ROWS);
  const places = inUnit(
    text,
    listed.flatMap((entity) => [entity.start, entity.end]),
    unit,
  );
  while (body.rows.length > listed.length) body.deleteRow(-1);
  while (body.rows.length < listed.length) addRow(body, select, point);
  listed.forEach((entity, number) => {
    const [name, label, score, offsets] = body.rows[number].cells;
    body.rows[number].style.setProperty("--hue", hueOf(entity.label));
    show(name.firstChild, text.slice(entity.start, entity.end));
    show(label, entity.label);
    show(score, entity.score.toFixed(3));
    show(offsets, `${places[2 * number]}–${places[2 * number + 1]}`);
  });
  return entities.length - listed.length;
}

/** Rows come and go at the end, so that each keeps its number. */
function addRow(body, select, point) {
  const row = body.insertRow();
  const number = row.sectionRowIndex;
  const name = document.createElement("button");
  name.type = "button";
  name.addEventListener("click", () => select(number));
  row.addEventListener("pointerenter", () => point(number, true));
  row.addEventListener("pointerleave", () => point(number, false));
  row.insertCell().append(name);
  for (let column = 1; column < 4; column += 1) row.insertCell();
}

/** Gives `element` these words, unless it has them. */
export function show(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
