// The request of the moment as a command for a POSIX shell.

// In bytes. Linux refuses an argument of 128 KiB; standard input has no limit.
const LONGEST_ARGUMENT = 100_000;
// Quotes, because the shell reads them, and what a terminal obeys or does not show.
const AWKWARD = /['\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A curl command that posts `body` to `url`: whatever the text is, the shell finds nothing in it to act on. A key that
 * is needed is left to the shell's own variable. */
export function curlCommand(url, body, needsKey) {
  // All of these stand inside JSON strings, where an escape means the same.
  const json = JSON.stringify(body).replace(AWKWARD, escaped);
  const key = needsKey ? ' -H "x-api-key: $API_KEY"' : "";
  const command = `curl -s '${url.replace(/'/g, "%27")}' -H 'content-type: application/json'${key}`;
  const long = new TextEncoder().encode(json).length > LONGEST_ARGUMENT;
  return long ? `${command} --data-binary @- <<'END'\n${json}\nEND` : `${command} -d '${json}'`;
}

function escaped(character) {
  return "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0");
}
