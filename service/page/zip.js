// A member of a ZIP archive, as far as office documents need it: stored or deflated, not encrypted, not over 4 GiB.
// PKWARE, APPNOTE.TXT, 4.3 and 4.4.

const END = 0x06054b50;
const ENTRY = 0x02014b50;
const END_LENGTH = 22;
const ENTRY_LENGTH = 46;
const LONGEST_COMMENT = 0xffff;
const STORED = 0;
const DEFLATED = 8;

/** The bytes of the first member of `archive`, an ArrayBuffer, whose name matches, or null. Throws RangeError if they are
 * more than `most`, or the archive is not whole. */
export async function member(archive, name, most) {
  const view = new DataView(archive);
  const entry = entries(view).find((entry) => name.test(entry.name));
  if (!entry) return null;
  // The lengths of the name and the extra field before the data are not always those of the directory.
  const start = entry.header + 30 + view.getUint16(entry.header + 26, true) + view.getUint16(entry.header + 28, true);
  const data = new Uint8Array(archive, start, entry.length);
  if (entry.method === STORED) return data;
  if (entry.method !== DEFLATED) throw new RangeError(`method ${entry.method}`);
  return inflated(data, most);
}

/** What the archive's directory says of each member. */
function entries(view) {
  let place = endOf(view);
  const count = view.getUint16(place + 10, true);
  place = view.getUint32(place + 16, true);
  return Array.from({ length: count }, () => {
    if (view.getUint32(place, true) !== ENTRY) throw new RangeError("no entry");
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(place + offset, true));
    const entry = {
      name: new TextDecoder().decode(new Uint8Array(view.buffer, place + ENTRY_LENGTH, name)),
      method: view.getUint16(place + 10, true),
      length: view.getUint32(place + 20, true),
      header: view.getUint32(place + 42, true),
    };
    place += ENTRY_LENGTH + name + extra + comment;
    return entry;
  });
}

/** The directory is found from the archive's end, where only a comment may follow. */
function endOf(view) {
  const last = view.byteLength - END_LENGTH;
  for (let place = last; place >= 0 && place >= last - LONGEST_COMMENT; place -= 1) {
    if (view.getUint32(place, true) === END) return place;
  }
  throw new RangeError("no end");
}

/** A small archive may hold gigabytes of one letter, so what comes out is counted as it comes. */
async function inflated(data, most) {
  const reader = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer());
    parts.push(value);
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError(`more than ${most} bytes`);
    }
  }
}
