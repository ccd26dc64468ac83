/** Save Neuron Mask in the page: one click from the saved mask to a node that loads it. */

import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { offerFile } from "./mask/widgets.js";
import { showWhenExecuted, showingAgain } from "./shared/outputs.js";

const LOADER = "FIALoadNeuronMask";
const GAP = 40;

/** @type {WeakMap<Comfy.Node, string>} the mask file that each node saved last */
const saved = new WeakMap();

/** @type {import("./shared/outputs.js").Display} */
const display = {
  kind: "FIASaveNeuronMask",
  isEmpty: (node) => !saved.has(node),
  show(node, output) {
    const [name] = Array.isArray(output.text) ? output.text : [];
    if (typeof name === "string") {
      saved.set(node, name);
      showButton(node);
    }
  },
};

app.registerExtension({
  name: "ForgetItAll.MaskSaver",

  nodeCreated(node) {
    if (node.comfyClass === display.kind) {
      showWhenExecuted(node, display);
    }
  },

  ...showingAgain(display),
});

/** @param {Comfy.Node} node */
function showButton(node) {
  const { loadSaved } = wordsOf(app);
  if (node.widgets?.some((widget) => widget.name === loadSaved)) {
    return;
  }
  const options = { serialize: false }; // else it is an input, and the node runs again
  const button = node.addWidget("button", loadSaved, null, () => addLoader(node), options);
  button.serialize = false;
  const [width, height] = node.computeSize();
  node.setSize([Math.max(node.size[0], width), Math.max(node.size[1], height)]);
}

/**
 * Load what a node saved last in a new node beside it.
 *
 * @param {Comfy.Node} node
 */
function addLoader(node) {
  const name = saved.get(node);
  const loader = LiteGraph.createNode(LOADER);
  const file = loader?.widgets?.find((widget) => widget.name === "mask_file");
  if (!name || !loader || !file || !node.graph) {
    return;
  }
  loader.pos = [node.pos[0] + node.size[0] + GAP, node.pos[1]];
  offerFile(file, name);
  file.value = name;
  node.graph.add(loader);
  app.extensionManager?.workflow?.activeWorkflow?.changeTracker?.checkState();
}
