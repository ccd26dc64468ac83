/** The two widgets of Load Neuron Mask. */

import { shownBelow } from "../shared/shown.js";

/**
 * The widget with the name of a node's mask file, as a person sees it.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Graph} root
 */
export function shownFile(node, root) {
  return shownBelow(node, "mask_file", root);
}

/**
 * Files that a widget offers.
 *
 * @param {Comfy.Widget} file
 * @returns {unknown[]}
 */
export function offeredFiles(file) {
  const { values } = file.options;
  return Array.isArray(values) ? values : [];
}

/**
 * Let a widget offer a new file, and so all widgets that share its list.
 *
 * @param {Comfy.Widget} file
 * @param {string} name
 */
export function offerFile(file, name) {
  const offered = offeredFiles(file);
  if (!offered.includes(name)) {
    offered.push(name);
  }
}

/**
 * Hide a widget in both renderers, and take its input slot away. Its value is still saved in its
 * place: a mask's text travels with the workflow, and nobody needs to see it.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Widget} widget
 */
export function hideWidget(node, widget) {
  widget.hidden = true;
  widget.options.hidden = true; // for the newer renderer
  widget.computeSize = () => [0, -4]; // the canvas leaves 4 pixels between widgets
  const slot = node.findInputSlot(widget.name);
  if (slot >= 0) {
    node.removeInput(slot);
  }
}
