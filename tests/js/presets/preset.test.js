import { en } from "../../../web/language/en.js";
import { zh } from "../../../web/language/zh.js";
import { applyPreset, sentencesOf } from "../../../web/presets/preset.js";

const PRESET = { temporal_sparsity: 5, spatial_sparsity: 2, agnostic_ratio: 80 };

/**
 * @typedef {object} Node
 * @property {{ type: string }[]} outputs
 * @property {{ name: string, value: unknown }[]} widgets
 * @property {{ name: string, from: Node }[]} inputs
 * @property {() => Node[]} getOutputNodes
 * @property {(slot: number) => Node | undefined} getInputNode
 */

/**
 * @param {string} type of its output
 * @param {Record<string, unknown>} values of its widgets
 * @param {Node[]} next the nodes at the other end
 * @param {string} input of theirs that the wire goes into
 * @returns {Node}
 */
function node(type, values, next = [], input = "masks") {
  const widgets = Object.entries(values).map(([name, value]) => ({ name, value }));
  /** @type {Node} */
  const made = {
    outputs: [{ type }],
    widgets,
    inputs: [],
    getOutputNodes: () => next,
    getInputNode: (slot) => made.inputs[slot]?.from,
  };
  for (const one of next) {
    one.inputs.push({ name: input, from: made });
  }
  return made;
}

/** @param {{ widgets: { value: unknown }[] }} one */
const values = (one) => one.widgets.map(({ value }) => value);

test("the numbers reach every node behind, and no others", () => {
  const elsewhere = node("MODEL", { spatial_sparsity: 1 });
  const apply = node("MODEL", { strength: 1 }, [elsewhere]);
  const fuse = node("FIA_NEURON_MASK", { agnostic_ratio: 60 }, [apply]);
  const one = node("FIA_NEURON_MASK", { spatial_sparsity: 1, granularity: "both" }, [fuse]);
  const other = node("FIA_NEURON_MASK", { spatial_sparsity: 3, granularity: "both" }, [fuse]);
  const profile = node("FIA_CONCEPT_PROFILE", { seed: 7, temporal_sparsity: 6 }, [one, other]);
  expect(applyPreset(/** @type {any} */ (profile), PRESET)).toBe(4);

  expect(values(profile)).toEqual([7, 5]);
  expect(values(one)).toEqual([2, "both"]);
  expect(values(other)).toEqual([2, "both"]);
  expect(values(fuse)).toEqual([80]);
  expect(values(apply)).toEqual([1]);
  expect(values(elsewhere)).toEqual([1]);
  expect(applyPreset(/** @type {any} */ (profile), PRESET)).toBe(0);
});

test("what stays leaves the fusion that it is protected from as it is", () => {
  const fuse = node("FIA_NEURON_MASK", { agnostic_ratio: 60 });
  const build = node("FIA_NEURON_MASK", { spatial_sparsity: 1 }, [fuse], "protect");
  const profile = node("FIA_CONCEPT_PROFILE", { temporal_sparsity: 6 }, [build]);
  applyPreset(/** @type {any} */ (profile), PRESET);
  expect(values(build)).toEqual([2]);
  expect(values(fuse)).toEqual([60]);
});

test("a node without wires is set alone", () => {
  const profile = node("FIA_CONCEPT_PROFILE", { temporal_sparsity: 6 });
  profile.getOutputNodes = () => /** @type {any} */ (null);
  applyPreset(/** @type {any} */ (profile), PRESET);
  expect(values(profile)).toEqual([5]);
});

test("the sentence names every number", () => {
  const profile = node("FIA_CONCEPT_PROFILE", { contexts: "", concept_templates: "" });
  expect(sentencesOf(PRESET, 3, en, /** @type {any} */ (profile))).toBe(
    "Usual numbers for this kind: temporal sparsity 5 %, spatial sparsity 2 %, " +
      "agnostic ratio 80 %. Nodes changed: 3.",
  );
  expect(sentencesOf(PRESET, 3, zh, /** @type {any} */ (profile))).toContain("空间稀疏度 2 %");
});

test("prompts of the person's own are named: no kind changes them", () => {
  for (const own of ["contexts", "concept_templates", "base_template"]) {
    const profile = node("FIA_CONCEPT_PROFILE", { contexts: "", [own]: "a park" });
    expect(sentencesOf(PRESET, 3, en, /** @type {any} */ (profile))).toMatch(/3\. .*clear them/);
  }
});
