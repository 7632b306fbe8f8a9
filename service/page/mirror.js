// A text laid out as a text field lays it out, so that places in it can be asked for. It stands in blocks of whole lines:
// an edit lays out one block again, not a book. Within a block there is one text node, because elements would move
// letters (nothing is kerned across an element's edge), and what is typed is never read as markup.

import { editBetween } from "./edit.js";

// In UTF-16 units. A block ends with the first line that reaches it.
const BLOCK = 2_000;

/** Draws a text into the element `place`, which it has to itself. */
export class Mirror {
  #place;
  #text = null;
  #starts = []; // where each block begins in the text

  constructor(place) {
    this.#place = place;
  }

  /** Shows `text` in place of what is there. */
  show(text) {
    // The field gives an empty last line a height; a block does so only if something is on it.
    const after = text + "\n";
    if (after === this.#text) return;
    const edit = editBetween(this.#text ?? "", after);
    const moved = edit.inserted.length - (edit.end - edit.start);
    const first = this.#text === null ? 0 : this.#blockOf(edit.start);
    const last = this.#text === null ? -1 : this.#blockOf(edit.end);
    const start = this.#starts[first] ?? 0;
    const end = (this.#starts[last + 1] ?? this.#text?.length ?? 0) + moved;
    const parts = blocksOf(after.slice(start, end));
    if (first === last && parts.length === 1) {
      // The browser need not shape the rest of a long line again.
      this.#node(first).replaceData(edit.start - start, edit.end - edit.start, edit.inserted);
    } else {
      const old = [...this.#place.children].slice(first, last + 1);
      const next = this.#place.children[last + 1] ?? null;
      old.forEach((block) => block.remove());
      for (const part of parts) this.#place.insertBefore(blockFrom(part), next);
    }
    let place = start;
    const starts = parts.map((part) => (place += part.length) - part.length);
    const later = this.#starts.slice(last + 1).map((later) => later + moved);
    this.#starts = [...this.#starts.slice(0, first), ...starts, ...later];
    this.#text = after;
  }

  /** The text from `start` to `end` as a range of the document. */
  range(start, end) {
    const range = document.createRange();
    const [first, last] = [this.#blockOf(start), this.#blockOf(Math.max(start, end - 1))];
    range.setStart(this.#node(first), start - this.#starts[first]);
    range.setEnd(this.#node(last), end - this.#starts[last]);
    return range;
  }

  #node(block) {
    return this.#place.children[block].firstChild;
  }

  /** The number of the block that holds `place`. */
  #blockOf(place) {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#starts[middle] <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** `text`, which ends with a line break or not at all, in parts that end with line breaks. */
function blocksOf(text) {
  const parts = [];
  let start = 0;
  while (start < text.length) {
    const end = text.indexOf("\n", start + BLOCK - 1) + 1 || text.length;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts;
}

function blockFrom(text) {
  const block = document.createElement("div");
  block.textContent = text;
  return block;
}
