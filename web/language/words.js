/** The words of the page's language. */

import { en } from "./en.js";
import { es } from "./es.js";
import { fr } from "./fr.js";
import { ja } from "./ja.js";
import { zh } from "./zh.js";

/** @typedef {import("./en.js").Words} Words */

/** @type {Record<string, Words>} */
const TABLES = { en, es, fr, ja, zh };

/**
 * What to say in the language that the person has chosen; English in one that has no table.
 *
 * @param {Comfy.App} app
 */
export function wordsOf(app) {
  return TABLES[languageOf(app)] ?? en;
}

/**
 * The page's language, such as "zh"; a change makes the page create its nodes again.
 *
 * @param {Comfy.App} app
 */
export function languageOf(app) {
  return String(app.extensionManager.setting.get("Comfy.Locale"));
}
