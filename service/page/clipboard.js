// Copying a text that need not be on the page.

/** Put `text` on the clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS, and away from localhost, there is no clipboard to write to, but there is copying a selection.
    const { activeElement } = document;
    const field = document.createElement("textarea");
    field.className = "unseen";
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    activeElement?.focus();
  }
}
