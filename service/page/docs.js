// /docs with a script: each form sends its request to this service and shows the answer, and the commands have its
// address. All paths are relative, because a proxy may serve the service below a path of its own.

const MOST_CHARACTERS = 100_000;
const base = new URL(".", location.href).href.replace(/\/$/, "");

for (const command of document.querySelectorAll("pre.curl")) {
  command.textContent = command.textContent.replace(/(?<=^curl )\S+:PORT/, base);
}
document.getElementById("access").hidden = false;
for (const form of document.querySelectorAll("form.try")) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const output = form.querySelector("output");
    output.textContent = "…";
    output.textContent = await answer(form).catch((error) => `No answer: ${error.message}`);
  });
}

/** The status of the answer to a form's request, and its body. */
async function answer(form) {
  const response = await fetch(base + target(form), {
    method: form.dataset.method,
    headers: headers(form),
    body: form.elements.body?.value,
    cache: "no-store",
  });
  const text = await response.text();
  const shown = response.headers.get("content-type")?.startsWith("application/json") ? indented(text) : text;
  const cut = shown.length > MOST_CHARACTERS ? "\n…" : "";
  return `${response.status} ${response.statusText}\n\n${shown.slice(0, MOST_CHARACTERS)}${cut}`;
}

/** The path of a form's request, with its parameters, and its query. */
function target(form) {
  const inputs = [...form.querySelectorAll("input")];
  const path = form.dataset.path.replace(/{(\w+)}/g, (_, name) => encodeURIComponent(form.elements[name].value));
  const query = inputs.filter((input) => input.dataset.in === "query" && input.value);
  return path + (query.length ? `?${new URLSearchParams(query.map((input) => [input.name, input.value]))}` : "");
}

function headers(form) {
  const key = document.getElementById("key").value;
  return { ...(form.dataset.type && { "content-type": form.dataset.type }), ...(key && { "x-api-key": key }) };
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
