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
      for (const node of root ? nodesOf(root, display.kind) : []) {
        const output = outputs[locator(node, root)];
        if (output) {
          display.show(node, output);
        }
      }
    },

    // Not awaited: the page waits for its extensions here.
    afterConfigureGraph() {
      void restore(display);
    },
  };
}

/**
 * Show what the server remembers in the nodes that show nothing, as after a reload.
 *
 * @param {Display} display
 */
async function restore({ kind, isEmpty, show }) {
  const root = rootGraph(app);
  if (!nodesOf(root, kind).some(isEmpty)) {
    return;
  }
  const runs = await history();
  const outputs = rememberedOutputs(runs, kind, root.id, app.nodeOutputs);
  for (const [id, output] of Object.entries(outputs)) {
    const node = nodeByExecutionId(root, id);
    if (node && isEmpty(node)) {
      show(node, output);
    }
  }
}

/** @type {Promise<Run[]> | null} under way */
let asked = null;

/** The server's last runs, oldest first; asked for once for all types of nodes. */
async function history() {
  asked ??= fetchHistory().finally(() => {
    asked = null;
  });
  return asked;
}

/** @returns {Promise<Run[]>} */
async function fetchHistory() {
  const answer = await api.fetchApi(`/history?max_items=${RUNS}`).catch(() => null);
  return answer?.ok ? Object.values(await answer.json()) : [];
}
