// The page: what its controls change, and what is drawn from it. All that it knows is in `state`; every change goes
// through `change`, and the next frame shows it. Nothing typed is stored, or sent anywhere but to this service.

import { drawCard, languageNames } from "./card.js";
import { curlCommand } from "./curl.js";
import { hueOf, wordsFor } from "./labels.js";
import { carriedOver, drawMarks, placeOf } from "./marks.js";
import { Requests } from "./requests.js";
import { samplesFor, speaks } from "./samples.js";
import { findEntities, servedModels } from "./service.js";
import { drawTable, show } from "./table.js";

// Long enough that a word is not sent letter by letter, short enough that the marks seem to follow the hand.
const TYPING_PAUSE_MS = 160;
// The name by which the service is asked to choose the model for a text.
const AUTO = "auto";
const MIN_SCORE = 0.3; // the API's default

const at = (id) => document.getElementById(id);
const field = at("text");

const state = {
  models: [],
  model: null, // the choice: a name, or AUTO
  text: "",
  entities: [], // of `text`, all of them
  answer: null, // the last answer's {model, milliseconds}
  key: "", // for a service, or a door before it, that asks for one; forgotten with the page
  asking: false,
  problem: null,
  off: new Set(), // labels not shown
  threshold: MIN_SCORE,
  unit: "codepoint",
};
let frame = 0; // the one that is waited for
let marks = { first: 0, boxes: [] }; // the boxes of the names in view

const requests = new Requests({
  ask,
  begun: () => change({ asking: true }),
  answered: ({ entities, ...answer }) => change({ entities, answer, asking: false, problem: null }),
  failed: (problem) => change({ asking: false, problem }),
});

function change(values) {
  Object.assign(state, values);
  frame ||= requestAnimationFrame(draw);
}

// -- what is asked --------------------------------------------------------------------------------------------------

/** The models first, if they are not known yet, then the entities. */
async function ask(signal) {
  if (!state.models.length) meet(await servedModels(state.key, signal));
  if (!state.text) return { entities: [] };
  // Half of a surrogate pair is no text; its stand-in is as long.
  return findEntities(state.text.toWellFormed(), state.model, state.key, signal);
}

function meet(models) {
  if (!field.value) field.value = samplesFor([models[0]])[0].text;
  change({ models, model: models.length > 1 ? AUTO : models[0].name, text: field.value });
  offerChoices();
}

function edit(text, pause) {
  change({ text, entities: carriedOver(state.entities, state.text, text) });
  requests.after(pause);
}

function replaceText(text) {
  field.value = text;
  edit(text, 0);
  field.focus();
  field.setSelectionRange(text.length, text.length);
}

function choose(model) {
  at("model").value = model;
  change({ model });
  requests.after(0);
}

// -- what is drawn --------------------------------------------------------------------------------------------------

/** The chosen model, or the one that was chosen by the text. */
function currentModel() {
  const name = state.model === AUTO ? state.answer?.model : state.model;
  return state.models.find((model) => model.name === name) ?? state.models[0];
}

function shownEntities() {
  return state.entities.filter((entity) => entity.score >= state.threshold && !state.off.has(entity.label));
}

function draw() {
  frame = 0;
  const shown = shownEntities();
  const model = currentModel();
  const language = model && !model.language.includes(",") ? model.language : "";
  if (at("sheet").lang !== language) at("sheet").lang = language;
  // The field gives an empty last line a height; a block does so only if something is on it.
  show(at("mirror"), state.text + "\n");
  drawBoxes(shown);
  drawSummary(shown);
  drawProblem();
  const unlisted = drawTable(at("entities"), state.text, shown, state.unit, {
    select: (number) => select(shownEntities()[number]),
    point,
  });
  at("table").hidden = !shown.length;
  show(at("unlisted"), unlisted ? `and ${unlisted.toLocaleString("en")} more` : shown.length ? "" : "None.");
  drawCurl(model?.labels ?? []);
  if (!model) return;
  drawLabels(model);
  if (at("card").dataset.model !== model.name) {
    at("card").dataset.model = model.name;
    drawCard(at("card-content"), model);
  }
}

