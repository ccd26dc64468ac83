/** What the panel says about the mask and where it comes from. */

/** @import { Words } from "../language/en.js" */

/**
 * Where the mask comes from, if not from the chosen file.
 *
 * @param {string} text the embedded mask; empty where there is none
 * @param {Words} words
 */
export function sourceWords(text, words) {
  return text ? words.embedded(sizeWords(text.length, words.locale)) : "";
}

/**
 * @param {number} bytes
 * @param {string} locale
 */
export function sizeWords(bytes, locale) {
  const [size, unit, digits] =
    bytes < 1e6 ? [Math.ceil(bytes / 1e3), "kilobyte", 0] : [bytes / 1e6, "megabyte", 1];
  const form = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
  return new Intl.NumberFormat(locale, { style: "unit", unit, ...form }).format(size);
}

/**
 * A mask that meets a model which it was not made for; empty where it fits.
 *
 * @param {string} made the mask's model
 * @param {{ title: string, architecture: string }} met the node that loads the model, and the model
 * @param {Words} words
 */
export function mismatchWords(made, met, words) {
  return made === met.architecture ? "" : words.mismatch(met.title, made, met.architecture);
}
