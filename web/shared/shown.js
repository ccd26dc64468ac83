/**
 * The widgets that a person sees. Newer pages (seen in 1.58.1) give a subgraph node widgets with
 * values of their own; those of the nodes inside then no longer count.
 */

import { ownersOf } from "./graph.js";

/** @param {Comfy.Node} node */
export function hasOwnWidgets(node) {
  return Boolean(node.subgraph && node.resolvePromotedTarget);
}

/**
 * @param {Comfy.Node} node
 * @param {string} name
 * @param {Comfy.Node} [owner] the subgraph node that it lies in, where that has widgets of its own
 * @returns {Comfy.Widget | undefined}
 */
export function shownWidget(node, name, owner) {
  const outside = owner?.widgets?.find((widget) => {
    const inside = owner.resolvePromotedTarget?.(widget.name);
    return inside?.widgetName === name && String(inside.nodeId) === String(node.id);
  });
  return outside ?? node.widgets?.find((widget) => widget.name === name);
}

/**
 * The same for a node anywhere below the graph at the top, whose owner is looked up.
 *
 * @param {Comfy.Node} node
 * @param {string} name
 * @param {Comfy.Graph} root
 */
export function shownBelow(node, name, root) {
  return shownWidget(node, name, ownersOf(node, root).at(-1));
}
