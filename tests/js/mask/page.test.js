import { fakeDocument } from "./elements.js";

const KIND = "FIALoadNeuronMask";

const { app, api, page } = vi.hoisted(() => {
  /** @type {any} what the extension registers, and what it asks the server for */
  const page_ = { listeners: {}, asked: [] };
  /** @type {any} */
  const app_ = {
    graph: { nodes: [] },
    extensionManager: { setting: { get: () => "en" } },
    registerExtension: (/** @type {Comfy.Extension} */ extension) => {
      page_.extension = extension;
    },
  };
  const api_ = {
    /** @type {Comfy.Api["addEventListener"]} */
    addEventListener: (event, listener) => {
      page_.listeners[event] = listener;
    },
    /** @type {Comfy.Api["fetchApi"]} */
    fetchApi: (path) => {
      page_.asked.push(path);
      return Promise.resolve(Response.json({ title: "", architecture: "", rows: [] }));
    },
  };
  return { app: app_, api: api_, page: page_ };
});

// The addresses as web/ has them: no such files are here.
vi.mock("../../scripts/app.js", () => ({ app }));
vi.mock("../../scripts/api.js", () => ({ api }));

beforeAll(async () => {
  vi.stubGlobal("document", { ...fakeDocument(), head: { append: () => {} } });
  await import("../../../web/mask_loader.js");
  page.extension.setup(app);
});

afterAll(() => {
  vi.unstubAllGlobals();
});

/** A node as the page makes it: in no graph yet. */
function maskNode() {
  const [file, embedded] = ["mask_file", "embedded"].map((name) => ({
    name,
    value: "",
    options: { values: ["church.safetensors", "golf.safetensors"] },
  }));
  /** @type {any} */
  const node = {
    comfyClass: KIND,
    graph: null,
    size: [0, 0],
    widgets: [file, embedded],
    outputs: [],
    findInputSlot: () => -1,
    addDOMWidget: () => ({}),
    setSize: () => {},
  };
  page.extension.nodeCreated(node, app);
  return node;
}

/**
 * Files whose cards are asked for when something happens.
 *
 * @param {() => void} event
 */
function askedFor(event) {
  page.asked = [];
  event();
  return page.asked.map((/** @type {string} */ path) => path.split("name=")[1]);
}

test.each([
  ["a change of the graph", () => page.listeners.graphChanged()],
  ["the key R", () => page.extension.refreshComboInNodes()],
])("%s updates nodes of the open graph and its subgraphs, and no others", async (_, event) => {
  const [outer, inner, closed] = [maskNode(), maskNode(), maskNode()];
  await Promise.resolve(); // each node's own first update
  app.graph = { nodes: [outer, { subgraph: { nodes: [inner] } }] };
  outer.widgets[0].value = "church.safetensors";
  inner.widgets[0].value = "golf.safetensors";
  closed.widgets[0].value = "church.safetensors";
  expect(askedFor(event)).toEqual(["church.safetensors", "golf.safetensors"]);
});
