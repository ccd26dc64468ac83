import { rememberedOutputs } from "../../../web/shared/history.js";

const KIND = "FIACompareErasure";

/** @param {string} filename */
function pictures(filename, type = "temp") {
  return { images: [{ filename, subfolder: "", type }] };
}

/**
 * A workflow with values of a sampler, in a subgraph, and of a node that shows a picture.
 *
 * @param {string} id
 * @param {unknown[]} values
 * @returns {Comfy.SavedGraph}
 */
function workflow(id, values = [1, "fixed", 20], prefix = "picture") {
  return {
    id,
    nodes: [
      { id: 7, type: KIND },
      { id: 9, type: "SaveImage", widgets_values: [prefix] },
    ],
    definitions: {
      subgraphs: [{ id: "within", nodes: [{ id: 7, type: "KSampler", widgets_values: values }] }],
    },
  };
}

/**
 * A run in which node 7 compared and node 9 showed a picture.
 *
 * @param {string} id the workflow's
 * @param {string} name
 * @param {unknown[]} [values]
 * @returns {import("../../../web/shared/history.js").Run}
 */
function run(id, name, values) {
  const graph = { 7: { class_type: KIND }, 9: { class_type: "SaveImage" } };
  return {
    prompt: [0, name, graph, { extra_pnginfo: { workflow: workflow(id, values) } }],
    outputs: { 7: pictures(`${name}-7`), 9: pictures(`${name}-9`) },
  };
}

test("the newest run of the workflow is remembered, and of it the nodes of the type", () => {
  const runs = [run("mine", "old"), run("mine", "new"), run("other", "later")];
  expect(rememberedOutputs(runs, KIND, workflow("mine"), {})).toEqual({ 7: pictures("new-7") });
});

test("who opens an old run sees its pictures", () => {
  const runs = [run("mine", "old"), run("mine", "new")];
  const shown = { 9: pictures("old-9") };
  expect(rememberedOutputs(runs, KIND, workflow("mine"), shown)).toEqual({ 7: pictures("old-7") });
});

test("a picture that was loaded, not made, does not matter", () => {
  const shown = { 3: pictures("photo.png", "input") };
  expect(rememberedOutputs([run("mine", "new")], KIND, workflow("mine"), shown)).toEqual({
    7: pictures("new-7"),
  });
});

test("a run without the node is passed over", () => {
  const failed = run("mine", "failed");
  delete failed.outputs["7"];
  expect(rememberedOutputs([run("mine", "good"), failed], KIND, workflow("mine"), {})).toEqual({
    7: pictures("good-7"),
  });
});

test("nothing is remembered of other workflows and of runs without one", () => {
  const bare = run("mine", "bare");
  bare.prompt[3] = {};
  expect(rememberedOutputs([run("other", "one"), bare], KIND, workflow("mine"), {})).toEqual({});
});

test("a run of a graph that had no id yet counts by its values", () => {
  const runs = [run("00000000-0000-0000-0000-000000000000", "first")];
  expect(rememberedOutputs(runs, KIND, workflow("mine"), {})).toEqual({ 7: pictures("first-7") });
  expect(rememberedOutputs(runs, KIND, workflow("mine", [1, "fixed", 40]), {})).toEqual({});
});

test("a run with other values is another's, and a template opened again shows none of it", () => {
  const runs = [run("mine", "good"), run("mine", "later", [1, "fixed", 30])];
  expect(rememberedOutputs(runs, KIND, workflow("mine"), {})).toEqual({ 7: pictures("good-7") });
  expect(rememberedOutputs(runs, KIND, workflow("mine", [1, "fixed", 40]), {})).toEqual({});
});

test("a node that ran and is no longer there", () => {
  const { definitions, ...less } = workflow("mine");
  expect(definitions).toBeDefined();
  expect(rememberedOutputs([run("mine", "one")], KIND, less, {})).toEqual({});
});

test("values that the page itself changes do not matter", () => {
  const runs = [run("mine", "new", [1, "randomize", 20, "step 3 of 3"])];
  const now = workflow("mine", [2, "randomize", 20], "what a node was sent and shows");
  expect(rememberedOutputs(runs, KIND, now, {})).toEqual({ 7: pictures("new-7") });
});
