// All that the page knows, and what follows from it. Nothing of it is stored, or sent anywhere but to this service.

import { compared } from "./comparison.js";

/** The name by which the service is asked to choose the model for a text. */
export const AUTO = "auto";
/** The API's default. */
export const MIN_SCORE = 0.3;

/** What the page knows when it opens. */
export function initialState() {
  return {
    models: [],
    model: null, // the choice: a name, or AUTO
    other: "", // a model to read the text beside the chosen one, or none
    text: "",
    title: "text", // the name of the file that the text came from, without its kind
    texts: [], // all texts of that file, if it has more than one
    number: 0, // of the text among them
    readings: [], // of `text`, by the chosen model, then by the other: {entities, model, language, milliseconds}
    key: "", // for a service, or a proxy before it, that asks for one; forgotten with the page
    typing: false, // the text has just been changed, and will be again in a moment
    asking: false,
    problem: null, // why there is no answer
    notice: "", // what else there is to say, in words
    off: new Set(), // labels not shown
    threshold: MIN_SCORE,
    unit: "codepoint",
  };
}

/** The models in the order of the readings: the chosen one, or the one that was chosen by the text, and the other. */
export function currentModels({ models, model, other, readings }) {
  const named = (name) => models.find((model) => model.name === name);
  const first = named(model === AUTO ? readings[0]?.model : model) ?? models[0];
  return [first, named(other)].filter(Boolean);
}

/** The labels that there is a choice of. */
export function offeredLabels(state) {
  return [...new Set(currentModels(state).flatMap(({ labels }) => labels))].sort();
}

/** The readings with the names that are shown. */
export function shownReadings({ readings, threshold, off }) {
  const isShown = (entity) => entity.score >= threshold && !off.has(entity.label);
  return readings.map((reading) => ({ ...reading, entities: reading.entities.filter(isShown) }));
}

/** How two readings compare, or null where there is one. */
export function comparison(readings) {
  return readings.length === 2 ? compared(readings) : null;
}

/** The request for what is shown, in the API's own defaults where nothing else is chosen; null if no label is. */
export function requestBody(state) {
  const offered = currentModels({ ...state, other: "" })[0]?.labels ?? [];
  const labels = offered.filter((label) => !state.off.has(label));
  if (offered.length && !labels.length) return null;
  return {
    text: state.text.toWellFormed(),
    ...(state.models.length > 1 && { model: state.model }),
    ...(labels.length < offered.length && { labels }),
    ...(state.threshold !== MIN_SCORE && { min_score: state.threshold }),
    ...(state.unit !== "codepoint" && { offset_unit: state.unit }),
  };
}
