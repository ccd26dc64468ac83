import { rememberedOutputs } from "../../../web/shared/history.js";

const KIND = "FIACompareErasure";

/** @param {string} filename */
function pictures(filename, type = "temp") {
  return { images: [{ filename, subfolder: "", type }] };
}

/**
 * A run in which node 7 compared and node 9 showed a picture.
 *
 * @param {string} workflow
 * @param {string} name
 * @returns {import("../../../web/shared/history.js").Run}
 */
function run(workflow, name) {
  const graph = { 7: { class_type: KIND }, 9: { class_type: "SaveImage" } };
  return {
    prompt: [0, name, graph, { extra_pnginfo: { workflow: { id: workflow } } }],
    outputs: { 7: pictures(`${name}-7`), 9: pictures(`${name}-9`) },
  };
}

test("the newest run of the workflow is remembered, and of it the nodes of the type", () => {
  const runs = [run("mine", "old"), run("mine", "new"), run("other", "later")];
  expect(rememberedOutputs(runs, KIND, "mine", {})).toEqual({ 7: pictures("new-7") });
});

test("who opens an old run sees its pictures", () => {
  const runs = [run("mine", "old"), run("mine", "new")];
  const shown = { 9: pictures("old-9") };
  expect(rememberedOutputs(runs, KIND, "mine", shown)).toEqual({ 7: pictures("old-7") });
});

test("a picture that was loaded, not made, does not matter", () => {
  const shown = { 3: pictures("photo.png", "input") };
  expect(rememberedOutputs([run("mine", "new")], KIND, "mine", shown)).toEqual({
    7: pictures("new-7"),
  });
});

test("a run without the node is passed over", () => {
  const failed = run("mine", "failed");
  delete failed.outputs["7"];
  expect(rememberedOutputs([run("mine", "good"), failed], KIND, "mine", {})).toEqual({
    7: pictures("good-7"),
  });
});

test("nothing is remembered of other workflows and of runs without one", () => {
  const bare = run("mine", "bare");
  bare.prompt[3] = {};
  expect(rememberedOutputs([run("other", "one"), bare], KIND, "mine", {})).toEqual({});
});
