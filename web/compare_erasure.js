/** Draws the node "Compare Erasure". */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { shareWithCanvas } from "./compare/canvas.js";
import { Comparison } from "./compare/comparison.js";
import { enlarge } from "./compare/enlarge.js";
import { locator, nodeByExecutionId, nodesOf, rootGraph } from "./compare/graph.js";
import { rememberedOutputs } from "./compare/history.js";
import { pairsOf } from "./compare/pairs.js";
import { wordsOf } from "./language/words.js";

const KIND = "FIACompareErasure";
const MIN_HEIGHT = 120;
/** @type {[number, number]} */
const SIZE = [300, 340];
const RUNS = 32;

/** @type {WeakMap<Comfy.Node, Comparison>} */
const comparisons = new WeakMap();

app.registerExtension({
  name: "ForgetItAll.CompareErasure",

  setup() {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("./compare/comparison.css", import.meta.url).href;
    document.head.append(style);
  },

  nodeCreated(node) {
    if (node.comfyClass === KIND) {
      addComparison(node);
    }
  },

  // A run that is opened from the queue, and a change between workflows.
  onNodeOutputsUpdated(outputs) {
    const root = rootGraph(app);
    for (const node of root ? nodesOf(root, KIND) : []) {
      show(node, outputs[locator(node, root)]);
    }
  },

  // Not awaited: the page waits for its extensions here.
  afterConfigureGraph() {
    void restore();
  },
});

/** @param {Comfy.Node} node */
function addComparison(node) {
  const words = wordsOf(app);
  const comparison = new Comparison({ words, onClick: () => enlarge(comparison) });
  comparison.element.classList.add("widget-expands"); // the newer renderer lets it grow
  shareWithCanvas(comparison.element, app.canvas);
  comparisons.set(node, comparison);

  const widget = node.addDOMWidget("comparison", "fia_comparison", comparison.element, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => MIN_HEIGHT,
  });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])]);

  const onExecuted = node.onExecuted;
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
  const pairs = pairsOf(output, (path) => api.apiURL(path));
  if (pairs.length) {
    void comparisons.get(node)?.show(pairs);
  }
}

/** Show what the server remembers in the nodes that show nothing, as after a reload. */
async function restore() {
  const root = rootGraph(app);
  if (!nodesOf(root, KIND).length) {
    return;
  }
  const response = await api.fetchApi(`/history?max_items=${RUNS}`);
  if (!response.ok) {
    return;
  }
  const runs = Object.values(await response.json());
  for (const [id, output] of Object.entries(
    rememberedOutputs(runs, KIND, root.id, app.nodeOutputs),
  )) {
    const node = nodeByExecutionId(root, id);
    if (node && !comparisons.get(node)?.pairs.length) {
      show(node, output);
    }
  }
}
