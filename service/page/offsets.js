// UTF-16 offsets, which JavaScript and this page's requests count, in the units of the API.

const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/g;

const WIDTHS = {
  utf16: (text, start, end) => end - start,
  codepoint: (text, start, end) => {
    let width = 0;
    for (let place = start; place < end; place += isPair(text, place) ? 2 : 1) width += 1;
    return width;
  },
  utf8: (text, start, end) => {
    let width = 0;
    for (let place = start; place < end; place += 1) {
      const unit = text.charCodeAt(place);
      if (isPair(text, place)) {
        width += 4;
        place += 1;
      } else {
        width += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3; // half of a pair is sent as U+FFFD, which has three
      }
    }
    return width;
  },
};

/** For each of the ascending `places` in `text`, the same place counted in `unit`. */
export function inUnit(text, places, unit) {
  const width = WIDTHS[unit];
  let previous = 0;
  let counted = 0;
  return places.map((place) => {
    counted += width(text, previous, place);
    previous = place;
    return counted;
  });
}

/** How many characters a text has, as the API counts them. */
export function charactersOf(text) {
  return text.length - (text.match(PAIRS)?.length ?? 0);
}

function isPair(text, place) {
  return (text.charCodeAt(place) & 0xfc00) === 0xd800 && (text.charCodeAt(place + 1) & 0xfc00) === 0xdc00;
}