/** The marks of the names in view, and as far above and below again, for a scroll to start with. */
function drawBoxes(shown) {
  const { top, bottom, height } = at("sheet").getBoundingClientRect();
  marks = drawMarks(at("marks"), at("mirror"), shown, { top: top - height, bottom: bottom + height });
}

function drawSummary(shown) {
  if (!state.asking && !state.problem) show(at("summary"), summaryOf(shown));
  const characters = [...state.text].length.toLocaleString("en");
  const { model, milliseconds } = state.answer ?? {};
  show(at("timing"), model ? `${characters} characters, read by ${model} in ${Math.round(milliseconds)} ms` : "");
}

function summaryOf(shown) {
  if (!state.text) return "";
  const parts = [...countsOf(shown)].map(([label, count]) => `${count} ${label}`);
  const names = `${shown.length} ${shown.length === 1 ? "name" : "names"}: ${parts.join(", ")}`;
  const hidden = state.entities.length - shown.length;
  return (shown.length ? names : "No names") + (hidden ? `; ${hidden} hidden` : "");
}

/** How many entities have each label, in the order of the labels. */
function countsOf(entities) {
  const counts = new Map();
  for (const { label } of entities) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map([...counts].sort(([one], [other]) => (one < other ? -1 : 1)));
}

function drawProblem() {
  const { problem } = state;
  const seconds = problem?.retryAfter;
  const again = seconds ? ` Trying again in ${seconds} ${seconds === 1 ? "second" : "seconds"}.` : "";
  at("problem").classList.toggle("shown", Boolean(problem));
  at("main").classList.toggle("locked", problem?.status === 401 && !state.models.length);
  at("retry").hidden = !problem;
  at("key-choice").hidden = problem?.status !== 401;
  const kept = state.text ? " Your text is kept." : "";
  show(at("problem-text"), problem ? `${problem.message}${again}${kept}` : "");
}

/** The request for what is shown, in the API's own defaults where nothing else is chosen. */
function drawCurl(labels) {
  const wanted = labels.filter((label) => !state.off.has(label));
  const body = {
    text: state.text.toWellFormed(),
    ...(state.models.length > 1 && { model: state.model }),
    ...(wanted.length < labels.length && { labels: wanted }),
    ...(state.threshold !== MIN_SCORE && { min_score: state.threshold }),
    ...(state.unit !== "codepoint" && { offset_unit: state.unit }),
  };
  const nothing = labels.length > 0 && wanted.length === 0;
  at("copy").disabled = nothing;
  show(
    at("curl"),
    nothing
      ? "No label is switched on, so there is nothing to ask for."
      : curlCommand(new URL("v1/entities", document.baseURI).href, body, Boolean(state.key)),
  );
}

/** A box to tick per label. They stay the same elements, so that the keyboard does not lose its place. */
function drawLabels(model) {
  const place = at("labels");
  if (place.dataset.model !== model.name) {
    place.dataset.model = model.name;
    place.replaceChildren(...model.labels.map(labelToggle));
  }
  const counts = countsOf(state.entities.filter((entity) => entity.score >= state.threshold));
  for (const toggle of place.children) {
    const { label } = toggle.dataset;
    toggle.querySelector("input").checked = !state.off.has(label);
    show(toggle.querySelector(".count"), String(counts.get(label) ?? 0));
  }
}

function labelToggle(label) {
  const toggle = document.createElement("label");
  toggle.dataset.label = label;
  toggle.title = wordsFor(label);
  toggle.style.setProperty("--hue", hueOf(label));
  const box = document.createElement("input");
  box.type = "checkbox";
  box.autocomplete = "off";
  box.addEventListener("change", () => {
    const off = new Set(state.off);
    if (box.checked) off.delete(label);
    else off.add(label);
    change({ off });
  });
  const count = document.createElement("span");
  count.className = "count";
  toggle.append(box, label, " ", count);
  return toggle;
}

