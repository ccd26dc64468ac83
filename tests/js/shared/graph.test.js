import { locator, nodeByExecutionId, nodesOf, rootGraph } from "../../../web/shared/graph.js";

const KIND = "FIACompareErasure";

/**
 * @param {string} id
 * @param {Partial<Comfy.Node>[]} nodes
 */
function graph(id, nodes) {
  /** @type {any} */
  const made = { id, nodes };
  made.getNodeById = (/** @type {string | number} */ wanted) =>
    nodes.find((node) => String(node.id) === String(wanted)) ?? null;
  for (const node of nodes) {
    node.graph = made;
  }
  return /** @type {Comfy.Graph} */ (made);
}

const inner = { id: 4, comfyClass: KIND };
const outer = { id: 2, comfyClass: KIND };
const subgraph = graph("inside", [inner, { id: 5, comfyClass: "KSampler" }]);
const root = graph("root", [outer, { id: 3, subgraph }]);

test("nodes are found in subgraphs too", () => {
  expect(nodesOf(root, KIND)).toEqual([outer, inner]);
});

test("an execution id leads through subgraphs", () => {
  expect(nodeByExecutionId(root, "2")).toBe(outer);
  expect(nodeByExecutionId(root, "3:4")).toBe(inner);
  for (const lost of ["9", "3:9", "2:4"]) {
    expect(nodeByExecutionId(root, lost)).toBeNull();
  }
});

test("a locator names the subgraph, not the way to it", () => {
  expect(locator(/** @type {Comfy.Node} */ (outer), root)).toBe("2");
  expect(locator(/** @type {Comfy.Node} */ (inner), root)).toBe("inside:4");
});

test("the open graph is not the root when a subgraph is open", () => {
  const app = /** @type {Comfy.App} */ ({ graph: subgraph, rootGraph: root });
  expect(rootGraph(app)).toBe(root);
});
