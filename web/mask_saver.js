/** Save Neuron Mask in the page: the saved mask is offered, and loaded by one click. */

import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { offerFile, shownFile } from "./mask/widgets.js";
import { rememberChange } from "./shared/changes.js";
import { nodesOf, rootGraph } from "./shared/graph.js";
import { showWhenExecuted, showingAgain } from "./shared/outputs.js";

const LOADER = "FIALoadNeuronMask";
const GAP = 40;

/** @type {WeakMap<Comfy.Node, string[]>} the mask files of each node's last run */
const saved = new WeakMap();

/** @type {Set<string>} mask files that were saved after the page had asked which there are */
const unlisted = new Set();

/** @type {import("./shared/outputs.js").Display} */
const display = {
  kind: "FIASaveNeuronMask",
  isEmpty: (node) => !saved.has(node),
  show(node, output) {
    const names = Array.isArray(output.text) ? output.text.filter((it) => typeof it === "string") : [];
    if (names.length) {
      saved.set(node, names);
      showButton(node);
    }
  },
};

app.registerExtension({
  name: "ForgetItAll.MaskSaver",

  nodeCreated(node) {
    if (node.comfyClass === display.kind) {
      showWhenExecuted(node, { ...display, show: showNew });
    }
    if (node.comfyClass === LOADER) {
      unlisted.forEach((name) => offer(node, name));
    }
  },

  refreshComboInNodes: () => unlisted.clear(),

  ...showingAgain(display),
});

/** @type {import("./shared/outputs.js").Display["show"]} */
function showNew(node, output) {
  display.show(node, output);
  for (const name of saved.get(node) ?? []) {
    unlisted.add(name);
    nodesOf(rootGraph(app), LOADER).forEach((loader) => offer(loader, name));
  }
}

/**
 * @param {Comfy.Node} loader
 * @param {string} name
 */
function offer(loader, name) {
  const file = shownFile(loader, rootGraph(app));
  if (file) {
    offerFile(file, name);
  }
}

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
  const name = saved.get(node)?.at(-1);
  const loader = LiteGraph.createNode(LOADER);
  const file = loader && shownFile(loader, rootGraph(app));
  if (!name || !loader || !file || !node.graph) {
    return;
  }
  loader.pos = [node.pos[0] + node.size[0] + GAP, node.pos[1]];
  offerFile(file, name);
  file.value = name;
  node.graph.add(loader);
  rememberChange(app);
}
