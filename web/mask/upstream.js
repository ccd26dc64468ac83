/** Which models a mask meets: over the wires from the mask's node, before anything runs. */

import { sourceOf } from "../shared/graph.js";
import { shownBelow } from "../shared/shown.js";

const APPLY = "FIAApplyNeuronMask";
const MASK = "FIA_NEURON_MASK";
const MODEL = "MODEL";
const ANY = "*";

/** @typedef {{ type: string, name: string, title: string }} ModelLoader a node and its file */

/**
 * The nodes that load the models which meet a mask, each once.
 *
 * @param {Comfy.Node} source a node with a mask output
 * @param {Comfy.Graph} root
 * @returns {ModelLoader[]}
 */
export function modelLoadersFor(source, root) {
  const loaders = applies(source, new Set()).flatMap((node) => loaderOf(node) ?? []);
  return [...new Set(loaders)].map((node) => ({
    type: node.type,
    name: fileName(node, root),
    title: node.title,
  }));
}

/**
 * What a loader's first widget says.
 *
 * @param {Comfy.Node} loader
 * @param {Comfy.Graph} root
 */
function fileName(loader, root) {
  const [own] = loader.widgets ?? [];
  const shown = own && shownBelow(loader, own.name, root);
  return String(shown?.value ?? "");
}

/**
 * All nodes that apply the mask, through nodes that pass masks on.
 *
 * @param {Comfy.Node} node
 * @param {Set<Comfy.Node>} seen
 * @returns {Comfy.Node[]}
 */
function applies(node, seen) {
  if (seen.has(node)) {
    return [];
  }
  seen.add(node);
  if (node.type === APPLY) {
    return [node];
  }
  return node.outputs.flatMap((output, slot) =>
    output.type === MASK || output.type === ANY
      ? (node.getOutputNodes(slot) ?? []).flatMap((next) => applies(next, seen))
      : [],
  );
}

/**
 * The node at the start of the model's wire; null where there is none.
 *
 * @param {Comfy.Node} node
 */
function loaderOf(node) {
  /** @type {Comfy.Node | null} */
  let current = node;
  const seen = new Set();
  while (current && !seen.has(current)) {
    seen.add(current);
    const slot = current.inputs.findIndex(({ type }) => type === MODEL || type === ANY);
    if (slot < 0) {
      return current;
    }
    current = sourceOf(current, slot);
  }
  return null;
}
