/** Finding nodes, in subgraphs too. */

/**
 * The graph at the top.
 *
 * @param {Comfy.App} app
 */
export function rootGraph(app) {
  return app.rootGraph ?? app.graph;
}

/**
 * All nodes of a type in a graph and the subgraphs in it.
 *
 * @param {Comfy.Graph} graph
 * @param {string} kind
 * @returns {Comfy.Node[]}
 */
export function nodesOf(graph, kind) {
  return graph.nodes.flatMap((node) => [
    ...(node.comfyClass === kind ? [node] : []),
    ...(node.subgraph ? nodesOf(node.subgraph, kind) : []),
  ]);
}

/**
 * The node that the server calls by an execution id: ids from the top down, joined by colons.
 *
 * @param {Comfy.Graph} graph
 * @param {string} id
 * @returns {Comfy.Node | null}
 */
export function nodeByExecutionId(graph, id) {
  const [first = "", ...rest] = id.split(":");
  const node = graph.getNodeById(first);
  if (!node || !rest.length) {
    return node;
  }
  return node.subgraph ? nodeByExecutionId(node.subgraph, rest.join(":")) : null;
}

/**
 * The node at the other end of an input's wire.
 *
 * A subgraph node of newer pages (seen in 1.58.1) takes its own getInputNode for a question about
 * what lies inside it, and fails.
 *
 * @param {Comfy.Node} node
 * @param {number} slot
 * @returns {Comfy.Node | null}
 */
export function sourceOf(node, slot) {
  if (!node.subgraph) {
    return node.getInputNode(slot);
  }
  const { graph, inputs } = node;
  const link = graph?.getLink(inputs[slot]?.link ?? -1);
  return link ? (graph?.getNodeById(link.origin_id) ?? null) : null;
}

/**
 * The subgraph nodes that a node lies in.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Graph} graph
 * @returns {Comfy.Node[]} from the outermost on; none for a node at the top
 */
export function ownersOf(node, graph) {
  for (const owner of graph.nodes) {
    const inside = owner.subgraph;
    if (inside) {
      const deeper = inside === node.graph ? [] : ownersOf(node, inside);
      if (inside === node.graph || deeper.length) {
        return [owner, ...deeper];
      }
    }
  }
  return [];
}

/**
 * What the server calls a node: its id, after those of the subgraphs around it, joined by colons.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Graph} graph the one at the top
 * @returns {string} empty for a node that does not lie in it
 */
export function executionId(node, graph) {
  if (node.graph === graph) {
    return String(node.id);
  }
  for (const { id, subgraph } of graph.nodes) {
    const inside = subgraph ? executionId(node, subgraph) : "";
    if (inside) {
      return `${id}:${inside}`;
    }
  }
  return "";
}

/**
 * The key of a node's output in `app.nodeOutputs`.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Graph} root
 */
export function locator(node, root) {
  return node.graph && node.graph !== root ? `${node.graph.id}:${node.id}` : String(node.id);
}
