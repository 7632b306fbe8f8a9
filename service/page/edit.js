// What changed from one text to the next, as one stretch that was replaced: all that typing, pasting or undoing does.

/** The stretch of `before`, from `start` to `end`, that `inserted` took the place of in `after`. */
export function editBetween(before, after) {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) start += 1;
  let tail = 0;
  while (
    tail < shorter - start &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  )
    tail += 1;
  return { start, end: before.length - tail, inserted: after.slice(start, after.length - tail) };
}

/** The entities that an edit left whole, where they are after it: to be shown until the answer comes. */
export function carriedOver(entities, { start, end, inserted }) {
  const moved = inserted.length - (end - start);
  return entities
    .filter((entity) => entity.end <= start || entity.start >= end)
    .map((entity) =>
      entity.start >= end ? { ...entity, start: entity.start + moved, end: entity.end + moved } : entity,
    );
}
