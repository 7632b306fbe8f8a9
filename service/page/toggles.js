// A box to tick per label, with how many names have it. The boxes stay the same elements, so that the keyboard does not
// lose its place.

import { hueOf, wordsFor } from "./labels.js";
import { show } from "./table.js";

/** Shows in `place` a toggle for each of `labels`, with its count; those in `off` are not ticked. `changed(off)` hears of
 * the new set. */
export function drawToggles(place, labels, counts, off, changed) {
  const drawn = [...place.children].map((toggle) => toggle.dataset.label);
  if (drawn.join("\n") !== labels.join("\n")) {
    place.replaceChildren(...labels.map((label) => toggleFor(label, () => changed(unticked(place)))));
  }
  for (const toggle of place.children) {
    const { label } = toggle.dataset;
    toggle.querySelector("input").checked = !off.has(label);
    show(toggle.querySelector(".count"), String(counts.get(label) ?? 0));
  }
}

function unticked(place) {
  const toggles = [...place.children].filter((toggle) => !toggle.querySelector("input").checked);
  return new Set(toggles.map((toggle) => toggle.dataset.label));
}

function toggleFor(label, changed) {
  const toggle = document.createElement("label");
  toggle.dataset.label = label;
  toggle.title = wordsFor(label);
  toggle.style.setProperty("--hue", hueOf(label));
  const box = document.createElement("input");
  box.type = "checkbox";
  box.autocomplete = "off";
  box.addEventListener("change", changed);
  const count = document.createElement("span");
  count.className = "count";
  toggle.append(box, label, " ", count);
  return toggle;
}
