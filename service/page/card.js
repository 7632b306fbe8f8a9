// A model's card: what it is, what it learned from and how well it does, from `GET /v1/models`.

import { hueOf, wordsFor } from "./labels.js";

/** Shows `model`'s card in `place`. */
export function drawCard(place, model) {
  place.replaceChildren(
    element("p", { className: "description" }, model.description),
    facts(model),
    ...(model.datasets.length ? [disclosure("Data", dataTable(model.datasets))] : []),
    ...(scoreRows(model.scores).length ? [disclosure("Scores", scoreTable(model.scores))] : []),
  );
}

/** The names in English of languages with commas between their tags, as far as the browser knows them. */
export function languageNames(tags) {
  return tags.split(",").map((tag) => languageName(tag.trim())).join(", ");
}

/** The name in English of the language with this tag, as far as the browser knows it. */
export function languageName(tag) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(tag);
  } catch {
    return tag; // not a BCP 47 tag
  }
}

function facts(model) {
  const labels = element("dd", { className: "known-labels" });
  for (const label of model.labels) {
    const item = element("span", {}, element("b", {}, label), wordsFor(label) && ` ${wordsFor(label)}`);
    item.style.setProperty("--hue", hueOf(label));
    labels.append(item);
  }
  return element(
    "dl",
    {},
    element("dt", {}, "Name"),
    element("dd", {}, model.name),
    element("dt", {}, "Language"),
    element("dd", {}, languageNames(model.language)),
    element("dt", {}, "Licence"),
    element("dd", {}, model.licence),
    element("dt", {}, "Labels"),
    labels,
  );
}

function dataTable(datasets) {
  return table(
    ["Corpus", "Annotates", "Size", "Licence"],
    datasets.map((dataset) => [dataset.name, (dataset.annotates ?? []).join(", "), dataset.size, dataset.licence]),
    "prose",
  );
}

function scoreRows(scores) {
  return Object.entries(scores).filter(([, score]) => typeof score?.f1 === "number");
}

function scoreTable(scores) {
  return table(
    ["Corpus and split", "Precision", "Recall", "F1", "F1 on raw text", "Names"],
    scoreRows(scores).map(([name, score]) => [
      name,
      ...[score.precision, score.recall, score.f1, score.raw_text_f1].map((value) => value?.toFixed(2)),
      score.support?.toLocaleString("en"),
    ]),
  );
}

function disclosure(title, content) {
  // A table that is wider than the page scrolls by itself; the keyboard reaches it too.
  const scrolled = element("div", { className: "scrolled", tabIndex: 0 }, content);
  scrolled.setAttribute("role", "region");
  scrolled.setAttribute("aria-label", title);
  return element("details", {}, element("summary", {}, title), scrolled);
}

function table(headings, rows, className = "") {
  const head = element("tr", {}, ...headings.map((heading) => element("th", { scope: "col" }, heading)));
  const body = rows.map(([name, ...cells]) =>
    element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, cell ?? "–"))),
  );
  return element("table", { className }, element("thead", {}, head), element("tbody", {}, ...body));
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children); // strings become text nodes
  return made;
}
