/** What a node's picture depends on: the widgets, modes and wires of all that leads to it. */

import { ownersOf, rootGraph, sourceOf } from "../shared/graph.js";

/**
 * All values that lead to a node, in a fixed order. A change of any of them changes the list.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.App} app
 * @returns {unknown[]}
 */
export function valuesBefore(node, app) {
  /** @type {unknown[]} */
  const values = [];
  /** @type {Set<Comfy.Node>} */
  const seen = new Set();
  /** @type {(Comfy.Node | null)[]} */
  const open = [node, ...ownersOf(node, rootGraph(app))]; // wires enter through the owners
  while (open.length) {
    const current = open.pop();
    if (current && !seen.has(current)) {
      seen.add(current);
      values.push(current.id, current.mode, ...widgetValues(current));
      for (const [slot, { link }] of (current.inputs ?? []).entries()) {
        values.push(link ?? null);
        open.push(sourceOf(current, slot));
      }
      open.push(...(current.subgraph?.nodes ?? []));
    }
  }
  return values;
}

/**
 * @param {unknown[]} one
 * @param {unknown[]} other
 */
export function sameValues(one, other) {
  return one.length === other.length && one.every((value, place) => value === other[place]);
}

/**
 * @param {Comfy.Node} node
 * @returns {unknown[]}
 */
function widgetValues({ widgets = [] }) {
  return widgets
    .filter(({ serialize, options }) => serialize !== false && options?.serialize !== false)
    .map(({ value }) => (typeof value === "object" ? JSON.stringify(value) : value));
}
