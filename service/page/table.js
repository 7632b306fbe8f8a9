// The names as a table, a page of it at a time, so that each name of a long text can be reached. Rows stay the same
// elements from one letter to the next; what is not touched need not be laid out, nor read out, again.

import { hueOf } from "./labels.js";
import { inUnit } from "./offsets.js";

// More rows are slow to draw.
const ROWS = 100;
// How far a key goes from a name.
const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };

export class NameTable {
  #found;
  #body;
  #rows = [];
  #first = 0; // the number of the first entity on the page
  #focus = 0; // the row that the Tab key comes to: one stop on the keyboard's way, however many names there are
  #shown = { text: "", entities: [], unit: "codepoint" };
  #pointed = null;

  /** `found` has the table and its pager. `select(entity)` hears which name was chosen, `hovered(entity)` which one the
   * pointer is over, or null. */
  constructor(found, { select, hovered }) {
    this.#found = found;
    this.#body = found.querySelector("tbody");
    this.#body.addEventListener("click", ({ target }) => {
      if (target instanceof HTMLButtonElement) select(this.#entityOf(target));
    });
    this.#body.addEventListener("pointerover", ({ target }) => hovered(this.#entityOf(target)));
    this.#body.addEventListener("pointerleave", () => hovered(null));
    this.#body.addEventListener("keydown", (event) => this.#step(event));
    this.#pager("earlier").addEventListener("click", () => this.#turn(this.#first - ROWS));
    this.#pager("later").addEventListener("click", () => this.#turn(this.#first + ROWS));
  }

  /** Shows a page of `entities`, with offsets in `unit`. Where two models read the text, `by` says who found a name. */
  draw(text, entities, unit, by = null) {
    this.#shown = { text, entities, unit, by };
    this.#found.querySelector("table").hidden = !entities.length;
    this.#found.querySelector("table").classList.toggle("compared", Boolean(by));
    while (this.#first >= entities.length && this.#first > 0) this.#first -= ROWS;
    const page = entities.slice(this.#first, this.#first + ROWS);
    const places = inUnit(
      text,
      page.flatMap((entity) => [entity.start, entity.end]),
      unit,
    );
    while (this.#rows.length > page.length) this.#rows.pop().element.remove();
    while (this.#rows.length < page.length) this.#rows.push(new Row(this.#body));
    page.forEach((entity, number) => {
      const offsets = `${places[2 * number]}–${places[2 * number + 1]}`;
      const name = text.slice(entity.start, entity.end);
      const words = [name, entity.label, entity.score.toFixed(3), offsets, by ? by(entity) : ""];
      this.#rows[number].draw(words, hueOf(entity.label));
    });
    this.#drawPager(page.length, entities.length);
    this.#stopAt(this.#focus);
    this.point(this.#pointed);
  }

  /** Bring out the rows of what overlaps `entity`, or none; with `reveal`, turn to its page and scroll to its row. */
  point(entity, reveal = false) {
    if (!entity && !this.#pointed) return;
    this.#pointed = entity;
    if (entity && reveal) this.#reveal(entity);
    this.#rows.forEach(({ element }, number) => {
      const other = this.#shown.entities[this.#first + number];
      element.classList.toggle("pointed", Boolean(entity) && other.start < entity.end && entity.start < other.end);
    });
  }

  #reveal(entity) {
    const number = this.#shown.entities.findIndex(({ start, end }) => start < entity.end && entity.start < end);
    if (number < 0) return;
    if (number < this.#first || number >= this.#first + ROWS) this.#turn(number - (number % ROWS));
    this.#scrollTo(this.#rows[number - this.#first].element);
  }

  /** Where the table scrolls by itself, scroll it, and nothing around it. */
  #scrollTo(row) {
    const scrolled = this.#body.closest(".scrolled");
    const view = scrolled.getBoundingClientRect();
    const top = view.top + this.#body.parentElement.tHead.offsetHeight; // the head stays in place
    const place = row.getBoundingClientRect();
    if (place.top < top) scrolled.scrollTop -= top - place.top;
    else if (place.bottom > view.bottom) scrolled.scrollTop += place.bottom - view.bottom;
  }

  #turn(first) {
    this.#first = Math.max(0, first);
    this.#focus = 0;
    const { text, entities, unit, by } = this.#shown;
    this.draw(text, entities, unit, by);
  }

  #step(event) {
    const step = STEPS[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const last = this.#shown.entities.length - 1;
    const number = Math.min(last, Math.max(0, this.#first + this.#focus + step));
    if (number < this.#first || number >= this.#first + ROWS) this.#turn(number - (number % ROWS));
    this.#stopAt(number - this.#first);
    this.#rows[number - this.#first].button.focus();
  }

  #stopAt(row) {
    const old = this.#body.querySelector('button[tabindex="0"]');
    this.#focus = Math.max(0, Math.min(row, this.#rows.length - 1));
    const stop = this.#rows[this.#focus]?.button;
    if (old === stop) return;
    if (old) old.tabIndex = -1;
    if (stop) stop.tabIndex = 0;
  }

  #entityOf(element) {
    const row = element.closest("tr");
    return row ? this.#shown.entities[this.#first + row.sectionRowIndex] : null;
  }

  #drawPager(shown, all) {
    const number = (value) => value.toLocaleString("en");
    this.#pager("pager").hidden = all <= ROWS;
    show(this.#pager("range"), `${number(this.#first + 1)}–${number(this.#first + shown)} of ${number(all)}`);
    // A button that is disabled under the finger would lose the focus.
    this.#pager("earlier").ariaDisabled = String(this.#first === 0);
    this.#pager("later").ariaDisabled = String(this.#first + shown === all);
  }

  #pager(name) {
    return this.#found.querySelector(`#${name}`);
  }
}

// A row, which remembers what it shows: to ask the document would cost as much as a change.
class Row {
  #places;
  #words = [];
  #hue = null;

  constructor(body) {
    this.element = body.insertRow();
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.tabIndex = -1;
    this.element.insertCell().append(this.button);
    this.#places = [this.button, ...Array.from({ length: 4 }, () => this.element.insertCell())];
  }

  /** Shows name, label, score, offsets and finder, in the colour of `hue`. */
  draw(words, hue) {
    if (hue !== this.#hue) this.element.style.setProperty("--hue", hue);
    words.forEach((word, column) => {
      if (word !== this.#words[column]) this.#places[column].textContent = word;
    });
    this.#words = words;
    this.#hue = hue;
  }
}

/** Gives `element` these words, unless it has them. */
export function show(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
