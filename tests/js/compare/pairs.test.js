import { pairsOf } from "../../../web/compare/pairs.js";

/** @param {string} filename */
function picture(filename) {
  return { filename, subfolder: "", type: "temp" };
}

/** @param {string} path */
function address(path) {
  return `/api${path}`;
}

test("the pictures of both lists are paired in order", () => {
  const output = {
    a_images: [picture("a1.png"), picture("a2.png")],
    b_images: [picture("b1.png"), picture("b2.png")],
  };
  const pairs = pairsOf(output, address);
  expect(pairs.map(({ before }) => before)).toEqual([
    "/api/view?filename=a1.png&subfolder=&type=temp",
    "/api/view?filename=a2.png&subfolder=&type=temp",
  ]);
  expect(pairs.map(({ after }) => after.includes("b1.png"))).toEqual([true, false]);
});

test("one picture is compared with all of the other side", () => {
  const output = {
    a_images: [picture("a.png")],
    b_images: [picture("b1.png"), picture("b2.png")],
  };
  const pairs = pairsOf(output, address);
  expect(pairs).toHaveLength(2);
  expect(pairs[0]?.before).toBe(pairs[1]?.before);
});

test.each([
  ["labels", ["0", "0.5"], ["0", "0.5"]],
  ["a label too few", ["0"], ["0", ""]],
  ["labels that are no text", [1, null], ["", ""]],
  ["no labels", undefined, ["", ""]],
])("%s are those of the pairs", (_, labels, expected) => {
  const output = {
    a_images: [picture("a.png")],
    b_images: [picture("b1.png"), picture("b2.png")],
    labels,
  };
  expect(pairsOf(output, address).map(({ label }) => label)).toEqual(expected);
});

test("names of files are escaped", () => {
  const file = { filename: "a & b.png", subfolder: "x/y", type: "temp" };
  const [pair] = pairsOf({ a_images: [file], b_images: [file] }, address);
  const query = new URL(`http://host${pair?.after}`).searchParams;
  expect(Object.fromEntries(query)).toEqual(file);
});

test.each([
  ["no output", undefined],
  ["another node's output", { images: [picture("a.png")] }],
  ["one side only", { a_images: [picture("a.png")], b_images: [] }],
  ["entries that are no files", { a_images: [null], b_images: ["b.png"] }],
  ["no list", { a_images: "a.png", b_images: 3 }],
])("%s gives no pair", (_, output) => {
  expect(pairsOf(output, address)).toEqual([]);
});
