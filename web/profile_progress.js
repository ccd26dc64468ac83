/**
 * Profile Concept in Nodes 2.0: how far it is, in words.
 *
 * The page adds a widget for a node's progress text by itself, but its newer renderer, in frontend
 * 1.32.9, shows no more than the first text there. Ours has that widget's name: the page finds it
 * and adds no other. Newer pages take all such words away when a run ends; after one that
 * ended well, the last are said again.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { addElement, part } from "./shared/elements.js";
import { nodeByExecutionId, nodesOf, rootGraph } from "./shared/graph.js";

const KIND = "FIAProfileConcept";
const WIDGET = "$$node-text-preview";
const HEIGHT = 36; // two lines
const STYLE = `
  box-sizing: border-box; width: 100%; height: ${HEIGHT}px; padding: 2px 4px; overflow: hidden;
  color: var(--input-text, #ddd); font: 12px/1.3 var(--font-inter, Inter, Arial, sans-serif);
  white-space: pre; text-overflow: ellipsis;`;

/** @type {WeakMap<Comfy.Node, HTMLElement>} */
const texts = new WeakMap();

/** @type {WeakMap<Comfy.Node, Comfy.ProgressText>} */
const lastWords = new WeakMap();

app.registerExtension({
  name: "ForgetItAll.ProfileProgress",

  setup() {
    api.addEventListener("progress_text", ({ detail }) => {
      const node = nodeByExecutionId(rootGraph(app), String(detail.nodeId));
      if (node?.comfyClass === KIND) {
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
    if (node.comfyClass === KIND && LiteGraph.vueNodesMode) {
      addText(node);
    }
  },
});

/** The last words of every profile that has lost them. */
function sayAgain() {
  for (const node of nodesOf(rootGraph(app), KIND)) {
    const words = lastWords.get(node);
    if (words && !node.widgets?.some(({ name }) => name === WIDGET)) {
      api.dispatchCustomEvent("progress_text", words);
    }
  }
}

/** @param {Comfy.Node} node */
function addText(node) {
  const element = part("div", "fia-profile-progress");
  element.style.cssText = STYLE;
  element.setAttribute("role", "status");
  texts.set(node, element);
  addElement(node, WIDGET, element, { getMinHeight: () => HEIGHT, getMaxHeight: () => HEIGHT });
}
