import { sameValues, valuesBefore } from "../../../web/live/values.js";

/**
 * @param {number} id
 * @param {unknown} value of its widget
 * @param {any[]} sources
 * @returns {any}
 */
function node(id, value, sources = []) {
  return {
    id,
    sources,
    mode: 0,
    widgets: [{ name: "value", value, options: {} }],
    inputs: sources.map((_, slot) => ({ link: 10 * id + slot })),
    getInputNode: (/** @type {number} */ slot) => sources[slot] ?? null,
  };
}

/** @param {any[]} nodes */
function graph(...nodes) {
  /** @type {any} */
  const made = { nodes };
  made.getNodeById = (/** @type {number} */ id) => nodes.find((one) => one.id === id) ?? null;
  // A link's number: ten times that of the node that it enters, and the slot.
  made.getLink = (/** @type {number} */ link) => {
    const entered = made.getNodeById(Math.floor(link / 10));
    return entered?.sources[link % 10] ? { origin_id: entered.sources[link % 10].id } : null;
  };
  for (const one of nodes) {
    one.graph = made;
  }
  return made;
}

/**
 * Whether a change is one of the node's values.
 *
 * @param {any} of
 * @param {any} root
 * @param {() => void} change
 */
function seen(of, root, change) {
  const app = /** @type {any} */ ({ graph: root });
  const before = valuesBefore(of, app);
  change();
  return !sameValues(before, valuesBefore(of, app));
}

test("what leads to a node is seen, and what follows it is not", () => {
  const first = node(1, "church");
  const second = node(2, 1, [first]);
  const last = node(3, 0, [second, second]);
  const after = node(4, 0, [last]);
  const root = graph(first, second, last, after);
  expect(seen(last, root, () => (first.widgets[0].value = "cat"))).toBe(true);
  expect(seen(last, root, () => (second.mode = 4))).toBe(true);
  expect(seen(last, root, () => (last.inputs[1].link = null))).toBe(true);
  expect(seen(last, root, () => (after.widgets[0].value = 5))).toBe(false);
});

test("a subgraph counts with all that is in it, from outside and from inside", () => {
  const inner = node(7, 1);
  const shown = node(8, 0, [inner]);
  const before = node(1, "prompt");
  const owner = node(2, 0, [before]);
  owner.subgraph = graph(inner, shown);
  owner.getInputNode = () => expect.unreachable("a subgraph node of newer pages fails here");
  const last = node(3, 0, [owner]);
  const root = graph(before, owner, last);
  expect(seen(last, root, () => (inner.widgets[0].value = 2))).toBe(true);
  expect(seen(last, root, () => (before.widgets[0].value = "a third"))).toBe(true);
  expect(seen(shown, root, () => (before.widgets[0].value = "another"))).toBe(true);
});

test("a button and what is only shown do not count; a value with parts does", () => {
  const first = node(1, { points: [1] });
  first.widgets.push({ name: "shown", value: 1, serialize: false });
  first.widgets.push({ name: "button", value: 1, options: { serialize: false } });
  const root = graph(first);
  expect(seen(first, root, () => (first.widgets[1].value = 2))).toBe(false);
  expect(seen(first, root, () => (first.widgets[2].value = 2))).toBe(false);
  expect(seen(first, root, () => first.widgets[0].value.points.push(2))).toBe(true);
});

test("a ring of wires ends", () => {
  const one = node(1, 1);
  const other = node(2, 2, [one]);
  one.inputs = [{ link: 5 }];
  one.getInputNode = () => other;
  expect(seen(one, graph(one, other), () => (other.widgets[0].value = 3))).toBe(true);
});
