/** A translation of nodes, put where the page looks for their texts. */

/**
 * @typedef {object} Text
 * @property {string} [name]
 * @property {string} [tooltip]
 */

/**
 * @typedef {object} Translation of one node, as in locales/<language>/nodeDefs.json
 * @property {string} [display_name]
 * @property {string} [description]
 * @property {Record<string, Text>} [inputs]
 * @property {Record<string, Text>} [outputs] by number
 */

/**
 * Put title, description, tooltips, and the names in empty text fields into a node's definition.
 *
 * @param {Comfy.NodeDefinition} definition
 * @param {Translation} translation
 */
export function translateDefinition(definition, translation) {
  definition.display_name = plain(translation.display_name) ?? definition.display_name;
  definition.description = plain(translation.description) ?? definition.description;
  for (const group of [definition.input?.required, definition.input?.optional]) {
    for (const [id, [, options]] of Object.entries(group ?? {})) {
      const { name, tooltip } = translation.inputs?.[id] ?? {};
      if (options) {
        options.tooltip = plain(tooltip) ?? options.tooltip;
      }
      if (options?.multiline) {
        options.placeholder = plain(name) ?? options.placeholder;
      }
    }
  }
  definition.output_tooltips = definition.output_tooltips?.map(
    (tooltip, number) => plain(translation.outputs?.[number]?.tooltip) ?? tooltip,
  );
}

/**
 * Put the names of inputs, widgets and outputs into a new node.
 *
 * @param {Comfy.Node} node
 * @param {Translation} translation
 */
export function translateLabels(node, translation) {
  for (const input of node.inputs) {
    input.localized_name = plain(translation.inputs?.[input.name]?.name) ?? input.localized_name;
  }
  for (const widget of node.widgets ?? []) {
    widget.label = plain(translation.inputs?.[widget.name]?.name) ?? widget.label;
  }
  for (const [number, output] of node.outputs.entries()) {
    output.localized_name = plain(translation.outputs?.[number]?.name) ?? output.localized_name;
  }
}

/**
 * A message without the marks of the page's own format: {'{concept}'} says {concept}.
 *
 * @param {string | undefined} message
 */
function plain(message) {
  return message?.replace(/\{'([^']*)'\}/g, "$1");
}
