/** Inspect Mask in the page: its table below the pictures, which the page itself shows. */

import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { keepWheel } from "./shared/canvas.js";
import { addElement, part } from "./shared/elements.js";
import { showWhenExecuted, showingAgain } from "./shared/outputs.js";

const HEIGHT = 180; // the pictures have the rest of the node
/** @type {[number, number]} */
const SIZE = [440, 760];
const STYLE = `
  box-sizing: border-box; width: 100%; height: 100%; max-height: ${HEIGHT}px; margin: 0;
  padding: 6px 8px; overflow: auto; contain: inline-size;
  color: var(--input-text, #ddd); background: var(--comfy-input-bg, #222); border-radius: 4px;
  font: 11px/1.4 monospace; white-space: pre; user-select: text;`;

/** @type {WeakMap<Comfy.Node, HTMLElement>} */
const tables = new WeakMap();

/** @type {WeakSet<Comfy.Node>} nodes whose table is there */
const filled = new WeakSet();

/** @type {import("./shared/outputs.js").Display} */
const display = {
  kind: "FIAInspectMask",
  isEmpty: (node) => !filled.has(node),
  show(node, output) {
    const [text] = Array.isArray(output.text) ? output.text : [];
    const element = tables.get(node);
    if (element && typeof text === "string") {
      element.textContent = text;
      filled.add(node);
    }
  },
};

app.registerExtension({
  name: "ForgetItAll.InspectMask",

  nodeCreated(node) {
    if (node.comfyClass === display.kind) {
      addTable(node);
      showWhenExecuted(node, display);
    }
  },

  ...showingAgain(display),
});

/** @param {Comfy.Node} node */
function addTable(node) {
  const element = part("pre", "fia-inspect-table", wordsOf(app).runToSeeTable);
  element.style.cssText = STYLE;
  keepWheel(element);
  tables.set(node, element);
  const options = { getMinHeight: () => HEIGHT, getMaxHeight: () => HEIGHT };
  addElement(node, "table", element, options, SIZE);
}
