/** Draws the node "Compare Erasure". */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { Comparison } from "./compare/comparison.js";
import { enlarge } from "./compare/enlarge.js";
import { pairsOf } from "./compare/pairs.js";
import { wordsOf } from "./language/words.js";
import { addLiveSwitch, toggleLive } from "./live/switch.js";
import { shareWithCanvas } from "./shared/canvas.js";
import { addElement, addStyleSheet } from "./shared/elements.js";
import { showWhenExecuted, showingAgain } from "./shared/outputs.js";

const LIVE = "ForgetItAll.Live";
const MIN_HEIGHT = 120;
/** @type {[number, number]} */
const SIZE = [300, 370];

/** @type {WeakMap<Comfy.Node, Comparison>} */
const comparisons = new WeakMap();

/** @type {import("./shared/outputs.js").Display} */
const display = {
  kind: "FIACompareErasure",
  isEmpty: (node) => !comparisons.get(node)?.pairs.length,
  show(node, output) {
    const pairs = pairsOf(output, (path) => api.apiURL(path));
    if (pairs.length) {
      void comparisons.get(node)?.show(pairs);
    }
  },
};

app.registerExtension({
  name: "ForgetItAll.CompareErasure",

  commands: [
    {
      id: LIVE,
      label: () => wordsOf(app).liveCommand,
      icon: "pi pi-bolt",
      function: () => toggleLive(display.kind),
    },
  ],
  keybindings: [
    { combo: { key: "l", alt: true }, commandId: LIVE },
    { combo: { key: "¬", alt: true }, commandId: LIVE }, // Option+L on a Mac's US keyboard
  ],
  menuCommands: [{ path: ["Edit"], commands: [LIVE] }],

  setup: () => addStyleSheet("./compare/comparison.css", import.meta.url),

  nodeCreated(node) {
    if (node.comfyClass === display.kind) {
      addLiveSwitch(node, (fault) => comparisons.get(node)?.tell(fault));
      addComparison(node);
      showWhenExecuted(node, display);
    }
  },

  ...showingAgain(display),
});

/** @param {Comfy.Node} node */
function addComparison(node) {
  const words = wordsOf(app);
  const comparison = new Comparison({ words, onClick: () => enlarge(comparison) });
  comparison.element.classList.add("widget-expands"); // the newer renderer lets it grow
  shareWithCanvas(comparison.element, app.canvas);
  comparisons.set(node, comparison);
  const options = { hideOnZoom: false, getMinHeight: () => MIN_HEIGHT };
  addElement(node, "comparison", comparison.element, options, SIZE);
}
