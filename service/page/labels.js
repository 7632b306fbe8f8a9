// Labels as people see them: a hue each, always beside the label's own letters, and words for the common ones.

const KNOWN = new Map([
  ["PER", { hue: 28, words: "people" }],
  ["LOC", { hue: 150, words: "places" }],
  ["ORG", { hue: 262, words: "organisations" }],
  ["DATE", { hue: 85, words: "dates" }],
  ["MISC", { hue: 325, words: "other names" }],
]);
// Between those, the widest gaps first.
const OTHER_HUES = [205, 295, 118, 357, 56, 178, 234, 310, 100, 12];

const others = new Map();

/** A hue in degrees, the same for a label as long as the page is open. */
export function hueOf(label) {
  if (KNOWN.has(label)) return KNOWN.get(label).hue;
  if (!others.has(label)) others.set(label, OTHER_HUES[others.size % OTHER_HUES.length]);
  return others.get(label);
}

/** What a label stands for, or nothing. */
export function wordsFor(label) {
  return KNOWN.get(label)?.words ?? "";
}
