/** What the node sent, as pairs of pictures. */

/**
 * @typedef {object} Pair
 * @property {string} before address of a picture
 * @property {string} after address of a picture
 * @property {string} label what the pair is called; empty where it has no name
 */

/**
 * The pairs in a node's output.
 *
 * `a_images` and `b_images` are the keys that comparing nodes in ComfyUI share. One picture on
 * either side is compared with all of the other.
 *
 * @param {Comfy.NodeOutput | undefined} output
 * @param {(path: string) => string} address makes an address of a path on the server
 * @returns {Pair[]}
 */
export function pairsOf(output, address) {
  const before = references(output?.a_images);
  const after = references(output?.b_images);
  if (!before.length || !after.length) {
    return [];
  }
  const count = Math.max(before.length, after.length);
  return Array.from({ length: count }, (_, number) => ({
    before: address(viewPath(entry(before, number))),
    after: address(viewPath(entry(after, number))),
    label: labelOf(output?.labels, number),
  }));
}

/**
 * The server's path of a file.
 *
 * @param {Comfy.FileReference} file
 */
export function viewPath({ filename, subfolder, type }) {
  return `/view?${new URLSearchParams({ filename, subfolder, type })}`;
}

/**
 * @param {unknown} labels
 * @param {number} number
 */
function labelOf(labels, number) {
  return Array.isArray(labels) && typeof labels[number] === "string" ? labels[number] : "";
}

/**
 * @param {unknown} list
 * @returns {Comfy.FileReference[]}
 */
function references(list) {
  return Array.isArray(list) ? list.filter((one) => typeof one?.filename === "string") : [];
}

/**
 * @param {Comfy.FileReference[]} list not empty
 * @param {number} number
 */
function entry(list, number) {
  return /** @type {Comfy.FileReference} */ (list[Math.min(number, list.length - 1)]);
}
