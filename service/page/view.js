// What the page shows of its state. Each letter that is typed shows at once, with the marks; what is beside the text waits
// until the typing pauses, so that a long text can be typed in.

import { drawCard, languageNames } from "./card.js";
import { curlCommand } from "./curl.js";
import { charactersOf } from "./offsets.js";
import { samplesFor } from "./samples.js";
import { Sheet } from "./sheet.js";
import { AUTO, comparison, currentModels, offeredLabels, requestBody, shownReadings } from "./state.js";
import { NameTable, show } from "./table.js";
import { drawToggles } from "./toggles.js";
import { countsOf, languageNote, problemWords, summaryOf, timingOf } from "./words.js";

// In UTF-16 units: of a longer text, the request on the page has the beginning.
const LONGEST_SHOWN = 2_000;
// Languages of a model in the list of models.
const MOST_NAMED = 2;

const at = (id) => document.getElementById(id);

export class View {
  #field = at("text");
  #sheet;
  #otherSheet;
  #table;
  #toggled;
  #entities = []; // those marked in the field
  #hovered = null;
  #beside = 0; // the task that draws what is beside the text

  /** `toggled(off)` hears which labels are off now. */
  constructor({ toggled }) {
    this.#toggled = toggled;
    const sheetOf = (id, other) =>
      new Sheet(at(id), {
        hovered: (entity) => this.#hover(entity, { reveal: true }),
        scrolled: (top) => other().scrollTo(top),
      });
    this.#sheet = sheetOf("sheet", () => this.#otherSheet);
    this.#otherSheet = sheetOf("other-sheet", () => this.#sheet);
    this.#table = new NameTable(at("found"), {
      select: (entity) => this.#select(entity),
      hovered: (entity) => this.#hover(entity, { reveal: false }),
    });
    document.addEventListener("selectionchange", () => this.#pointAtCaret());
  }

  draw(state, canUndo) {
    const shown = shownReadings(state);
    const both = comparison(shown);
    this.#entities = shown[0]?.entities ?? [];
    at("main").classList.toggle("comparing", Boolean(state.other));
    this.#drawSheets(state, shown, both);
    // In a task of its own, so that a letter which meets an answer waits for half of what the answer changes.
    clearTimeout(this.#beside);
    const drawBeside = () => state.typing || this.#drawBeside(state, shown, both, canUndo);
    if (!state.typing) this.#beside = setTimeout(drawBeside);
  }

  #drawBeside(state, shown, both, canUndo) {
    this.#table.draw(state.text, both?.entities ?? this.#entities, state.unit, both?.finder);
    show(at("unlisted"), this.#entities.length || both?.entities.length ? "" : "None.");
    drawWords(state, shown);
    drawTexts(state);
    drawProblem(state);
    drawCurl(state);
    at("undo").hidden = !canUndo;
    at("save").disabled = !state.text;
    const counts = countsOf(state.readings[0]?.entities.filter(({ score }) => score >= state.threshold) ?? []);
    drawToggles(at("labels"), offeredLabels(state), counts, state.off, this.#toggled);
    drawCards(currentModels(state));
    if (!this.#hovered) this.#pointAtCaret();
  }

  #drawSheets({ text, other, readings }, shown, both) {
    const differs = both ? (entity) => both.finder(entity) !== "both" : undefined;
    const language = readings[0]?.language?.code ?? "";
    this.#sheet.draw(text, language, this.#entities, differs);
    at("reader").hidden = at("other").hidden = !other;
    this.#otherSheet.draw(other ? text : "", language, (other && shown[1]?.entities) || [], differs);
    show(at("reader"), readings[0]?.model ?? "");
    show(at("other-reader"), other);
  }

  /** Select an entity in the text and bring it into view. */
  #select(entity) {
    this.#field.focus({ preventScroll: true });
    this.#field.setSelectionRange(entity.start, entity.end);
    this.#sheet.reveal(entity);
  }

  #hover(entity, { reveal }) {
    if (entity === this.#hovered) return;
    this.#hovered = entity;
    if (entity) this.#point(entity, reveal);
    else this.#pointAtCaret();
  }

  /** Bring out the name that the caret is in. */
  #pointAtCaret() {
    const caret = document.activeElement === this.#field ? this.#field.selectionStart : -1;
    this.#point(this.#entities.find(({ start, end }) => start <= caret && caret <= end) ?? null, true);
  }

  #point(entity, reveal) {
    this.#sheet.point(entity);
    this.#otherSheet.point(entity);
    this.#table.point(entity, reveal);
  }
}

