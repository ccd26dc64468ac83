/** A widget whose value travels with the workflow and that nobody needs to see. */

/**
 * Hide a widget in both renderers, and take its socket away. Its value is still saved in its place.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Widget} widget
 */
export function hideWidget(node, widget) {
  widget.hidden = true;
  widget.options.hidden = true; // for the newer renderer
  widget.computeSize = () => [0, -4]; // the canvas leaves 4 pixels between widgets
  const socket = node.findInputSlot(widget.name);
  if (socket >= 0) {
    node.removeInput(socket);
  }
}
