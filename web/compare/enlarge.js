/** The comparison as large as the window. */

import { Comparison } from "./comparison.js";
import { part } from "./elements.js";

/** @import { Words } from "../language/en.js" */

/**
 * Show a comparison over everything until Escape, a click beside it, or the cross.
 *
 * @param {Comparison} small the one in the node; it takes over the pair and the line's place
 */
export function enlarge(small) {
  const { words } = small;
  const dialog = part("dialog", "dialog");
  dialog.setAttribute("aria-label", words.enlarged);

  const large = new Comparison({ words });
  large.moveTo(small.position);
  const help = keys(words, small.pairs.length > 1);
  dialog.append(large.element, help, closeButton(dialog, words));

  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === large.frame) {
      dialog.close();
    }
  });
  // The page's own keys would act on the graph below. Undo and redo still do: the page hears them
  // on the window, before any element and any extension.
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
 * @param {Words} words
 * @param {boolean} batch there are other pairs
 */
function keys(words, batch) {
  /** @type {[string, string][]} */
  const meanings = [
    ["← →", words.keyMoves],
    [words.keys.space, words.keyFlips],
    [words.keys.escape, words.keyCloses],
  ];
  if (batch) {
    meanings.unshift([words.keys.pages, words.keyTurns]);
  }
  const line = part("p", "keys");
  for (const [key, meaning] of meanings) {
    const entry = document.createElement("span");
    entry.append(part("kbd", "key", key), meaning);
    line.append(entry);
  }
  return line;
}

/**
 * @param {HTMLDialogElement} dialog
 * @param {Words} words
 */
function closeButton(dialog, words) {
  const button = part("button", "close", "×");
  button.type = "button";
  button.setAttribute("aria-label", words.close);
  button.addEventListener("click", () => dialog.close());
  return button;
}
