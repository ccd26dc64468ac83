import { en } from "../../../web/language/en.js";
import { wordsOf } from "../../../web/language/words.js";

const LANGUAGES = ["zh", "ja", "fr", "es"];
const SENTENCE = 15; // characters; a shorter text may be a name that stays, such as Esc

/**
 * @param {string} locale
 * @returns {Comfy.App}
 */
const pageIn = (locale) =>
  /** @type {any} */ ({ extensionManager: { setting: { get: () => locale } } });

/**
 * All texts by name, with marks in place of what is filled in.
 *
 * @param {object} words
 * @returns {Record<string, string>}
 */
function texts(words) {
  return Object.fromEntries(
    Object.entries(words).flatMap(([name, value]) => {
      if (typeof value === "object") {
        return Object.entries(texts(value)).map(([key, text]) => [`${name}.${key}`, text]);
      }
      const marks = ["⟨1⟩", "⟨2⟩", "⟨3⟩"].slice(0, value.length);
      return [[name, typeof value === "function" ? value(...marks) : value]];
    }),
  );
}

/** @param {string} text */
const marks = (text) => (text.match(/⟨\d⟩/g) ?? []).sort();

test.each(LANGUAGES)("%s has all words, translated, with all that is filled in", (locale) => {
  const words = texts(wordsOf(pageIn(locale)));
  const { locale: own, ...english } = texts(en);
  expect(own).toBe("en");
  expect(words.locale).toBe(locale);
  for (const [name, original] of Object.entries(english)) {
    const text = words[name] ?? "";
    expect(text, name).not.toBe("");
    expect(marks(text), name).toEqual(marks(original));
    if (original.length >= SENTENCE) {
      expect(text, name).not.toBe(original);
    }
  }
});

test("the tables translate the same labels", () => {
  const [first, ...others] = LANGUAGES.map((locale) => wordsOf(pageIn(locale)));
  for (const other of others) {
    expect(Object.keys(other.card)).toEqual(Object.keys(first?.card ?? {}));
    expect(Object.keys(other.percentages)).toEqual(Object.keys(first?.percentages ?? {}));
  }
});

test("a language without a table is answered in English", () => {
  expect(wordsOf(pageIn("ko"))).toBe(en);
});
