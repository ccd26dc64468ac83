/**
 * Translates the nodes where the page does not do it itself.
 *
 * The page asks the server for locales/ as we do, but its releases that load languages on demand
 * forget the answer when they load one (Comfy-Org/ComfyUI_frontend issue 6748, in 1.32.9). Where
 * the page remembers, this sets the same texts again.
 */

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";
import { translateDefinition, translateLabels } from "./language/nodes.js";
import { languageOf } from "./language/words.js";

const OURS = "FIA"; // how all node ids of this extension begin

/** @type {Record<string, { nodeDefs?: Record<string, import("./language/nodes.js").Translation> }>} */
let languages = {};

app.registerExtension({
  name: "ForgetItAll.Translation",

  async init() {
    const response = await api.fetchApi("/i18n");
    if (response.ok) {
      languages = await response.json();
    }
  },

  beforeRegisterNodeDef(_, definition) {
    const translation = translationOf(definition.name);
    if (translation) {
      translateDefinition(definition, translation);
    }
  },

  nodeCreated(node) {
    const translation = translationOf(node.comfyClass);
    if (translation) {
      translateLabels(node, translation);
    }
  },
});

/** @param {string | undefined} kind a node's type */
function translationOf(kind) {
  return kind?.startsWith(OURS) ? languages[languageOf(app)]?.nodeDefs?.[kind] : undefined;
}
