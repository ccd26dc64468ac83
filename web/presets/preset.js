/** The paper's settings for a kind of concept, put into a node and those after it. */

import { sourceOf } from "../shared/graph.js";

/** @import { Words } from "../language/en.js" */

/** @typedef {Record<string, number>} Preset widget and percentage */

const PASSED_ON = ["FIA_CONCEPT_PROFILE", "FIA_NEURON_MASK"];

/** Widgets that, left empty, stand for the paper's prompts for the kind. */
const PROMPTS = ["contexts", "concept_templates", "base_template"];

/** Inputs for what should stay: the nodes after them forget something else. */
const STAYING = ["protect", "kept_masks"];

/**
 * Set the widgets that the preset names, in the node and in all nodes that its profiles and their
 * masks reach.
 *
 * @param {Comfy.Node} node
 * @param {Preset} preset
 * @returns {number} nodes in which a value changed
 */
export function applyPreset(node, preset) {
  const changed = [...following(node, new Set())].filter((reached) => {
    const widgets = reached.widgets?.filter(({ name, value }) => differs(value, preset[name]));
    for (const widget of widgets ?? []) {
      widget.value = preset[widget.name];
      widget.callback?.(widget.value); // else the newer renderer does not see it
    }
    return widgets?.length;
  });
  return changed.length;
}

/**
 * @param {unknown} value
 * @param {number | undefined} wanted undefined where the preset says nothing
 */
function differs(value, wanted) {
  return wanted !== undefined && value !== wanted;
}

/**
 * What the preset has set, for the person, and what it leaves as it was.
 *
 * @param {Preset} preset
 * @param {number} nodes how many it changed
 * @param {Words} words
 * @param {Comfy.Node} node the one whose kind was chosen
 */
export function sentencesOf(preset, nodes, words, node) {
  const settings = Object.entries(preset).map(
    ([name, percentage]) =>
      `${words.percentages[name] ?? name.replaceAll("_", " ")} ${percentage} %`,
  );
  const sentence = words.usualNumbers(settings.join(", "), nodes);
  const own = node.widgets?.some(({ name, value }) => PROMPTS.includes(name) && value);
  return own ? `${sentence} ${words.ownPrompts}` : sentence;
}

/**
 * @param {Comfy.Node} node
 * @param {Set<Comfy.Node>} seen
 * @returns {Set<Comfy.Node>} the node itself and all after it
 */
function following(node, seen) {
  if (!seen.has(node)) {
    seen.add(node);
    node.outputs.forEach(({ type }, slot) => {
      if (PASSED_ON.includes(type)) {
        for (const next of node.getOutputNodes(slot)?.filter((one) => forgets(one, node)) ?? []) {
          following(next, seen);
        }
      }
    });
  }
  return seen;
}

/**
 * Whether a node takes what another sends as something to forget, not as something that stays.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Node} source
 */
function forgets(node, source) {
  return node.inputs.some(
    ({ name }, slot) => !STAYING.includes(name) && sourceOf(node, slot) === source,
  );
}
