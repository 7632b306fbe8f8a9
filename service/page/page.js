// The page: what its controls change. All that it knows is in `state`; every change goes through `change`, and the next
// frame shows it.

import { copy } from "./clipboard.js";
import { carriedOver, editBetween } from "./edit.js";
import { asCsv, asHtml, asJson, save } from "./exports.js";
import { ACCEPTED, FileProblem, stemOf, textsOf } from "./files.js";
import { fromFragment, linkTo } from "./link.js";
import { Requests } from "./requests.js";
import { samplesFor, speaks } from "./samples.js";
import { findEntities, Problem, redactedText, servedModels } from "./service.js";
import { AUTO, initialState, requestBody, shownReadings } from "./state.js";
import { Replacements } from "./undo.js";
import { commandOf, offerChoices, View } from "./view.js";

// Long enough that a word is not sent letter by letter, short enough that the marks seem to follow the hand.
const TYPING_PAUSE_MS = 160;

const at = (id) => document.getElementById(id);
const field = at("text");

const state = initialState();
const replacements = new Replacements();
const view = new View({ toggled: (off) => change({ off }) });
let frame = 0; // the one that is waited for
let wished = fromFragment(location.hash); // what a link asks for, until the models are known

const requests = new Requests({
  ask,
  begun: () => change({ typing: false, asking: true }),
  answered: (readings) => change({ readings, asking: false, problem: null }),
  failed: (problem) => change({ asking: false, problem }),
});

function change(values) {
  Object.assign(state, values);
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    view.draw(state, replacements.canUndo(state.text));
  });
}

// -- what is asked --------------------------------------------------------------------------------------------------

/** The models first, if they are not known yet, then the entities, as each model that is to read the text finds them. */
async function ask(signal) {
  if (!state.models.length) meet(await servedModels(state.key, signal));
  if (!state.text) return [];
  // Half of a surrogate pair is no text; its stand-in is as long.
  const text = state.text.toWellFormed();
  const models = [state.model, state.other].filter(Boolean);
  return Promise.all(models.map((model) => findEntities(text, model, state.key, signal)));
}

function meet(models) {
  change({ models, model: models.length > 1 ? AUTO : models[0].name });
  if (wished) restore(putText);
  // What the browser has kept in the field over a reload comes before any sample.
  else if (!field.value) field.value = samplesFor([models[0]])[0].text;
  change({ text: field.value });
  offerChoices(state, trySample);
}

/** Take over what a link asks for; `put` takes its text. The text leaves the address, and so the browser's history. */
function restore(put) {
  const { text, model, other, ...settings } = wished;
  wished = null;
  history.replaceState(null, "", location.pathname + location.search);
  const names = state.models.map(({ name }) => name);
  const unknown = [model, other].filter((name) => name && name !== AUTO && !names.includes(name));
  change({
    ...settings,
    model: names.includes(model) || (model === AUTO && names.length > 1) ? model : state.model,
    other: names.includes(other) && names.length > 1 ? other : "",
  });
  at("threshold").value = state.threshold;
  showThreshold();
  at("unit").value = state.unit;
  put({ text, title: "text" });
  if (unknown.length) change({ notice: `The link names ${unknown.join(" and ")}, which is no model of this service.` });
}

// -- the text -------------------------------------------------------------------------------------------------------

function edit(text, pause) {
  carryOver(text);
  change({ notice: "" });
  requests.after(pause);
}

/** Take over an edited text, with the entities that it left whole. */
function carryOver(text) {
  const between = editBetween(state.text, text);
  const readings = state.readings.map((reading) => ({ ...reading, entities: carriedOver(reading.entities, between) }));
  change({ text, readings, typing: true });
}

/** Put another text in place of the one that is there: {text, title}, and {texts, number} where its file has several. */
function replaceText(after) {
  const { title, texts, number } = state;
  replacements.add({ text: field.value, title, texts, number }, after);
  putText(after);
}

function putText(text) {
  showText(text);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
}

function showText({ text, title, texts = [], number = 0 }) {
  field.value = text;
  change({ title, texts, number });
  edit(text, 0);
}

/** Go to another text of the file. What was changed in the one that is left stays changed. */
function turnTo(number) {
  const { title, texts } = state;
  if (number in texts) showText({ text: texts[number], title, texts: texts.with(state.number, field.value), number });
}

function undo() {
  if (replacements.canUndo(field.value)) putText(replacements.undo());
}

function trySample(sample) {
  const chosen = state.models.find((model) => model.name === state.model);
  const speaker = state.models.find((model) => speaks(model, sample.language));
  if (chosen && speaker && !speaks(chosen, sample.language)) choose(speaker.name);
  replaceText({ text: sample.text, title: "text" });
}

