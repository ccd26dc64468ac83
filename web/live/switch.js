/** The switch "Live" of a node: while it is on, the node's picture follows every change. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { wordsOf } from "../language/words.js";
import { executionId, nodeByExecutionId, nodesOf, rootGraph } from "../shared/graph.js";
import { Live } from "./live.js";
import { profileEnd } from "./profiling.js";
import { cancelRun, queueAlone, refusal } from "./server.js";
import { isTyping } from "./typing.js";
import { valuesBefore } from "./values.js";

const LOOK = 20; // milliseconds between two looks
const RELOAD = 500; // milliseconds in which an undo has put its nodes in place

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

/** @type {WeakMap<Comfy.Node, Tell>} */
const tellers = new WeakMap();

/** @typedef {(fault: string) => void} Tell shows in the node why there is no picture; empty: nothing */

/**
 * @param {Comfy.Node} node
 * @param {Tell} tell
 */
export function addLiveSwitch(node, tell) {
  const words = wordsOf(app);
  // Not saved: it is off when a workflow is opened, and no input of the node.
  const options = { serialize: false, on: words.on, off: words.off };
  const widget = node.addWidget("toggle", "live", false, (on) => turn(node, Boolean(on)), options);
  widget.serialize = false;
  widget.label = words.live;
  widget.tooltip = words.liveHint;
  switches.set(node, widget);
  tellers.set(node, tell);
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
  const tell = tellers.get(node);
  const live = new Live({
    values: () => valuesBefore(node, app),
    queue: () => {
      tell?.("");
      return queueAlone(app, api, id);
    },
    cancel: (run) => void cancelRun(api, run, profileEnd),
    report: (error) => tell?.(refusal(error, titleOf, wordsOf(app))),
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
  if (isTyping()) {
    return;
  }
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

/**
 * What a person calls a node.
 *
 * @param {string} id its execution id
 * @param {string} kind its type, if the page has no such node
 */
function titleOf(id, kind) {
  return nodeByExecutionId(rootGraph(app), id)?.title ?? kind;
}

/**
 * A value that only the node itself finds wrong: told in Compare Erasure. Older pages (1.32.9) would
 * open a dialog over everything after each change.
 *
 * @param {CustomEvent<Fault>} event
 */
async function onFault(event) {
  const { prompt_id, node_id, node_type, exception_message } = event.detail;
  const all = [...entries];
  const owner = all.find(([, { live }]) => live.runs.has(prompt_id));
  const posting = all.map(([, { live }]) => live.posting).filter(Boolean);
  if (owner) {
    event.stopImmediatePropagation();
    const [node, { live }] = owner;
    if (live.run === prompt_id) {
      tellers.get(node)?.(`${titleOf(String(node_id), node_type)}: ${exception_message}`.trim());
    }
  } else if (posting.length) {
    event.stopImmediatePropagation();
    await Promise.all(posting); // it may be of one of these: the server was faster than its answer
    api.dispatchEvent(new CustomEvent(event.type, { detail: event.detail }));
  }
}

/**
 * @typedef {object} Fault
 * @property {string} prompt_id
 * @property {string | number} node_id
 * @property {string} node_type
 * @property {string} exception_message
 */

api.addEventListener("execution_error", (event) => void onFault(event));
