/**
 * The classic page shows the few widgets of a node that everybody sets, and a button for the rest.
 * The newer renderer folds advanced inputs by itself, in newer frontends.
 *
 * Whether a node is open is its `showAdvanced`, which the page saves and the newer renderer reads.
 * Widgets that are folded away keep their values and places. Nodes inside a subgraph stay open:
 * what the subgraph shows of their widgets would be folded, too.
 */

import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { rememberChange } from "./shared/changes.js";
import { rootGraph } from "./shared/graph.js";

const OURS = /^FIA/;
const FEWEST = 2; // the button itself takes a row

app.registerExtension({
  name: "ForgetItAll.FoldAdvanced",

  nodeCreated(node) {
    const advanced = node.widgets?.filter(({ options }) => options.advanced) ?? [];
    if (OURS.test(node.comfyClass ?? "") && advanced.length >= FEWEST && !LiteGraph.vueNodesMode) {
      addButton(node, advanced);
    }
  },
});

/**
 * @param {Comfy.Node} node
 * @param {Comfy.Widget[]} advanced its widgets that are folded away
 */
function addButton(node, advanced) {
  const sizes = new Map(advanced.map((widget) => [widget, widget.computeSize]));
  const options = { serialize: false, canvasOnly: true };
  const button = node.addWidget("button", "more", null, turn, options);
  button.serialize = false;

  function show() {
    const open = node.showAdvanced || isInside(node);
    for (const [widget, computeSize] of sizes) {
      widget.hidden = !open && !isConnected(node, widget);
      // the canvas leaves 4 pixels between widgets
      widget.computeSize = widget.hidden ? () => [0, -4] : computeSize;
    }
    const { more, less } = wordsOf(app);
    button.label = node.showAdvanced ? less : more;
  }

  function turn() {
    node.showAdvanced = !node.showAdvanced;
    show();
    node.setSize([node.size[0], node.computeSize()[1]]);
    node.graph?.setDirtyCanvas(true, true);
    rememberChange(app);
  }

  const { onConfigure, onConnectionsChange } = node;
  node.onConfigure = (...details) => {
    onConfigure?.apply(node, details);
    show();
  };
  node.onConnectionsChange = (...details) => {
    onConnectionsChange?.apply(node, details);
    show();
  };
  show(); // before the page asks how large the node is
  node.setSize([node.size[0], node.computeSize()[1]]); // a workflow sets its own afterwards
  queueMicrotask(show); // only then does the node lie in a graph
}

/** @param {Comfy.Node} node */
function isInside(node) {
  return Boolean(node.graph && node.graph !== rootGraph(app));
}

/**
 * @param {Comfy.Node} node
 * @param {Comfy.Widget} widget
 */
function isConnected(node, { name }) {
  return node.inputs.some((slot) => slot.name === name && (slot.link ?? null) !== null);
}
