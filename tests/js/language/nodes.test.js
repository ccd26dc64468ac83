import { translateDefinition, translateLabels } from "../../../web/language/nodes.js";

const TRANSLATION = {
  display_name: "Masque",
  description: "Éteint des poids.",
  inputs: {
    strength: { name: "force", tooltip: "Combien." },
    template: { name: "modèle", tooltip: "Avec {'{concept}'}." },
  },
  outputs: { 1: { name: "rapport", tooltip: "Ce qui est élagué." } },
};

test("a definition says its title, description and tooltips in the other language", () => {
  const definition = {
    name: "FIAMask",
    display_name: "Mask",
    description: "Switches weights off.",
    input: {
      /** @type {Record<string, Comfy.InputDefinition>} */
      required: { strength: ["FLOAT", { tooltip: "How much." }], mask: ["MASK"] },
      /** @type {Record<string, Comfy.InputDefinition>} */
      optional: { template: ["STRING", { tooltip: "With {concept}.", multiline: true }] },
    },
    output_tooltips: ["The mask.", "What is pruned."],
  };
  translateDefinition(definition, TRANSLATION);
  const template = { tooltip: "Avec {concept}.", multiline: true, placeholder: "modèle" };
  expect(definition).toEqual({
    name: "FIAMask",
    display_name: "Masque",
    description: "Éteint des poids.",
    input: {
      required: { strength: ["FLOAT", { tooltip: "Combien." }], mask: ["MASK"] },
      optional: { template: ["STRING", template] },
    },
    output_tooltips: ["The mask.", "Ce qui est élagué."],
  });
});

test("what a translation lacks stays as it is", () => {
  const definition = { name: "FIAMask", display_name: "Mask", description: "Switches off." };
  translateDefinition(definition, {});
  expect(definition.display_name).toBe("Mask");
  expect(definition.description).toBe("Switches off.");
});

test("inputs, widgets and outputs show other names and keep their own", () => {
  const node = {
    inputs: [
      { name: "strength", type: "FLOAT", localized_name: "strength" },
      { name: "mask", type: "MASK", localized_name: "mask" },
    ],
    outputs: [
      { name: "mask", type: "MASK", localized_name: "mask" },
      { name: "report", type: "STRING", localized_name: "report" },
    ],
    widgets: [{ name: "strength", label: "strength" }],
  };
  translateLabels(/** @type {any} */ (node), TRANSLATION);
  expect(node.inputs.map((one) => one.localized_name)).toEqual(["force", "mask"]);
  expect(node.inputs.map((one) => one.name)).toEqual(["strength", "mask"]);
  expect(node.outputs.map((one) => one.localized_name)).toEqual(["mask", "rapport"]);
  expect(node.widgets).toEqual([{ name: "strength", label: "force" }]);
});
