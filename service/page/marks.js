// The names as boxes behind the text that is being typed. A mirror under the text field holds the same characters in
// the same places; the boxes are drawn where its letters are. The mirror stays one plain text: elements in it would move
// letters (nothing is kerned across an element's edge), and what is typed is never read as markup.

import { hueOf } from "./labels.js";

// Between two glosses, in pixels.
const GAP = 6;

/**
 * A box per line of each entity that begins between `top` and `bottom` on the screen, in `layer`, which covers `mirror`,
 * whose only child is the text. A long text has thousands of names, and room for a few. Returns the number of the
 * first entity drawn, and the boxes of it and of those after it.
 */
export function drawMarks(layer, mirror, entities, { top, bottom }) {
  const node = mirror.firstChild;
  const origin = layer.getBoundingClientRect();
  const first = firstFrom(node, entities, top);
  const boxes = entities.slice(first, firstFrom(node, entities, bottom)).map((entity) => {
    const lines = linesOf(node, entity);
    return lines.map((line, index) => boxOf(entity, line, origin, index === 0, index === lines.length - 1));
  });
  const drawn = boxes.flat();
  drawn.forEach((box, index) => box.style.setProperty("--room", `${roomFor(box, drawn[index + 1], layer)}px`));
  layer.replaceChildren(...drawn);
  return { first, boxes };
}

/** How wide the gloss over `box` may be: as far as the next one on its line, or to the edge. */
function roomFor(box, next, layer) {
  const besideNext = next && Math.abs(parseFloat(next.style.top) - parseFloat(box.style.top)) < 1;
  const end = besideNext ? parseFloat(next.style.left) - GAP : layer.clientWidth;
  return end - parseFloat(box.style.left);
}

/** Where `entity` begins, as a rectangle on the screen. */
export function placeOf(mirror, entity) {
  return rectangleOf(mirror.firstChild, entity);
}

/** The number of the first entity that begins at `y` or below. Entities come in the order of the text. */
function firstFrom(node, entities, y) {
  let low = 0;
  let high = entities.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rectangleOf(node, entities[middle]).top < y) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rectangleOf(node, { start }) {
  const range = document.createRange();
  range.setStart(node, start);
  range.setEnd(node, start + 1);
  return range.getBoundingClientRect();
}

/** Where a name is on the screen: a rectangle per line, from the first letter there to the last. */
function linesOf(node, entity) {
  const range = document.createRange();
  const lines = [];
  // Word by word, because a space at the end of a line is outside of it.
  for (const word of node.data.slice(entity.start, entity.end).matchAll(/\S+/g)) {
    const start = entity.start + word.index;
    range.setStart(node, start);
    range.setEnd(node, start + word[0].length);
    for (const { left, right, top, bottom } of range.getClientRects()) {
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

function boxOf(entity, line, origin, first, last) {
  const box = document.createElement("div");
  box.className = "mark";
  box.classList.toggle("first", first);
  box.classList.toggle("last", last);
  box.dataset.start = entity.start;
  box.dataset.end = entity.end;
  box.dataset.label = entity.label;
  box.dataset.score = entity.score.toFixed(2);
  box.style.setProperty("--hue", hueOf(entity.label));
  box.style.left = `${line.left - origin.left}px`;
  box.style.top = `${line.top - origin.top}px`;
  box.style.width = `${line.right - line.left}px`;
  box.style.height = `${line.bottom - line.top}px`;
  return box;
}

/** The entities of `before` that an edit left whole, where they are in `after`: to be shown until the answer comes. */
export function carriedOver(entities, before, after) {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const editEnd = before.length - tail;
  const moved = after.length - before.length;
  return entities
    .filter((entity) => entity.end <= head || entity.start >= editEnd)
    .map((entity) =>
      entity.start >= editEnd ? { ...entity, start: entity.start + moved, end: entity.end + moved } : entity,
    );
}