/** What can be chosen, once the models are known. */
function offerChoices() {
  const { models, model } = state;
  const names = models.map(({ name, language }) => new Option(`${name}, ${languageNames(language)}`, name));
  at("model").replaceChildren(new Option("auto, by language", AUTO), ...names);
  at("model").value = model;
  at("model-choice").hidden = models.length === 1;
  at("samples").replaceChildren(...samplesFor(models).map(sampleButton));
}

function sampleButton(sample) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = sample.title;
  button.lang = sample.language;
  button.addEventListener("click", () => {
    const chosen = state.models.find((model) => model.name === state.model);
    const speaker = state.models.find((model) => speaks(model, sample.language));
    if (chosen && speaker && !speaks(chosen, sample.language)) choose(speaker.name);
    replaceText(sample.text);
  });
  return button;
}

// -- what the controls do -------------------------------------------------------------------------------------------

field.addEventListener("input", (event) => {
  if (event.isComposing) {
    // The letters on the way to a Chinese character are no text yet.
    requests.cancel();
    change({ text: field.value, entities: carriedOver(state.entities, state.text, field.value), asking: false });
  } else {
    edit(field.value, event.inputType === "insertFromPaste" ? 0 : TYPING_PAUSE_MS);
  }
});
field.addEventListener("compositionend", () => edit(field.value, TYPING_PAUSE_MS));
at("model").addEventListener("change", (event) => choose(event.target.value));
at("clear").addEventListener("click", () => replaceText(""));
at("retry").addEventListener("click", retry);
at("key-choice").addEventListener("submit", retry);
at("threshold").addEventListener("input", (event) => {
  const threshold = Number(event.target.value);
  at("threshold-value").textContent = threshold.toFixed(2);
  change({ threshold });
});
at("unit").addEventListener("change", (event) => change({ unit: event.target.value }));
at("copy").addEventListener("click", copyCurl);
at("sheet").addEventListener("scroll", () => drawBoxes(shownEntities()));
document.addEventListener("selectionchange", pointAtCaret);
new ResizeObserver(() => drawBoxes(shownEntities())).observe(at("mirror"));

function retry(event) {
  event.preventDefault(); // the form is not to be sent anywhere
  change({ key: at("key").value.trim() });
  requests.after(0);
}

async function copyCurl() {
  const command = at("curl");
  try {
    await navigator.clipboard.writeText(command.textContent);
  } catch {
    // Without TLS, and away from localhost, there is no clipboard to write to, but there is copying a selection.
    getSelection().selectAllChildren(command);
    document.execCommand("copy");
  }
  at("copied").textContent = "Copied.";
}

/** Select an entity in the text and bring it into view. */
function select(entity) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(entity.start, entity.end);
  const sheet = at("sheet");
  sheet.scrollIntoView({ block: "nearest" });
  const view = sheet.getBoundingClientRect();
  const place = placeOf(at("mirror"), entity);
  if (place.top < view.top || place.bottom > view.bottom) sheet.scrollTop += place.top - view.top - view.height / 3;
}

/** Bring out the mark of the entity of this number among those shown. */
function point(number, on) {
  marks.boxes[number - marks.first]?.forEach((box) => box.classList.toggle("pointed", on));
}

/** Bring out the row of the name that the caret is in. */
function pointAtCaret() {
  const caret = document.activeElement === field ? field.selectionStart : -1;
  const pointed = shownEntities().findIndex(({ start, end }) => start <= caret && caret <= end);
  [...at("entities").rows].forEach((row, number) => row.classList.toggle("pointed", number === pointed));
}

// What the browser has kept in the field over a reload comes before any sample.
state.text = field.value;
requests.after(0);