/** What can be chosen, once the models are known; `tried(sample)` hears which text is to be shown. */
export function offerChoices({ models, model, other }, tried) {
  const options = () => models.map(({ name, language }) => new Option(`${name}, ${shortNames(language)}`, name));
  at("model").replaceChildren(new Option("auto, by language", AUTO), ...options());
  at("beside").replaceChildren(new Option("no other", ""), ...options());
  at("model").value = model;
  at("beside").value = other;
  at("model-choice").hidden = at("beside-choice").hidden = models.length === 1;
  at("samples").replaceChildren(...samplesFor(models).map((sample) => sampleButton(sample, tried)));
}

/** A few languages by their names, many by their number. */
function shortNames(language) {
  const count = language.split(",").length;
  return count > MOST_NAMED ? `${count} languages` : languageNames(language);
}

function sampleButton(sample, tried) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = sample.title;
  button.lang = sample.language;
  button.addEventListener("click", () => tried(sample));
  return button;
}

function drawWords(state, shown) {
  const { text, readings, models } = state;
  if (!state.asking && !state.problem) {
    show(at("summary"), summaryOf(text, shown, readings));
    show(at("language"), languageNote(text, readings, models));
  }
  show(at("timing"), timingOf(charactersOf(text), readings));
  show(at("notice"), state.notice);
}

/** Which text of a file with several is shown. */
function drawTexts({ texts, number }) {
  at("texts").hidden = !texts.length;
  show(at("text-number"), `Text ${(number + 1).toLocaleString("en")} of ${texts.length.toLocaleString("en")}`);
  // A button that is disabled under the finger would lose the focus.
  at("text-before").ariaDisabled = String(number === 0);
  at("text-after").ariaDisabled = String(number + 1 === texts.length);
}

function drawProblem(state) {
  const { problem, models } = state;
  const needsKey = problem?.status === 401;
  at("problem").classList.toggle("shown", Boolean(problem));
  at("main").classList.toggle("locked", needsKey && !models.length);
  at("retry").hidden = !problem || needsKey;
  const isNew = needsKey && at("key-choice").hidden;
  at("key-choice").hidden = !needsKey;
  show(at("problem-text"), problemWords(state));
  if (isNew && document.activeElement === document.body) at("key").focus();
}

function drawCurl(state) {
  const body = requestBody(state);
  const long = state.text.length > LONGEST_SHOWN;
  at("copy").disabled = !body;
  at("cut").hidden = !body || !long;
  if (body && long) body.text = `${state.text.slice(0, LONGEST_SHOWN)}…`.toWellFormed();
  const nothing = "No label is switched on, so there is nothing to ask for.";
  show(at("curl"), body ? commandOf(body, state.key) : nothing);
}

/** The request for `body` as a command for a shell. */
export function commandOf(body, key) {
  return curlCommand(new URL("v1/entities", document.baseURI).href, body, Boolean(key));
}

function drawCards(models) {
  const place = at("card-content");
  const drawn = models.map(({ name }) => name).join("\n");
  if (!models.length || at("card").dataset.model === drawn) return;
  at("card").dataset.model = drawn;
  place.replaceChildren();
  for (const model of new Set(models)) {
    const card = document.createElement("div");
    place.append(card);
    drawCard(card, model);
  }
}
