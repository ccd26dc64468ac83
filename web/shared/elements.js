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
