/** What nodes of a type were sent: at the end of a run, from the queue's history, after a reload. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { locator, nodeByExecutionId, nodesOf, rootGraph } from "./graph.js";
import { rememberedOutputs } from "./history.js";

/** @import { Run } from "./history.js" */

const RUNS = 32;

/**
 * @typedef {object} Display how nodes of one type show what they were sent
 * @property {string} kind their type
 * @property {(node: Comfy.Node) => boolean} isEmpty the node shows nothing yet
 * @property {(node: Comfy.Node, output: Comfy.NodeOutput) => void} show
 */

/**
 * Show what a node is sent when it has run.
 *
 * @param {Comfy.Node} node
 * @param {Display} display
 */
export function showWhenExecuted(node, { show }) {
  const { onExecuted } = node;
  node.onExecuted = (output) => {
    onExecuted?.call(node, output);
    show(node, output);
  };
}

/**
 * The parts of an extension that bring back what nodes have shown before.
 *
 * @param {Display} display
 * @returns {Pick<Comfy.Extension, "onNodeOutputsUpdated" | "afterConfigureGraph">}
 */
export function showingAgain(display) {
  return {
    // A run that is opened from the queue, and a change between workflows.
    onNodeOutputsUpdated(outputs) {
      const root = rootGraph(app);
      showOutputs(root ? nodesOf(root, display.kind) : [], outputs, display);
    },

    // Not awaited: the page waits for its extensions here.
    afterConfigureGraph() {
      void restore(display);
    },
  };
}

/**
 * @param {Comfy.Node[]} nodes
 * @param {Record<string, Comfy.NodeOutput>} outputs by locator
 * @param {Display} display
 */
function showOutputs(nodes, outputs, { show }) {
  for (const node of nodes) {
    const output = outputs[locator(node, rootGraph(app))];
    if (output) {
      show(node, output);
    }
  }
}

/**
 * Show in the nodes that show nothing what the page remembers, as after an undo, or else the
 * server, as after a reload.
 *
 * @param {Display} display
 */
async function restore(display) {
  await new Promise((resolve) => {
    setTimeout(resolve); // until the page has brought back a workflow's outputs
  });
  const { kind, isEmpty, show } = display;
  const root = rootGraph(app);
  showOutputs(nodesOf(root, kind).filter(isEmpty), app.nodeOutputs, display);
  if (!nodesOf(root, kind).some(isEmpty)) {
    return;
  }
  const runs = await history();
  const outputs = rememberedOutputs(runs, kind, root.serialize(), app.nodeOutputs);
  for (const [id, output] of Object.entries(outputs)) {
    const node = nodeByExecutionId(root, id);
    if (node && isEmpty(node)) {
      show(node, output);
    }
  }
}

/** @type {Promise<Run[]> | null} null after a change in the server's queue */
let asked = null;

api.addEventListener("status", () => {
  asked = null;
});

/** The server's last runs, oldest first; asked for once between two runs. */
function history() {
  asked ??= fetchHistory();
  return asked;
}

/** @returns {Promise<Run[]>} */
async function fetchHistory() {
  const answer = await api.fetchApi(`/history?max_items=${RUNS}`).catch(() => null);
  return answer?.ok ? Object.values(await answer.json()) : [];
}
