import { en } from "../../../web/language/en.js";
import { fr } from "../../../web/language/fr.js";
import { mismatchWords, sizeWords, sourceWords } from "../../../web/mask/words.js";

test("a mask that fits its model needs no words", () => {
  expect(mismatchWords("SD15", { title: "Load Checkpoint", architecture: "SD15" }, en)).toBe("");
});

test("a mismatch names the node and both models", () => {
  const words = mismatchWords("SD15", { title: "Load Checkpoint", architecture: "SDXL" }, en);
  expect(words).toBe(
    "This mask does not fit “Load Checkpoint”: it was made for SD15, that model is SDXL.",
  );
});

test("an embedded mask says its size and that the file is not used", () => {
  expect(sourceWords("A".repeat(96_100), en)).toBe(
    "Embedded in this workflow (97 kB). The file above is not used.",
  );
  expect(sourceWords("", en)).toBe("");
});

test("sizes are in units that people read", () => {
  const sizes = [1, 1000, 1001, 999_999, 1_048_576];
  expect(sizes.map((size) => sizeWords(size, "en"))).toEqual([
    "1 kB",
    "1 kB",
    "2 kB",
    "1000 kB",
    "1.0 MB",
  ]);
});

test("units and numbers are those of the language", () => {
  const words = sourceWords("A".repeat(1_048_576), fr).replace(/\s/g, " ");
  expect(words).toBe("Intégré à ce workflow (1,0 Mo). Le fichier ci-dessus n'est pas utilisé.");
});
