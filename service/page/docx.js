// The words of a .docx file: the paragraphs of its main part, a line each. ECMA-376, part 1, 17.3.
//
// The browser's XML parser is not for this page: its policy lets no string become markup. What is read here needs none.

import { member } from "./zip.js";

// Some programs number it.
const MAIN_PART = /^word\/document\d*\.xml$/;
// A tag, with what is not a name left out, or the text up to the next.
const PIECE = /<(\/?)(?:w:|mc:)?([\w:.-]+)(?=[\s/>])[^<>]*?(\/?)>|<[^<>]*>|[^<]+/g;
const SIGNS = { tab: "\t", br: "\n", cr: "\n", noBreakHyphen: "\u2011" };
// What is no text of its own: a second form for older programs, where a text stood before, and tab stops.
const SKIPPED = new Set(["Fallback", "moveFrom", "pPr"]);
const NAMED = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

/** The text of the document in `archive`, an ArrayBuffer, or null if there is none. Throws as `member` does. */
export async function textOfDocx(archive, most) {
  const xml = await member(archive, MAIN_PART, most);
  return xml && textOfParagraphs(new TextDecoder().decode(xml));
}

function textOfParagraphs(xml) {
  const parts = [];
  let inText = false;
  let skipped = 0; // how many of SKIPPED are open
  for (const [piece, closing, name, empty] of xml.matchAll(PIECE)) {
    if (SKIPPED.has(name)) skipped += closing ? -1 : empty ? 0 : 1;
    else if (skipped) continue;
    else if (name === "t") inText = !closing && !empty;
    else if (name === "p") parts.push(closing || empty ? "\n" : "");
    else if (Object.hasOwn(SIGNS, name ?? "")) parts.push(closing ? "" : SIGNS[name]);
    else if (inText && !piece.startsWith("<")) parts.push(unescaped(piece));
  }
  return parts.join("").trimEnd();
}

function unescaped(text) {
  return text.replace(/&(?:#x([\da-f]{1,6})|#(\d{1,7})|(\w{1,4}));/gi, (whole, hex, decimal, name) => {
    if (name) return NAMED[name] ?? whole;
    const point = hex ? parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
