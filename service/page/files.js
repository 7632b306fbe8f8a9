// The texts of a file that is dropped on the page or opened. It is read here, in the browser; the service gets its text as
// it gets what is typed.

import { textOfDocx } from "./docx.js";

// Of a file, and of the text in a .docx. The service has a limit of its own, which it tells.
const MOST_BYTES = 20_000_000;
const KINDS = {
  txt: plainText,
  text: plainText,
  md: plainText,
  markdown: plainText,
  jsonl: textOfLines,
  ndjson: textOfLines,
  docx: textOfDocument,
};

/** What `<input type="file">` offers. */
export const ACCEPTED = Object.keys(KINDS)
  .map((kind) => `.${kind}`)
  .join(",");

/** Why a file cannot be read, in words for the page. */
export class FileProblem extends Error {}

/** The texts of `file`, one or more, with line breaks as a text field has them. Throws FileProblem. */
export async function textsOf(file) {
  const read = KINDS[file.name.split(".").at(-1).toLowerCase()];
  if (!read) throw new FileProblem(`${file.name} is no .txt, .md, .jsonl or .docx file.`);
  if (file.size > MOST_BYTES) {
    throw new FileProblem(`${file.name} has ${megabytes(file.size)}; the limit is ${megabytes(MOST_BYTES)}.`);
  }
  const texts = [await read(file)].flat();
  if (!texts.length) throw new FileProblem(`${file.name} holds no text.`);
  return texts.map((text) => text.replace(/\r\n?/g, "\n"));
}

/** A file's name without its kind. */
export function stemOf(name) {
  return name.replace(/\.\w+$/, "");
}

async function plainText(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const mark = (bytes[0] << 8) | bytes[1];
  const encoding = { 0xfffe: "utf-16le", 0xfeff: "utf-16be" }[mark] ?? "utf-8";
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes); // without a byte order mark
  } catch {
    throw new FileProblem(`${file.name} is not UTF-8 text. Save it as UTF-8 and open it again.`);
  }
}

/** The text of each line that is not empty. */
async function textOfLines(file) {
  const lines = (await plainText(file)).split("\n").map((line) => line.trim());
  return lines.flatMap((line, number) => (line ? [textOfLine(line, number + 1, file.name)] : []));
}

function textOfLine(line, number, name) {
  let value;
  try {
    value = JSON.parse(line);
  } catch {
    throw new FileProblem(`${name}, line ${number}: not JSON.`);
  }
  const text = typeof value === "string" ? value : value?.text;
  if (typeof text !== "string") throw new FileProblem(`${name}, line ${number}: no "text".`);
  return text;
}

async function textOfDocument(file) {
  let text;
  try {
    text = await textOfDocx(await file.arrayBuffer(), MOST_BYTES);
  } catch (error) {
    // What the browser says of bytes that are not deflated, and what we say.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    text = null;
  }
  if (text === null) throw new FileProblem(`${file.name} cannot be read as a .docx document.`);
  return text;
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}
