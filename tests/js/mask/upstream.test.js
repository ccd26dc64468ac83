import { modelLoadersFor } from "../../../web/mask/upstream.js";

/**
 * @typedef {object} Plan
 * @property {string} [title]
 * @property {string} [file] the first widget's value
 * @property {[string, string][]} [inputs] type, and the type of the node that is wired to it
 * @property {string[]} [outputs] types
 */

/**
 * Nodes by their type, wired as on the page.
 *
 * @param {Record<string, Plan>} plans
 */
function graph(plans) {
  /** @type {Record<string, any>} */
  const nodes = {};
  for (const [type, { title = type, file, inputs = [], outputs = [] }] of Object.entries(plans)) {
    nodes[type] = {
      type,
      title,
      id: type,
      widgets: file ? [{ name: "file", value: file }] : undefined,
      inputs: inputs.map(([kind]) => ({ type: kind })),
      outputs: outputs.map((kind) => ({ type: kind })),
      getInputNode: (/** @type {number} */ slot) => nodes[inputs[slot]?.[1] ?? ""] ?? null,
      getOutputNodes: (/** @type {number} */ slot) =>
        Object.entries(plans)
          .filter(([, plan]) =>
            plan.inputs?.some(([kind, from]) => from === type && kind === outputs[slot]),
          )
          .map(([name]) => nodes[name]),
    };
  }
  return nodes;
}

const LOAD = { outputs: ["FIA_NEURON_MASK"] };
const CHECKPOINT = {
  title: "Load Checkpoint",
  file: "sd15.safetensors",
  outputs: ["MODEL", "CLIP", "VAE"],
};
const FOUND = [
  { type: "CheckpointLoaderSimple", name: "sd15.safetensors", title: "Load Checkpoint" },
];

/**
 * @param {string} model
 * @param {string} mask
 * @returns {Plan}
 */
function apply(model, mask) {
  return {
    inputs: [
      ["MODEL", model],
      ["FIA_NEURON_MASK", mask],
    ],
    outputs: ["MODEL"],
  };
}

/**
 * @param {Record<string, any>} nodes
 * @param {any} [owner] the subgraph node that they lie in
 */
function found(nodes, owner) {
  /** @type {any} */
  const inside = { nodes: Object.values(nodes) };
  inside.nodes.forEach((/** @type {any} */ node) => Object.assign(node, { graph: inside }));
  return modelLoadersFor(nodes.load, owner ? { nodes: [{ ...owner, subgraph: inside }] } : inside);
}

test("a mask that is wired to nothing meets no model", () => {
  expect(found(graph({ load: LOAD }))).toEqual([]);
});

test("the checkpoint behind Apply Neuron Mask is found", () => {
  const nodes = graph({
    load: LOAD,
    CheckpointLoaderSimple: CHECKPOINT,
    FIAApplyNeuronMask: apply("CheckpointLoaderSimple", "load"),
  });
  expect(found(nodes)).toEqual(FOUND);
});

test("it is found through a LoRA and through Fuse Masks", () => {
  const nodes = graph({
    load: LOAD,
    fuse: { inputs: [["FIA_NEURON_MASK", "load"]], outputs: ["FIA_NEURON_MASK"] },
    CheckpointLoaderSimple: CHECKPOINT,
    lora: {
      file: "style.safetensors",
      inputs: [["MODEL", "CheckpointLoaderSimple"]],
      outputs: ["MODEL"],
    },
    FIAApplyNeuronMask: apply("lora", "fuse"),
  });
  expect(found(nodes)).toEqual(FOUND);
});

test("a model input without a wire has no loader", () => {
  const nodes = graph({ load: LOAD, FIAApplyNeuronMask: apply("", "load") });
  expect(found(nodes)).toEqual([]);
});

test("wires that run in a circle end", () => {
  const nodes = graph({
    load: { inputs: [["FIA_NEURON_MASK", "fuse"]], outputs: ["FIA_NEURON_MASK"] },
    fuse: { inputs: [["FIA_NEURON_MASK", "load"]], outputs: ["FIA_NEURON_MASK"] },
    one: { inputs: [["MODEL", "two"]], outputs: ["MODEL"] },
    two: { inputs: [["MODEL", "one"]], outputs: ["MODEL"] },
    FIAApplyNeuronMask: apply("one", "fuse"),
  });
  expect(found(nodes)).toEqual([]);
});

test("in a subgraph with widgets of its own, theirs name the checkpoint", () => {
  const nodes = graph({
    load: LOAD,
    CheckpointLoaderSimple: CHECKPOINT,
    FIAApplyNeuronMask: apply("CheckpointLoaderSimple", "load"),
  });
  const owner = {
    widgets: [{ name: "checkpoint", value: "sdxl.safetensors" }],
    resolvePromotedTarget: () => ({ nodeId: "CheckpointLoaderSimple", widgetName: "file" }),
  };
  expect(found(nodes, owner).map(({ name }) => name)).toEqual(["sdxl.safetensors"]);
});