async function openFiles([file, ...more]) {
  if (!file) return;
  try {
    if (more.length) throw new FileProblem("One file at a time, please.");
    const texts = await textsOf(file);
    replaceText({ text: texts[0], title: stemOf(file.name), texts: texts.length > 1 ? texts : [] });
  } catch (error) {
    if (!(error instanceof FileProblem)) throw error;
    change({ notice: error.message });
  }
}

field.addEventListener("input", (event) => {
  if (event.isComposing) {
    // The letters on the way to a Chinese character are no text yet.
    requests.cancel();
    carryOver(field.value);
    change({ asking: false });
  } else {
    edit(field.value, event.inputType === "insertFromPaste" ? 0 : TYPING_PAUSE_MS);
  }
});
field.addEventListener("compositionend", () => edit(field.value, TYPING_PAUSE_MS));
field.addEventListener("keydown", (event) => {
  const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
  if (!isUndo || !replacements.canUndo(field.value)) return;
  event.preventDefault();
  undo();
});
at("clear").addEventListener("click", () => replaceText({ text: "", title: "text" }));
at("undo").addEventListener("click", undo);
at("text-before").addEventListener("click", () => turnTo(state.number - 1));
at("text-after").addEventListener("click", () => turnTo(state.number + 1));
at("open").addEventListener("click", () => at("file").click());
at("file").accept = ACCEPTED;
at("file").addEventListener("change", async (event) => {
  await openFiles([...event.target.files]);
  event.target.value = ""; // the same file may be opened again
});

// A file that misses the text is not to take the page's place.
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    at("main").classList.toggle("dropping", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") openFiles([...event.dataTransfer.files]);
  });
}

// -- how it is read -------------------------------------------------------------------------------------------------

function choose(model) {
  at("model").value = model;
  change({ model });
  requests.after(0);
}

function showThreshold() {
  at("threshold-value").textContent = Number(at("threshold").value).toFixed(2);
}

at("model").addEventListener("change", (event) => choose(event.target.value));
at("beside").addEventListener("change", (event) => {
  change({ other: event.target.value, readings: state.readings.slice(0, 1) });
  requests.after(0);
});
at("threshold").addEventListener("input", (event) => {
  showThreshold();
  change({ threshold: Number(event.target.value) });
});
at("unit").addEventListener("change", (event) => change({ unit: event.target.value }));
at("retry").addEventListener("click", () => requests.after(0));
at("key-choice").addEventListener("submit", (event) => {
  event.preventDefault(); // the form is not to be sent anywhere
  change({ key: at("key").value.trim() });
  requests.after(0);
});
addEventListener("hashchange", () => {
  wished = fromFragment(location.hash);
  if (!wished || !state.models.length) return;
  restore(replaceText);
  offerChoices(state, trySample);
});

// -- what is taken away ---------------------------------------------------------------------------------------------

/** The name of a file of what is shown, without its kind. */
function stem() {
  return state.texts.length ? `${state.title}.${state.number + 1}` : state.title;
}

/** The reading of the chosen model, as it is shown. */
function shownReading() {
  const [{ entities, model } = { entities: [], model: state.model }] = shownReadings(state);
  return { text: state.text, entities, unit: state.unit, model };
}

/** The service redacts, so that the page takes out what a program would. */
async function saveRedacted() {
  const body = requestBody(state);
  try {
    if (!body) throw new Problem("No label is switched on.", 0, null);
    const text = await redactedText({ ...body, min_score: state.threshold }, state.key);
    save(`${stem()}.redacted.txt`, "text/plain", text);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    change({ notice: error.message });
  }
}

at("save-json").addEventListener("click", () =>
  save(`${stem()}.json`, "application/json", asJson(shownReading())),
);
at("save-csv").addEventListener("click", () => save(`${stem()}.csv`, "text/csv", asCsv(shownReading())));
at("save-html").addEventListener("click", () =>
  save(`${stem()}.html`, "text/html", asHtml(shownReading(), stem())),
);
at("save-redacted").addEventListener("click", saveRedacted);
at("link").addEventListener("click", async () => {
  const link = linkTo(location.href, state);
  if (link) await copy(link);
  const copied = "The link is copied. It contains the text, so whoever has the link can read it.";
  change({ notice: link ? copied : "The text is too long for a link. Download it instead." });
});
at("copy").addEventListener("click", async () => {
  await copy(commandOf(requestBody(state), state.key));
  at("copied").textContent = "Copied.";
});

change({ text: field.value });
requests.after(0);
