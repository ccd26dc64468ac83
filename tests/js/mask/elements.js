/** As much of a document as the panel needs; nothing is drawn. */
export function fakeDocument() {
  return { createElement: element };
}

function element() {
  const nothing = () => {};
  return {
    textContent: "",
    dataset: {},
    classList: { add: nothing, toggle: nothing },
    append: nothing,
    replaceChildren: nothing,
    setAttribute: nothing,
    addEventListener: nothing,
  };
}
