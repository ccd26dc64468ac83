/** Making the parts of what a node shows. */

/**
 * An element with a class and a text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} className
 * @param {string} [text]
 */
export function part(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * Load a style sheet into the page.
 *
 * @param {string} path
 * @param {string} module the address that the path is relative to
 */
export function addStyleSheet(path, module) {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = new URL(path, module).href;
  document.head.append(style);
}

/**
 * Show an element below a node's widgets, in a node that is large enough; it is no input.
 *
 * @param {Comfy.Node} node
 * @param {string} name
 * @param {HTMLElement} element
 * @param {Comfy.DomWidgetOptions} options
 * @param {[number, number]} [size] least width and height of the node
 */
export function addElement(node, name, element, options, size = [0, 0]) {
  const widget = node.addDOMWidget(name, "fia_element", element, { serialize: false, ...options });
  widget.serialize = false;
  node.setSize([Math.max(node.size[0], size[0]), Math.max(node.size[1], size[1])]);
}
