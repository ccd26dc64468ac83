/** Inspect Mask in the page: its table below the pictures, which the page itself shows. */

import { app } from "../../scripts/app.js";
import { locator, nodesOf, rootGraph } from "./compare/graph.js";
import { wordsOf } from "./language/words.js";

const KIND = "FIAInspectMask";
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

app.registerExtension({
  name: "ForgetItAll.InspectMask",

  nodeCreated(node) {
    if (node.comfyClass === KIND) {
      addTable(node);
    }
  },

  // A run that is opened from the queue, and a change between workflows.
  onNodeOutputsUpdated(outputs) {
    const root = rootGraph(app);
    for (const node of root ? nodesOf(root, KIND) : []) {
      show(node, outputs[locator(node, root)]);
    }
  },
});

/** @param {Comfy.Node} node */
function addTable(node) {
  const element = document.createElement("pre");
  element.className = "fia-inspect-table";
  element.style.cssText = STYLE;
  element.dataset.captureWheel = "true"; // the newer renderer lets it scroll
  element.textContent = wordsOf(app).runToSeeTable;
  tables.set(node, element);
  const widget = node.addDOMWidget("table", "fia_table", element, {
    serialize: false,
    getMinHeight: () => HEIGHT,
    getMaxHeight: () => HEIGHT,
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);

  const { onExecuted } = node;
  node.onExecuted = (output) => {
    onExecuted?.call(node, output);
    show(node, output);
  };
}

/**
 * @param {Comfy.Node} node
 * @param {Comfy.NodeOutput | undefined} output
 */
function show(node, output) {
  const [text] = Array.isArray(output?.text) ? output.text : [];
  const element = tables.get(node);
  if (element && typeof text === "string") {
    element.textContent = text;
  }
}
