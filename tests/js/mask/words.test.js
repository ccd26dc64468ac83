import { mismatchWords, sizeWords, sourceWords } from "../../../web/mask/words.js";

test("a mask that fits its model needs no words", () => {
  expect(mismatchWords("SD15", { title: "Load Checkpoint", architecture: "SD15" })).toBe("");
});

test("a mismatch names the node and both models", () => {
  const words = mismatchWords("SD15", { title: "Load Checkpoint", architecture: "SDXL" });
  expect(words).toBe(
    "This mask does not fit “Load Checkpoint”: it was made for SD15, that model is SDXL.",
  );
});

test("an embedded mask says its size and that the file is not used", () => {
  expect(sourceWords("A".repeat(96_100))).toBe(
    "Embedded in this workflow (97 kB). The file above is not used.",
  );
  expect(sourceWords("")).toBe("");
});

test("sizes are in units that people read", () => {
  expect([1, 1000, 1001, 999_999, 1_048_576].map(sizeWords)).toEqual([
    "1 kB",
    "1 kB",
    "2 kB",
    "1000 kB",
    "1.0 MB",
  ]);
});
