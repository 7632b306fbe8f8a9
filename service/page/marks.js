// The names as boxes behind a text: drawn where its letters are, as a mirror of the text says.

import { hueOf } from "./labels.js";

// Between two glosses, in pixels.
const GAP = 6;
// The first and the last box of a name that wraps, and names that only one of two models finds.
const KINDS = ["first", "last", "differs"];

const styles = new WeakMap(); // what each box was given

/**
 * A box per line of each entity that begins between `top` and `bottom` on the screen, in `layer`, which covers the
 * mirror's place. A long text has thousands of names, and room for a few. `differs(entity)` says which are to stand out.
 * Boxes that are there are used again, because most of them stay as they are while somebody types. Returns the entities
 * drawn, each with its boxes.
 */
export function drawMarks(layer, mirror, entities, { top, bottom, differs }) {
  const origin = layer.getBoundingClientRect();
  const inView = entities.slice(firstFrom(mirror, entities, top), firstFrom(mirror, entities, bottom));
  const parts = inView.flatMap((entity) => {
    const lines = linesOf(mirror, entity);
    return lines.map((line, index) => ({
      entity,
      left: line.left - origin.left,
      top: line.top - origin.top,
      width: line.right - line.left,
      height: line.bottom - line.top,
      kinds: [index === 0 && "first", index === lines.length - 1 && "last", differs(entity) && "differs"],
    }));
  });
  while (layer.children.length > parts.length) layer.lastChild.remove();
  const marks = new Map(inView.map((entity) => [entity, []]));
  const { clientWidth } = layer;
  parts.forEach((part, index) => {
    const box = layer.children[index] ?? layer.appendChild(document.createElement("div"));
    fit(box, part, roomFor(part, parts[index + 1], clientWidth));
    marks.get(part.entity).push(box);
  });
  return [...marks].map(([entity, boxes]) => ({ entity, boxes }));
}

/** How wide the gloss over a part may be: as far as the next one on its line, or to the edge. */
function roomFor(part, next, edge) {
  const besideNext = next && Math.abs(next.top - part.top) < 1;
  return (besideNext ? next.left - GAP : edge) - part.left;
}

/** The number of the first entity that begins at `y` or below. Entities come in the order of the text. */
function firstFrom(mirror, entities, y) {
  let low = 0;
  let high = entities.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placeOf(mirror, entities[middle]).top < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Where `entity` begins, as a rectangle on the screen. */
export function placeOf(mirror, { start }) {
  return mirror.range(start, start + 1).getBoundingClientRect();
}

/** Where a name is on the screen: a rectangle per line, from the first letter there to the last. */
function linesOf(mirror, { start, end }) {
  const lines = [];
  // Word by word, because a space at the end of a line is outside of it.
  for (const word of mirror.range(start, end).toString().matchAll(/\S+/g)) {
    const from = start + word.index;
    for (const { left, right, top, bottom } of mirror.range(from, from + word[0].length).getClientRects()) {
      const last = lines.at(-1);
      if (last && Math.abs(last.top - top) < 1) {
        last.left = Math.min(last.left, left);
        last.right = Math.max(last.right, right);
      } else {
        lines.push({ left, right, top, bottom });
      }
    }
  }
  return lines;
}

/** Makes `box` the mark of a part. What is the same is not set again: that would cost as much as a change. */
function fit(box, { entity, kinds, ...place }, room) {
  box.dataset.start = entity.start;
  box.dataset.end = entity.end;
  const score = entity.score.toFixed(2);
  if (box.dataset.label !== entity.label) box.dataset.label = entity.label;
  if (box.dataset.score !== score) box.dataset.score = score;
  box.classList.add("mark");
  for (const kind of KINDS) box.classList.toggle(kind, kinds.includes(kind));
  const lengths = Object.entries({ ...place, "--room": room }).map(([side, length]) => `${side}: ${length}px;`);
  const style = [`--hue: ${hueOf(entity.label)};`, ...lengths].join(" ");
  if (styles.get(box) !== style) box.style.cssText = style;
  styles.set(box, style);
}
