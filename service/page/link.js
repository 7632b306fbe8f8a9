// A text and how it is read as the fragment of a link. A browser keeps a fragment to itself: it is in no request, so in no
// log of a server. The fields have the API's names.

import { MIN_SCORE } from "./state.js";

// What mail programs and chats leave whole, roughly.
const LONGEST = 32_000;
const UNITS = new Set(["codepoint", "utf16", "utf8"]);

/** A link to `page` that brings back `state`, or null if the text is too long for one. */
export function linkTo(page, { text, models, model, other, off, threshold, unit }) {
  const fields = new URLSearchParams();
  fields.set("text", text.toWellFormed());
  if (models.length > 1) fields.set("model", model);
  if (other) fields.set("other", other);
  for (const label of off) fields.append("off", label);
  if (threshold !== MIN_SCORE) fields.set("min_score", threshold);
  if (unit !== "codepoint") fields.set("offset_unit", unit);
  const link = `${page.split("#")[0]}#${fields}`;
  return link.length > LONGEST ? null : link;
}

/** What a fragment asks for, of what `linkTo` puts there; what makes no sense is left out. */
export function fromFragment(fragment) {
  const fields = new URLSearchParams(fragment.slice(1));
  if (!fields.has("text")) return null;
  const threshold = Number(fields.get("min_score") ?? MIN_SCORE);
  const unit = fields.get("offset_unit");
  return {
    text: fields.get("text").replace(/\r\n?/g, "\n"),
    model: fields.get("model"),
    other: fields.get("other") ?? "",
    off: new Set(fields.getAll("off")),
    threshold: threshold >= 0 && threshold <= 1 ? threshold : MIN_SCORE,
    unit: UNITS.has(unit) ? unit : "codepoint",
  };
}
