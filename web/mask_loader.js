/** Load Neuron Mask in the page: the mask's card, embedding, upload by button and by drop. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { maskFile, mayBeMaskFile } from "./mask/dropped.js";
import { MaskLoader } from "./mask/loader.js";
import { MaskServer } from "./mask/server.js";
import { modelLoadersFor } from "./mask/upstream.js";
import { hideWidget, shownFile } from "./mask/widgets.js";
import { shareWithCanvas } from "./shared/canvas.js";
import { rememberChange } from "./shared/changes.js";
import { addElement, addStyleSheet } from "./shared/elements.js";
import { nodesOf, rootGraph } from "./shared/graph.js";

const KIND = "FIALoadNeuronMask";
const MIN_HEIGHT = 150;
/** @type {[number, number]} */
const SIZE = [400, 500];

/** @type {WeakMap<Comfy.Node, MaskLoader>} */
const loaders = new WeakMap();

app.registerExtension({
  name: "ForgetItAll.MaskLoader",

  setup() {
    addStyleSheet("./mask/mask.css", import.meta.url);
    api.addEventListener("graphChanged", updateAll);
    api.addEventListener("executed", updateAll); // a file that was missing may have been saved
  },

  nodeCreated(node) {
    if (node.comfyClass === KIND) {
      addPanel(node);
    }
  },

  refreshComboInNodes: updateAll,
});

function updateAll() {
  for (const node of nodesOf(rootGraph(app), KIND)) {
    void loaders.get(node)?.update();
  }
}

/** @param {Comfy.Node} node */
function addPanel(node) {
  const [file, text] = ["mask_file", "embedded"].map((name) =>
    node.widgets?.find((widget) => widget.name === name),
  );
  if (!file || !text) {
    return;
  }
  hideWidget(node, text);
  const words = wordsOf(app);
  const loader = new MaskLoader({
    server: new MaskServer(api, words),
    file: () => shownFile(node, rootGraph(app)) ?? file,
    text,
    models: () => (node.graph ? modelLoadersFor(node, rootGraph(app)) : []),
    onChange: () => {
      node.graph?.setDirtyCanvas(true);
      rememberChange(app);
    },
    words,
  });
  loaders.set(node, loader);
  const { element } = loader.panel;
  element.classList.add("widget-expands"); // the newer renderer lets it grow
  shareWithCanvas(element, app.canvas);
  const options = { hideOnZoom: false, getMinHeight: () => MIN_HEIGHT };
  addElement(node, "mask card", element, options, SIZE);
  followFile(node, file, loader);
  takeDrops(node, loader);
  queueMicrotask(() => void loader.update()); // a workflow sets the values first
}

/**
 * Follow the file that is chosen and the workflow that is opened.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Widget} file
 * @param {MaskLoader} loader
 */
function followFile(node, file, loader) {
  const { callback } = file;
  file.callback = (value, ...details) => {
    callback?.call(file, value, ...details);
    void loader.update();
  };
  const { onConfigure } = node;
  node.onConfigure = (...details) => {
    onConfigure?.apply(node, details);
    void loader.update();
  };
}

/**
 * Take mask files that are dropped on the node; the page opens other files as it always does.
 *
 * @param {Comfy.Node} node
 * @param {MaskLoader} loader
 */
function takeDrops(node, loader) {
  node.onDragOver = (event) => mayBeMaskFile(event.dataTransfer);
  node.onDragDrop = (event) => {
    const dropped = maskFile(event.dataTransfer);
    if (dropped) {
      event.preventDefault();
      event.stopPropagation(); // the page would open it as a workflow
      void loader.upload(dropped);
    }
    return Boolean(dropped);
  };
  // Over the panel the canvas of the older renderer learns nothing.
  const { element } = loader.panel;
  element.addEventListener("dragover", (event) => {
    if (mayBeMaskFile(event.dataTransfer)) {
      event.preventDefault();
    }
  });
  element.addEventListener("drop", (event) => node.onDragDrop?.(event));
}
