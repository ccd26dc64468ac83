/** Load Neuron Mask: what its panel shows and does. */

import { MaskPanel } from "./panel.js";
import { offeredFiles, offerFile } from "./widgets.js";
import { mismatchWords, sourceWords } from "./words.js";

/** @import { Words } from "../language/en.js" */
/** @import { Card, MaskServer } from "./server.js" */
/** @import { ModelLoader } from "./upstream.js" */

/**
 * @typedef {object} Surroundings
 * @property {MaskServer} server
 * @property {() => Comfy.Widget} file the widget with the mask file's name
 * @property {Comfy.Widget} text the widget with the embedded mask
 * @property {() => ModelLoader[]} models the nodes whose models meet the mask
 * @property {() => void} onChange a widget's value was changed here
 * @property {Words} words
 */

/** One node's panel and the two values that it shows. */
export class MaskLoader {
  /** @param {Surroundings} surroundings */
  constructor({ server, file, text, models, onChange, words }) {
    this.server = server;
    this.fileWidget = file;
    this.text = text;
    this.models = models;
    this.onChange = onChange;
    this.words = words;
    /** @type {Card | null} */
    this.card = null;
    this.shown = "";
    this.compared = "";
    this.sent = 0; // uploads, counted
    this.stored = 0; // the latest that was chosen
    this.panel = new MaskPanel(words, {
      onUpload: (file_) => void this.upload(file_),
      onEmbed: () => void this.embed(),
      onRemove: () => this.setText(""),
    });
    this.allow();
  }

  get file() {
    return this.fileWidget();
  }

  /** The chosen file's name; empty where the server has no masks. */
  get name() {
    return String(this.file.value ?? "");
  }

  get embedded() {
    return String(this.text.value ?? "");
  }

  /** Whether the page lists the chosen file; the server may have it all the same. */
  get offered() {
    return offeredFiles(this.file).includes(this.name);
  }

  /** Show the mask that will be loaded, if it is another than the one that is shown. */
  update() {
    if (this.shown !== this.wanted()) {
      return this.show();
    }
    return this.compare();
  }

  /**
   * Ask for the card of the mask that will be loaded, and show it. A file that the page did not list
   * is offered once the server has it.
   */
  async show() {
    const wanted = this.wanted();
    this.shown = wanted;
    this.card = null;
    this.compared = "";
    this.allow();
    const { name, embedded, server, words } = this;
    if (!embedded && !name) {
      this.panel.showMessage(words.noMask);
      return;
    }
    try {
      const card = await (embedded ? server.cardOfText(embedded) : server.cardOfFile(name));
      if (this.shown === wanted) {
        if (card && !embedded) {
          offerFile(this.file, name);
          this.shown = keyOf(name, embedded, true);
        }
        await this.showAnswer(card, name, embedded);
      }
    } catch (error) {
      if (this.shown === wanted) {
        this.panel.showMessage(messageOf(error), true);
      }
    }
    this.allow();
  }

  /**
   * @param {Card | null} card null where the server does not have the file
   * @param {string} name the file that was asked for
   * @param {string} embedded the mask that was asked for; empty for the file
   */
  async showAnswer(card, name, embedded) {
    const { panel, words } = this;
    this.card = card;
    if (card) {
      panel.showCard(card, sourceWords(embedded, words));
      await this.compare();
    } else {
      panel.showMessage(words.missing(name), true);
    }
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
        return architecture
          ? mismatchWords(card.architecture, { title, architecture }, this.words)
          : "";
      }),
    );
    if (this.card === card && this.compared === wires) {
      this.panel.showWarnings(warnings.filter(Boolean));
    }
  }

  /**
   * Store a mask file and choose it, unless one that was sent later is chosen already.
   *
   * @param {File} file
   */
  async upload(file) {
    this.sent += 1;
    const number = this.sent;
    this.start(this.words.uploading(file.name));
    try {
      const name = await this.server.upload(file);
      offerFile(this.file, name);
      if (number > this.stored) {
        this.stored = number;
        this.file.value = name;
        this.file.callback?.(name); // else the newer renderer does not see it
        this.setText("");
      }
    } catch (error) {
      this.fail(error);
    }
  }

  /** Embed the chosen file, unless another mask is chosen before its text is here. */
  async embed() {
    const { name, card } = this;
    const isChosen = () => this.name === name && this.card === card;
    this.start(this.words.embedding);
    try {
      const text = await this.server.textOfFile(name);
      if (isChosen()) {
        this.setText(text);
      }
    } catch (error) {
      if (isChosen()) {
        this.fail(error);
      }
    }
    await this.update(); // the choice may have been changed without the widget's callback
  }

  /** @param {string} text the embedded mask; empty to use the file */
  setText(text) {
    this.text.value = text;
    this.onChange();
    void this.show();
  }

  /** @param {string} doing said until something else is shown */
  start(doing) {
    this.panel.allow({ upload: false, embed: false, embedded: Boolean(this.embedded) });
    this.panel.say(doing, false);
  }

  /**
   * Say what went wrong, and leave the mask as it was.
   *
   * @param {unknown} error
   */
  fail(error) {
    this.panel.say(messageOf(error), true);
    this.allow();
  }

  allow() {
    const { card, embedded } = this;
    this.panel.allow({
      upload: true,
      embed: Boolean(card?.may_embed) && !embedded,
      embedded: Boolean(embedded),
      tooLarge: card?.may_embed === false,
    });
  }

  wanted() {
    return keyOf(this.name, this.embedded, this.offered);
  }
}

/**
 * What tells one mask from another.
 *
 * @param {string} name
 * @param {string} embedded
 * @param {boolean} offered
 */
function keyOf(name, embedded, offered) {
  return JSON.stringify([name, embedded, offered]);
}

/** @param {unknown} error */
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}
