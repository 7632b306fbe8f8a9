// What two models find in one text, side by side.

/** The same span with the same label. */
const keyOf = ({ start, end, label }) => `${start} ${end} ${label}`;

/** Two readings of a text, [{entities, model}, {entities, model}], as one list in the order of the text. `finder(entity)`
 * says who found it; `counts` has how many names were found by both, by the first alone, and by the second alone. */
export function compared([one, other]) {
  const inOne = new Set(one.entities.map(keyOf));
  const inOther = new Set(other.entities.map(keyOf));
  const alone = other.entities.filter((entity) => !inOne.has(keyOf(entity)));
  const both = one.entities.filter((entity) => inOther.has(keyOf(entity))).length;
  return {
    entities: [...one.entities, ...alone].sort((a, b) => a.start - b.start || a.end - b.end),
    finder: (entity) => {
      const key = keyOf(entity);
      return !inOther.has(key) ? one.model : inOne.has(key) ? "both" : other.model;
    },
    counts: { both, one: one.entities.length - both, other: alone.length },
  };
}
