// What the page itself did to the text, so that it can be taken back: a sample, a file or an empty text in its place. The
// browser keeps what was typed since, and forgets what was typed before.

// Each may be megabytes.
const MOST = 20;

export class Replacements {
  #past = [];

  /** Remember that `after` took the place of `before`, two texts with their titles: {text, title}. */
  add(before, after) {
    if (before.text === after.text) return;
    this.#past = [...this.#past, { before, after }].slice(-MOST);
  }

  /** Whether `text` is as the last replacement left it. */
  canUndo(text) {
    return this.#past.at(-1)?.after.text === text;
  }

  /** Forget the last replacement. Returns what stood before it. */
  undo() {
    return this.#past.pop().before;
  }
}
