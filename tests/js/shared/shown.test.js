import { shownWidget } from "../../../web/shared/shown.js";

const KIND = { name: "kind", value: "object" };
const PROFILE = { id: 11, inputs: [{ name: "kind", widget: { name: "kind" } }], widgets: [KIND] };
/** @param {object} parts */
const asNode = (parts) => /** @type {Comfy.Node} */ (parts);
const OWN = { name: "what kind", value: "art style" };

test("a subgraph node's widget is shown for the one that its input is wired to", () => {
  const link = { target_id: "11", target_slot: 0 };
  const owner = {
    widgets: [{ name: "strength" }, OWN],
    inputs: [{ name: "model" }, { name: "kind", widget: { name: "what kind" } }],
    subgraph: { inputs: [{ linkIds: [] }, { linkIds: [7] }], getLink: () => link },
  };
  expect(shownWidget(asNode(PROFILE), "kind", asNode(owner))).toBe(OWN);
  expect(shownWidget(asNode({ ...PROFILE, id: 12 }), "kind", asNode(owner))).toBe(KIND);
  link.target_id = "12";
  expect(shownWidget(asNode(PROFILE), "kind", asNode(owner))).toBe(KIND);
});

test("a widget that is not wired to the outside is shown itself", () => {
  const owner = { widgets: [OWN], inputs: [], subgraph: { inputs: [] } };
  expect(shownWidget(asNode(PROFILE), "kind", asNode(owner))).toBe(KIND);
  expect(shownWidget(asNode(PROFILE), "kind")).toBe(KIND);
});
