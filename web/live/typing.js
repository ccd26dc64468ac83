/** Whether a person is in the middle of a text: half a word is no value to draw. */

const LINE_ENDS = ["insertLineBreak", "insertParagraph"];

/** @type {EventTarget | null} the field that is written in, until Enter */
let field = null;

// Captured: a field may keep its events to itself.
window.addEventListener("input", (event) => written(/** @type {InputEvent} */ (event)), true);
window.addEventListener("keydown", (event) => pressed(event), true);

/** From the first key in a text field until Enter is pressed there or the field is left. */
export function isTyping() {
  return field !== null && field === document.activeElement;
}

/** @param {InputEvent} event sliders and switches send one that has no type */
function written({ target, inputType }) {
  if (inputType) {
    field = LINE_ENDS.includes(inputType) ? null : target;
  }
}

/** @param {KeyboardEvent} event of a text that is composed, Enter only chooses a word */
function pressed({ key, isComposing }) {
  if (key === "Enter" && !isComposing) {
    field = null;
  }
}
