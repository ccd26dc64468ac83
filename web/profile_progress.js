/**
 * The words of Profile Concept and Forget LoRA on how far they are and what they warn of.
 *
 * The page adds a widget for a node's progress text by itself, but its newer renderer, in frontend
 * 1.32.9, shows no more than the first text there. Ours has that widget's name: the page finds it
 * and adds no other. Newer pages take all such words away when a run ends; after one that
 * ended well, the last are said again. A node inside a subgraph is out of sight: its
 * warnings are shown as a message of the page, once.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { addElement, part } from "./shared/elements.js";
import { nodeByExecutionId, nodesOf, rootGraph } from "./shared/graph.js";
import { SLOW, isSlow } from "./shared/slow.js";

const WIDGET = "$$node-text-preview";
const HEIGHT = 52; // three lines
const WARNINGS = /^⚠ (.*)$/ms; // they end the words
const SHOWN = 600_000; // milliseconds: who waits for a profile may be away
const STYLE = `
  box-sizing: border-box; width: 100%; height: ${HEIGHT}px; padding: 2px 4px; overflow: hidden;
  color: var(--input-text, #ddd); font: 12px/1.3 var(--font-inter, Inter, Arial, sans-serif);
  white-space: pre; text-overflow: ellipsis;`;

/** @type {WeakMap<Comfy.Node, HTMLElement>} */
const texts = new WeakMap();

/** @type {WeakMap<Comfy.Node, Comfy.ProgressText>} */
const lastWords = new WeakMap();

/**
 * By execution id, since the instances of a subgraph share their nodes.
 *
 * @type {WeakMap<Comfy.Node, Record<string, string>>}
 */
const lastWarnings = new WeakMap();

app.registerExtension({
  name: "ForgetItAll.ProfileProgress",

  setup() {
    api.addEventListener("progress_text", ({ detail }) => {
      const node = nodeByExecutionId(rootGraph(app), String(detail.nodeId));
      if (node && isSlow(node)) {
        warn(node, detail);
        lastWords.set(node, { nodeId: detail.nodeId, text: detail.text });
        const element = texts.get(node);
        if (element) {
          element.textContent = detail.text;
          element.title = detail.text; // what does not fit
        }
      }
    });
    api.addEventListener("execution_success", () => setTimeout(sayAgain));
  },

  // Later it would be too late: the newer renderer does not see what is added then.
  nodeCreated(node) {
    if (isSlow(node) && LiteGraph.vueNodesMode) {
      addText(node);
    }
  },
});

/** The last words of every node that has lost them. */
function sayAgain() {
  for (const node of SLOW.flatMap((kind) => nodesOf(rootGraph(app), kind))) {
    const words = lastWords.get(node);
    if (words && !node.widgets?.some(({ name }) => name === WIDGET)) {
      api.dispatchCustomEvent("progress_text", words);
    }
  }
}

/**
 * Show the warnings of a node inside a subgraph, unless they are those that it had before.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.ProgressText} words
 */
function warn(node, { nodeId, text }) {
  const [outermost = "", ...inside] = String(nodeId).split(":");
  const [, warnings] = text.match(WARNINGS) ?? [];
  const before = lastWarnings.get(node) ?? {};
  if (!inside.length || !warnings || warnings === before[nodeId]) {
    return;
  }
  lastWarnings.set(node, { ...before, [nodeId]: warnings });
  app.extensionManager.toast.add({
    severity: "warn",
    summary: rootGraph(app).getNodeById(outermost)?.title ?? "",
    detail: warnings,
    life: SHOWN,
  });
}

/** @param {Comfy.Node} node */
function addText(node) {
  const element = part("div", "fia-profile-progress");
  element.style.cssText = STYLE;
  element.setAttribute("role", "status");
  texts.set(node, element);
  addElement(node, WIDGET, element, { getMinHeight: () => HEIGHT, getMaxHeight: () => HEIGHT });
}
