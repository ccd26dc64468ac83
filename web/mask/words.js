/** What the panel says. */

export const NOTHING = "Choose a mask file above, upload one, or drop one on this node.";

/**
 * A chosen file that the server does not list.
 *
 * @param {string} name
 */
export function missingWords(name) {
  return `${name} is not on this server. Upload it here, or choose another file.`;
}

/**
 * Where the mask comes from, if not from the chosen file.
 *
 * @param {string} text the embedded mask; empty where there is none
 */
export function sourceWords(text) {
  return text
    ? `Embedded in this workflow (${sizeWords(text.length)}). The file above is not used.`
    : "";
}

/** @param {number} bytes */
export function sizeWords(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * A mask that meets a model which it was not made for; empty where it fits.
 *
 * @param {string} made the mask's model
 * @param {{ title: string, architecture: string }} met the node that loads the model, and the model
 */
export function mismatchWords(made, met) {
  return made === met.architecture
    ? ""
    : `This mask does not fit “${met.title}”: it was made for ${made}, that model is ` +
        `${met.architecture}.`;
}
