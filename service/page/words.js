// What the page says, in words.

import { languageName } from "./card.js";
import { speaks } from "./samples.js";
import { comparison } from "./state.js";

/** How many entities have each label, in the order of the labels. */
export function countsOf(entities) {
  const counts = new Map();
  for (const { label } of entities) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** What is in the text: `shown` are the readings with the names that are shown, `readings` those with all. */
export function summaryOf(text, shown, readings) {
  if (!text || !shown.length) return "";
  const both = comparison(shown);
  if (both) return comparisonOf(both.counts, shown);
  const { entities } = shown[0];
  const parts = [...countsOf(entities)].map(([label, count]) => `${count} ${label}`);
  const hidden = readings[0].entities.length - entities.length;
  return (
    (entities.length ? `${namesOf(entities.length)}: ${parts.join(", ")}` : "No names") +
    (hidden ? `; ${hidden} hidden` : "")
  );
}

function comparisonOf({ both, one, other }, [first, second]) {
  return `${namesOf(both)} found by both, ${one} by ${first.model} alone, ${other} by ${second.model} alone`;
}

function namesOf(count) {
  return `${count} ${count === 1 ? "name" : "names"}`;
}

/** Who read the text, and how long that took. */
export function timingOf(characters, readings) {
  const parts = readings.map(({ model, milliseconds }) => `by ${model} in ${Math.round(milliseconds)} ms`);
  return parts.length ? `${characters.toLocaleString("en")} characters, read ${parts.join(", ")}` : "";
}

/** That a text is in a language which its model does not know, and which model does; nothing where all is well. */
export function languageNote(text, readings, models) {
  const unread = readings.filter(({ language }) => language?.supported === false);
  if (!text || !unread.length) return "";
  const { code, script } = unread[0].language;
  const name = code ? languageName(code) : `${script} script`;
  const readers = models.filter((model) => code && speaks(model, code.split("-")[0])).map((model) => model.name);
  const subject = readers.length ? unread.map(({ model }) => model).join(" and ") : "no model here";
  const verb = readers.length && unread.length > 1 ? "do not know" : readers.length ? "does not know" : "knows";
  const advice = readers.length ? ` Choose ${readers.join(" or ")}.` : "";
  return `This text seems to be in ${name}, which ${subject} ${verb}.${advice}`;
}

/** Why there is no answer, and what happens next. A key is asked for in words of the page's own. */
export function problemWords({ problem, text, key }) {
  if (!problem) return "";
  if (problem.status === 401) return keyWords(key);
  const seconds = problem.retryAfter;
  const again = seconds ? ` Trying again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.` : "";
  return `${problem.message}${again}${text ? " Your text is kept." : ""}`;
}

function keyWords(key) {
  if (!key) return "This service asks for a key.";
  // No header can hold anything else.
  if (!/^[\x20-\x7e]*$/.test(key)) return "A key has no letters such as ö or 王. Copy yours again.";
  return "The service does not know this key. Copy yours again, all of it.";
}
