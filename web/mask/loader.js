/** Load Neuron Mask: what its panel shows and does. */

import { MaskPanel } from "./panel.js";
import { mismatchWords, missingWords, NOTHING, sourceWords } from "./words.js";

/** @import { Card, MaskServer } from "./server.js" */
/** @import { ModelLoader } from "./upstream.js" */

/**
 * @typedef {object} Surroundings
 * @property {MaskServer} server
 * @property {Comfy.Widget} file the widget with the mask file's name
 * @property {Comfy.Widget} text the widget with the embedded mask
 * @property {() => ModelLoader[]} models the nodes whose models meet the mask
 * @property {() => void} onChange a widget's value was changed here
 */

/** One node's panel and the two values behind it. */
export class MaskLoader {
  /** @param {Surroundings} surroundings */
  constructor({ server, file, text, models, onChange }) {
    this.server = server;
    this.file = file;
    this.text = text;
    this.models = models;
    this.onChange = onChange;
    /** @type {Card | null} */
    this.card = null;
    this.shown = "";
    this.compared = "";
    this.panel = new MaskPanel({
      onUpload: (file_) => void this.upload(file_),
      onEmbed: () => void this.embed(),
      onRemove: () => this.setText(""),
    });
    this.allow();
  }

  /** The chosen file's name; empty where the server has no masks. */
  get name() {
    return String(this.file.value ?? "");
  }

  get embedded() {
    return String(this.text.value ?? "");
  }

  /** Files that the node offers. @returns {unknown[]} */
  get offered() {
    const { values } = this.file.options;
    return Array.isArray(values) ? values : [];
  }

  /** Show the mask that will be loaded, if it is another than the one that is shown. */
  update() {
    if (this.shown !== this.wanted()) {
      return this.show();
    }
    return this.compare();
  }

  /** Ask for the card of the mask that will be loaded, and show it. */
  async show() {
    const wanted = this.wanted();
    this.shown = wanted;
    this.card = null;
    this.compared = "";
    const { name, embedded } = this;
    if (!embedded && !this.offered.includes(name)) {
      this.panel.showMessage(name ? missingWords(name) : NOTHING, Boolean(name));
      this.allow();
      return;
    }
    this.allow();
    try {
      const { server } = this;
      const card = await (embedded ? server.cardOfText(embedded) : server.cardOfFile(name));
      if (this.shown === wanted) {
        this.card = card;
        this.panel.showCard(card, sourceWords(embedded));
        await this.compare();
      }
    } catch (error) {
      if (this.shown === wanted) {
        this.panel.showMessage(words(error), true);
      }
    }
    this.allow();
  }

  /** Say which models the mask does not fit. */
  async compare() {
    const { card } = this;
    const loaders = this.models();
    const wires = JSON.stringify(loaders);
    if (!card || this.compared === wires) {
      return;
    }
    this.compared = wires;
    const warnings = await Promise.all(
      loaders.map(async ({ type, name, title }) => {
        const architecture = await this.server.architecture(type, name).catch(() => null);
        return architecture ? mismatchWords(card.architecture, { title, architecture }) : "";
      }),
    );
    if (this.card === card && this.compared === wires) {
      this.panel.showWarnings(warnings.filter(Boolean));
    }
  }

  /** @param {File} file */
  async upload(file) {
    await this.work(`Uploading ${file.name} …`, async () => {
      const name = await this.server.upload(file);
      if (!this.offered.includes(name)) {
        this.offered.push(name); // the list that all loaders here share
      }
      this.file.value = name;
      this.file.callback?.(name); // else the newer renderer does not see it
      this.setText("");
    });
  }

  async embed() {
    await this.work("Embedding …", async () => {
      this.setText(await this.server.textOfFile(this.name));
    });
  }

  /** @param {string} text the embedded mask; empty to use the file */
  setText(text) {
    this.text.value = text;
    this.onChange();
    void this.show();
  }

  /**
   * Say what is being done; if it fails, say why and leave the mask as it was.
   *
   * @param {string} doing
   * @param {() => Promise<void>} task
   */
  async work(doing, task) {
    this.panel.allow({ upload: false, embed: false, embedded: Boolean(this.embedded) });
    this.panel.say(doing, false);
    try {
      await task();
    } catch (error) {
      this.panel.say(words(error), true);
      this.allow();
    }
  }

  allow() {
    const embedded = Boolean(this.embedded);
    this.panel.allow({ upload: true, embed: Boolean(this.card) && !embedded, embedded });
  }

  wanted() {
    return JSON.stringify([this.name, this.embedded, this.offered.includes(this.name)]);
  }
}

/** @param {unknown} error */
function words(error) {
  return error instanceof Error ? error.message : String(error);
}
