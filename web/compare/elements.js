/** Making the parts of a comparison. */

import { part as element } from "../shared/elements.js";

/**
 * An element with a class of this extension's own: `fia-compare-` before the name.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} name
 * @param {string} [text]
 */
export function part(tag, name, text = "") {
  return element(tag, `fia-compare-${name}`, text);
}

/**
 * Two pictures, the one before over the one after; the style sheet cuts it off at the line.
 *
 * @param {string} before what the upper one is called
 * @param {string} after what the lower one is called
 */
export function pictures(before, after) {
  return { after: picture(after, "after"), before: picture(before, "before") };
}

/**
 * @param {string} alternative
 * @param {string} side
 */
function picture(alternative, side) {
  const image = part("img", "picture");
  image.classList.add(`fia-compare-${side}`);
  image.alt = alternative;
  image.draggable = false;
  return image;
}

/**
 * Width over height of a picture, when it is ready to be drawn.
 *
 * @param {string} address
 * @returns {Promise<number>} rejected when there is no picture
 */
export async function ratioOf(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image.naturalWidth / image.naturalHeight;
}
