import { maskFile, mayBeMaskFile } from "../../../web/mask/dropped.js";

/**
 * @param {object} data
 * @returns {any}
 */
function transfer(data) {
  return { items: [], files: [], ...data };
}

test("a file without a type may be a mask; pictures, workflows and text are not", () => {
  const items = [
    { kind: "file", type: "" },
    { kind: "file", type: "image/png" },
    { kind: "file", type: "application/json" },
    { kind: "string", type: "" },
  ];
  expect(items.map((item) => mayBeMaskFile(transfer({ items: [item] })))).toEqual([
    true,
    false,
    false,
    false,
  ]);
  expect(mayBeMaskFile(null)).toBe(false);
});

test("the first mask file is taken, whatever the case of its suffix", () => {
  const files = [{ name: "church.png" }, { name: "a.SafeTensors" }, { name: "b.safetensors" }];
  expect(maskFile(transfer({ files }))).toEqual({ name: "a.SafeTensors" });
  expect(maskFile(transfer({ files: files.slice(0, 1) }))).toBe(null);
  expect(maskFile(null)).toBe(null);
});
