/** Profile Concept in the page: a change of its kind brings the paper's numbers. */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { wordsOf } from "./language/words.js";
import { applyPreset, sentencesOf } from "./presets/preset.js";
import { shownWidget } from "./shared/shown.js";
import { rememberChange } from "./shared/changes.js";
import { ask } from "./shared/server.js";

const KIND = "FIAProfileConcept";
const SHOWN = 6000; // milliseconds

/** @typedef {Record<string, import("./presets/preset.js").Preset>} Presets by kind */

/** @type {Promise<Presets | null> | undefined} */
let presets;

app.registerExtension({
  name: "ForgetItAll.Presets",

  nodeCreated(node) {
    if (isProfile(node)) {
      watchKind(node);
    }
    if (node.subgraph) {
      const watchInside = () => {
        for (const profile of node.subgraph?.nodes.filter(isProfile) ?? []) {
          watchKind(profile, node);
        }
      };
      setTimeout(watchInside); // only then has the page given it the values of a file
      node.subgraph?.events?.addEventListener("widget-promoted", () => setTimeout(watchInside));
    }
  },
});

/** @param {Comfy.Node} node */
function isProfile({ comfyClass }) {
  return comfyClass === KIND;
}

/** @type {WeakSet<Comfy.Widget>} */
const watched = new WeakSet();

/**
 * Follow a change of a Profile Concept's kind.
 *
 * @param {Comfy.Node} node
 * @param {Comfy.Node} [owner] the subgraph node whose widget for the kind is meant
 */
function watchKind(node, owner) {
  const kind = shownWidget(node, "kind", owner);
  if (!kind || watched.has(kind)) {
    return;
  }
  watched.add(kind);
  /** @type {unknown} null while the page makes the node and gives it the values of a file */
  let chosen = null;
  setTimeout(() => {
    chosen = kind.value;
  });
  const { callback } = kind;
  kind.callback = (value, ...details) => {
    callback?.call(kind, value, ...details);
    // The page also calls at every Run, where another node gives the kind.
    if (chosen !== null && value !== chosen) {
      chosen = value;
      void choose(node, String(value), owner);
    }
  };
}

/** @returns {Promise<Presets | null>} null where the server does not tell; then it is asked again */
async function fetchPresets() {
  return ask(api, wordsOf(app), "presets").catch(() => {
    presets = undefined;
    return null;
  });
}

/**
 * @param {Comfy.Node} node
 * @param {string} kind
 * @param {Comfy.Node} [owner]
 */
async function choose(node, kind, owner) {
  presets ??= fetchPresets();
  const preset = (await presets)?.[kind];
  if (!preset) {
    return;
  }
  const changed = applyPreset(node, preset, owner);
  node.graph?.setDirtyCanvas(true);
  rememberChange(app);
  app.extensionManager.toast.add({
    severity: "info",
    summary: `Forget It All: ${kind}`,
    detail: sentencesOf(preset, changed, wordsOf(app), node, owner),
    life: SHOWN,
  });
}
