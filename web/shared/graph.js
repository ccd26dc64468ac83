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
 * The key of a node's output in `app.nodeOutputs`.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Graph} root
 */
export function locator(node, root) {
  return node.graph && node.graph !== root ? `${node.graph.id}:${node.id}` : String(node.id);
}
