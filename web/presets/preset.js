/** The paper's settings for a kind of concept, put into a node and those after it. */

import { sourceOf } from "../shared/graph.js";
import { shownWidget } from "../shared/shown.js";

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
 * @param {Comfy.Node} [owner] the subgraph node that it lies in, where that has widgets of its own
 * @returns {number} nodes in which a value changed
 */
export function applyPreset(node, preset, owner) {
  const changed = [...following(node, new Set())].map((reached) =>
    Object.entries(preset).filter(([name, percentage]) =>
      setWidget(shownWidget(reached, name, owner), percentage),
    ),
  );
  return changed.filter(({ length }) => length).length;
}

/**
 * @param {Comfy.Widget | undefined} widget
 * @param {number} wanted
 * @returns {boolean} whether the widget is there and its value was another
 */
function setWidget(widget, wanted) {
  if (!widget || widget.value === wanted) {
    return false;
  }
  widget.value = wanted;
  widget.callback?.(wanted); // else the newer renderer does not see it
  return true;
}

/**
 * What the preset has set, for the person, and what it leaves as it was.
 *
 * @param {Preset} preset
 * @param {number} nodes how many it changed
 * @param {Words} words
 * @param {Comfy.Node} node the one whose kind was chosen
 * @param {Comfy.Node} [owner] the subgraph node that it lies in, where that has widgets of its own
 */
export function sentencesOf(preset, nodes, words, node, owner) {
  const settings = Object.entries(preset).map(
    ([name, percentage]) =>
      `${words.percentages[name] ?? name.replaceAll("_", " ")} ${percentage} %`,
  );
  const sentence = words.usualNumbers(settings.join(", "), nodes);
  const own = PROMPTS.some((name) => shownWidget(node, name, owner)?.value);
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
