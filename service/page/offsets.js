// UTF-16 offsets, which JavaScript and this page's requests count, in the units of the API.

const WIDTHS = {
  utf16: (part) => part.length,
  codepoint: (part) => [...part].length,
  utf8: (part) => new TextEncoder().encode(part).length,
};

/** For each of the ascending `places` in `text`, the same place counted in `unit`. */
export function inUnit(text, places, unit) {
  const width = WIDTHS[unit];
  let previous = 0;
  let counted = 0;
  return places.map((place) => {
    counted += width(text.slice(previous, place));
    previous = place;
    return counted;
  });
}
