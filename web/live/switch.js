/** The switch "Live" of a node: while it is on, the node's picture follows every change. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { wordsOf } from "../language/words.js";
import { executionId, nodeByExecutionId, nodesOf, rootGraph } from "../shared/graph.js";
import { Live } from "./live.js";
import { cancelRun, queueAlone, refusal } from "./server.js";
import { valuesBefore } from "./values.js";

const LOOK = 20; // milliseconds between two looks
const RELOAD = 500; // milliseconds in which an undo has put its nodes in place
const SHOWN = 6000; // milliseconds

/**
 * @typedef {object} Entry
 * @property {Live} live
 * @property {string} id the node's execution id
 * @property {Comfy.Workflow | null} workflow the one that was open
 * @property {number | null} gone when the node was found replaced, milliseconds
 */

/** @type {Map<Comfy.Node, Entry>} the nodes whose switch is on */
const entries = new Map();

/** @type {ReturnType<typeof setInterval> | undefined} */
let timer;

/** @type {WeakMap<Comfy.Node, Comfy.Widget>} */
const switches = new WeakMap();

/** @param {Comfy.Node} node */
export function addLiveSwitch(node) {
  const words = wordsOf(app);
  // Not saved: it is off when a workflow is opened, and no input of the node.
  const options = { serialize: false, on: words.on, off: words.off };
  const widget = node.addWidget("toggle", "live", false, (on) => turn(node, Boolean(on)), options);
  widget.serialize = false;
  widget.label = words.live;
  widget.tooltip = words.liveHint;
  switches.set(node, widget);
}

/**
 * Turn the switches of the selected nodes of a type, or of all where none is selected.
 *
 * @param {string} kind
 */
export function toggleLive(kind) {
  const nodes = nodesOf(rootGraph(app), kind);
  const selected = nodes.filter((node) => app.canvas.selectedItems.has(node));
  const chosen = selected.length ? selected : nodes;
  const on = !chosen.some((node) => entries.has(node));
  chosen.forEach((node) => turn(node, on));
}

/**
 * @param {Comfy.Node} node
 * @param {boolean} on
 */
function turn(node, on) {
  const widget = switches.get(node);
  if (widget) {
    widget.value = on;
  }
  if (on) {
    start(node);
  } else {
    stop(node);
  }
  node.graph?.setDirtyCanvas(true);
}

/** @param {Comfy.Node} node */
function start(node) {
  const id = executionId(node, rootGraph(app));
  const live = new Live({
    values: () => valuesBefore(node, app),
    queue: () => queueAlone(app, api, id),
    cancel: (run) => void cancelRun(api, run),
    report,
  });
  stop(node);
  entries.set(node, { live, id, workflow: openWorkflow(), gone: null });
  timer ??= setInterval(look, LOOK);
}

/** @param {Comfy.Node} node */
function stop(node) {
  entries.get(node)?.live.stop();
  entries.delete(node);
  if (!entries.size) {
    clearInterval(timer);
    timer = undefined;
  }
}

function look() {
  const now = performance.now();
  for (const [node, entry] of entries) {
    if (node.graph?.getNodeById(node.id) === node) {
      entry.live.look(now);
    } else {
      entry.gone ??= now;
      if (now - entry.gone >= RELOAD) {
        stop(node);
        resume(entry);
      }
    }
  }
}

/**
 * An undo replaces all nodes of the same workflow: go on with the one that took the place.
 *
 * @param {Entry} entry
 */
function resume({ id, workflow }) {
  const node = workflow === openWorkflow() ? nodeByExecutionId(rootGraph(app), id) : null;
  if (node && switches.has(node)) {
    turn(node, true);
  }
}

function openWorkflow() {
  return app.extensionManager.workflow.activeWorkflow;
}

/** @param {unknown} error */
function report(error) {
  const words = wordsOf(app);
  app.extensionManager.toast.add({
    severity: "error",
    summary: words.live,
    detail: refusal(error, words),
    life: SHOWN,
  });
}
