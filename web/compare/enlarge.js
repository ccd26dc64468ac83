/** The comparison as large as the window. */

import { Comparison } from "./comparison.js";
import { part } from "./elements.js";

/** @import { Options } from "./comparison.js" */

/** @type {[string, string][]} keys and what they do */
const KEYS = [
  ["← →", "move the line"],
  ["Space", "flip"],
  ["Esc", "close"],
];
/** @type {[string, string][]} */
const BATCH_KEYS = [["Page ↑ ↓", "other pairs"], ...KEYS];

/**
 * Show a comparison over everything until Escape, a click beside it, or the cross.
 *
 * @param {Comparison} small the one in the node; it takes over the pair and the line's place
 * @param {Options} options
 */
export function enlarge(small, { before, after }) {
  const dialog = part("dialog", "dialog");
  dialog.setAttribute("aria-label", `${before} and ${after}, enlarged`);

  const large = new Comparison({ before, after });
  large.moveTo(small.position);
  const help = keys(small.pairs.length > 1 ? BATCH_KEYS : KEYS);
  dialog.append(large.element, help, closeButton(dialog));

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === large.frame) {
      dialog.close();
    }
  });
  // The page's own keys would act on the graph below.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => {
    small.moveTo(large.position);
    void small.choose(large.pair);
    dialog.remove();
    small.stage.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  void large.show(small.pairs, small.pair).then(() => large.stage.focus());
}

/**
 * What the keys do, below the picture.
 *
 * @param {[string, string][]} meanings
 */
function keys(meanings) {
  const line = part("p", "keys");
  for (const [key, meaning] of meanings) {
    const entry = document.createElement("span");
    entry.append(part("kbd", "key", key), meaning);
    line.append(entry);
  }
  return line;
}

/** @param {HTMLDialogElement} dialog */
function closeButton(dialog) {
  const button = part("button", "close", "×");
  button.type = "button";
  button.setAttribute("aria-label", "Close");
  button.addEventListener("click", () => dialog.close());
  return button;
}
