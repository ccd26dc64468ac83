/**
 * The widgets that a person sees. Newer pages (seen from 1.49.6 on) give a subgraph node widgets
 * with values of their own; those of the nodes inside then no longer count.
 */

import { ownersOf } from "./graph.js";

/**
 * @param {Comfy.Node} node
 * @param {string} name
 * @param {Comfy.Node} [owner] the subgraph node that it lies in
 * @returns {Comfy.Widget | undefined}
 */
export function shownWidget(node, name, owner) {
  const outside = owner?.widgets?.find((widget) => standsFor(owner, widget, node, name));
  return outside ?? node.widgets?.find((widget) => widget.name === name);
}

/**
 * Whether a subgraph node's widget stands for that of a node inside: the page says so (1.58.1), or
 * it belongs to an input that is wired to that widget (1.49.6).
 *
 * @param {Comfy.Node} owner
 * @param {Comfy.Widget} own
 * @param {Comfy.Node} node
 * @param {string} name
 */
function standsFor(owner, own, node, name) {
  const { subgraph } = owner;
  if (owner.resolvePromotedTarget) {
    const inside = owner.resolvePromotedTarget(own.name);
    return inside?.widgetName === name && String(inside.nodeId) === String(node.id);
  }
  const slot = owner.inputs.findIndex(({ widget }) => widget?.name === own.name);
  return subgraph?.inputs?.[slot]?.linkIds.some((id) => {
    const link = subgraph.getLink(id);
    const isHere = link && String(link.target_id) === String(node.id);
    return isHere && node.inputs[link.target_slot]?.widget?.name === name;
  });
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
