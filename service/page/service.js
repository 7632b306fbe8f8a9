// The service as this page sees it: three routes, and one kind of failure that can be shown to a person.

// How soon to ask again where the service did not say: it was not there to say it.
const UNREACHABLE_SECONDS = 5;

/** Why there is no answer, in words for the page. `status` is that of the answer, 0 without one; `retryAfter` is in
 * seconds, or null where asking again the same cannot help. */
export class Problem extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** The served models with their cards, the default one first. Throws as `findEntities` does. */
export async function servedModels(key, signal) {
  return (await answered("v1/models", key, { signal })).models;
}

/** A reading of `text`: its entities, with offsets as JavaScript counts, the model that found them, the text's language as
 * the API tells it, and how long that took from here. `key` is an API key or empty. Throws Problem, and AbortError when
 * `signal` says so. */
export async function findEntities(text, model, key, signal) {
  const body = JSON.stringify({ text, model, min_score: 0, offset_unit: "utf16", include: ["language"] });
  const start = performance.now();
  const answer = await answered("v1/entities", key, { method: "POST", body, signal });
  const { ents: entities, model: reader, language } = answer;
  return { entities, model: reader, language, milliseconds: performance.now() - start };
}

/** The text of a request with its names replaced by their labels. Throws Problem. */
export async function redactedText(request, key) {
  return (await answered("v1/redact", key, { method: "POST", body: JSON.stringify(request) })).text;
}

async function answered(path, key, request) {
  // No header can hold anything else.
  if (!/^[\x20-\x7e]*$/.test(key)) throw new Problem("An API key has ASCII characters only.", 401, null);
  const headers = { "content-type": "application/json", ...(key && { "x-api-key": key }) };
  let response;
  try {
    response = await fetch(path, { headers, cache: "no-store", ...request });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem("The service cannot be reached.", 0, UNREACHABLE_SECONDS);
  }
  let body;
  try {
    body = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    body = {}; // something in between answered, in a shape of its own
  }
  if (response.ok) return body;
  const message = sentence(body.error?.message ?? `the answer was ${response.status} ${response.statusText}`);
  const details = (body.error?.details ?? []).map((detail) => sentence(detail.msg));
  throw new Problem([message, ...details].join(" "), response.status, secondsOf(response));
}

function secondsOf(response) {
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  return response.status === 503 ? seconds || UNREACHABLE_SECONDS : null;
}

function sentence(words) {
  return words.charAt(0).toUpperCase() + words.slice(1).replace(/\.?$/, ".");
}
