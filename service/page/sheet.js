// A text on paper with its names marked. The marks lie behind the letters: those of a field that is typed in, or, on a
// sheet that is only read, those of the mirror itself.

import { drawMarks, placeOf } from "./marks.js";
import { Mirror } from "./mirror.js";

export class Sheet {
  #element;
  #layer;
  #mirror;
  #shown = { entities: [], differs: () => false };
  #marks = []; // of the entities in view
  #pointed = null;

  /** `hovered(entity)` hears which entity the pointer is over, or null; `scrolled(top)` how far down the text is. */
  constructor(element, { hovered, scrolled }) {
    this.#element = element;
    this.#layer = element.querySelector(".marks");
    this.#mirror = new Mirror(element.querySelector(".mirror"));
    element.addEventListener("pointermove", (event) => hovered(this.#entityAt(event.clientX, event.clientY)));
    element.addEventListener("pointerleave", () => hovered(null));
    element.addEventListener("scroll", () => {
      this.#mark();
      scrolled(element.scrollTop);
    });
    new ResizeObserver(() => this.#mark()).observe(element.querySelector(".mirror"));
  }

  /** Shows `text`, in `language` or one unknown, with its entities; `differs(entity)` says which are to stand out. */
  draw(text, language, entities, differs = () => false) {
    if (this.#element.lang !== language) this.#element.lang = language;
    this.#mirror.show(text);
    this.#shown = { entities, differs };
    this.#mark();
  }

  /** Bring out the marks of what overlaps `entity`, or none. */
  point(entity) {
    if (!entity && !this.#pointed) return;
    this.#pointed = entity;
    for (const mark of this.#marks) {
      const pointed = Boolean(entity) && mark.entity.start < entity.end && entity.start < mark.entity.end;
      for (const box of mark.boxes) box.classList.toggle("pointed", pointed);
    }
  }

  /** Bring `entity` into view. */
  reveal(entity) {
    this.#element.scrollIntoView({ block: "nearest" });
    const view = this.#element.getBoundingClientRect();
    const place = placeOf(this.#mirror, entity);
    const outside = place.top < view.top || place.bottom > view.bottom;
    if (outside) this.#element.scrollTop += place.top - view.top - view.height / 3;
  }

  scrollTo(top) {
    if (this.#element.scrollTop !== top) this.#element.scrollTop = top;
  }

  /** The marks of the names in view, and somewhat above and below, for a scroll to start with. */
  #mark() {
    const { entities, differs } = this.#shown;
    const { top, bottom, height } = this.#element.getBoundingClientRect();
    const view = { top: top - height / 2, bottom: bottom + height / 2, differs };
    this.#marks = height ? drawMarks(this.#layer, this.#mirror, entities, view) : [];
    this.point(this.#pointed);
  }

  #entityAt(x, y) {
    const over = this.#marks.find(({ boxes }) =>
      boxes.some((box) => {
        const { left, right, top, bottom } = box.getBoundingClientRect();
        return left <= x && x <= right && top <= y && y <= bottom;
      }),
    );
    return over?.entity ?? null;
  }
}
