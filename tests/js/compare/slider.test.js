import { MIDDLE, pairAfterKey, positionAfterKey, positionAt } from "../../../web/compare/slider.js";

const BOX = { left: 100, width: 200 };

test.each([
  [100, 0],
  [150, 0.25],
  [300, 1],
  [-40, 0],
  [900, 1],
])("a pointer at %d px puts the line at %d", (x, position) => {
  expect(positionAt(x, BOX)).toBe(position);
});

test("a picture without width has its line in the middle", () => {
  expect(positionAt(120, { left: 100, width: 0 })).toBe(MIDDLE);
});

test.each([
  ["ArrowLeft", false, 0.48],
  ["ArrowDown", false, 0.48],
  ["ArrowRight", false, 0.52],
  ["ArrowUp", false, 0.52],
  ["ArrowLeft", true, 0.4],
  ["ArrowRight", true, 0.6],
  ["Home", false, 0],
  ["End", false, 1],
])("%s (shift: %s) moves the line from the middle to %d", (key, shift, position) => {
  expect(positionAfterKey(0.5, key, shift)).toBeCloseTo(position, 10);
});

test("keys do not move the line out of the picture", () => {
  expect(positionAfterKey(0.01, "ArrowLeft", true)).toBe(0);
  expect(positionAfterKey(0.99, "ArrowRight", true)).toBe(1);
});

test("the space bar shows one whole picture and then the other", () => {
  const first = positionAfterKey(0.3, " ", false);
  expect(first).toBe(1);
  expect(positionAfterKey(1, " ", false)).toBe(0);
});

test("other keys are left to the page", () => {
  for (const key of ["Enter", "Tab", "Escape", "a", "PageDown"]) {
    expect(positionAfterKey(0.5, key, false)).toBeNull();
  }
  expect(pairAfterKey(0, "Enter", 3)).toBeNull();
});

test.each([
  ["PageDown", 0, 1],
  ["ArrowRight", 1, 2],
  ["ArrowDown", 2, 0],
  ["PageUp", 2, 1],
  ["ArrowUp", 1, 0],
  ["ArrowLeft", 0, 2],
  ["Home", 2, 0],
  ["End", 0, 2],
])("%s goes from pair %d of three to pair %d", (key, from, to) => {
  expect(pairAfterKey(from, key, 3)).toBe(to);
});
