/** What Load Neuron Mask shows below its file: buttons, what is wrong, and the mask's card. */

import { keepWheel } from "../shared/canvas.js";
import { part } from "../shared/elements.js";

/** @import { Words } from "../language/en.js" */
/** @import { Card } from "./server.js" */

const MADE_FOR = "made for"; // by the server's label

/**
 * @typedef {object} Actions
 * @property {(file: File) => void} onUpload
 * @property {() => void} onEmbed
 * @property {() => void} onRemove
 */

/** An element that shows one mask. */
export class MaskPanel {
  /**
   * @param {Words} words
   * @param {Actions} actions
   */
  constructor(words, { onUpload, onEmbed, onRemove }) {
    this.words = words;
    this.picker = filePicker(onUpload);
    this.upload = button(words.upload, () => this.picker.click());
    this.upload.title = words.uploadHint;
    this.embed = button(words.embed, onEmbed);
    this.remove = button(words.remove, onRemove);
    this.remove.title = words.removeHint;
    const buttons = part("div", "fia-mask-buttons");
    buttons.append(this.upload, this.embed, this.remove, this.picker);

    this.message = part("div", "fia-mask-message");
    this.message.setAttribute("role", "status");
    this.warnings = part("div", "fia-mask-warnings");
    this.warnings.setAttribute("role", "alert");
    this.title = part("div", "fia-mask-title");
    this.rows = part("dl", "fia-mask-rows");
    const scroll = part("div", "fia-mask-scroll");
    keepWheel(scroll);
    scroll.append(this.warnings, this.title, this.rows);
    scroll.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && scroll.scrollHeight > scroll.clientHeight) {
        event.stopPropagation(); // scrolls the card, and the graph stays
      }
    });
    const frame = part("div", "fia-mask-frame");
    frame.append(scroll);
    this.element = part("div", "fia-mask");
    this.element.append(buttons, this.message, frame);
    this.showMessage("");
  }

  /**
   * @param {Card} card
   * @param {string} source where the mask comes from
   */
  showCard(card, source) {
    const { words } = this;
    this.title.textContent = words.forgets(card.title);
    this.rows.replaceChildren(
      ...card.rows.flatMap(([label, text]) => [
        part("dt", "", words.card[label] ?? label),
        part("dd", "", text),
        ...(label === MADE_FOR ? [part("dd", "", words.otherCheckpoints)] : []),
      ]),
    );
    this.say(source, false);
  }

  /**
   * Text instead of a card.
   *
   * @param {string} text
   * @param {boolean} [wrong] it is an error
   */
  showMessage(text, wrong = false) {
    this.title.textContent = "";
    this.rows.replaceChildren();
    this.showWarnings([]);
    this.say(text, wrong);
  }

  /** @param {string[]} warnings shown above the card */
  showWarnings(warnings) {
    this.warnings.replaceChildren(...warnings.map((text) => part("p", "", text)));
  }

  /**
   * What can be done now.
   *
   * @param {{ upload: boolean, embed: boolean, embedded: boolean, tooLarge?: boolean }} state
   */
  allow({ upload, embed, embedded, tooLarge }) {
    this.upload.disabled = !upload;
    this.embed.disabled = !embed;
    this.embed.title = tooLarge ? this.words.tooLarge : this.words.embedHint;
    this.remove.disabled = !upload;
    this.embed.hidden = embedded;
    this.remove.hidden = !embedded;
  }

  /**
   * @param {string} text
   * @param {boolean} wrong
   */
  say(text, wrong) {
    this.message.textContent = text;
    this.message.classList.toggle("fia-mask-wrong", wrong);
  }
}

/**
 * @param {string} text
 * @param {() => void} onClick
 */
function button(text, onClick) {
  const element = part("button", "fia-mask-button", text);
  element.type = "button";
  element.addEventListener("click", onClick);
  return element;
}

/** @param {(file: File) => void} onChoose */
function filePicker(onChoose) {
  const input = part("input", "");
  input.type = "file";
  input.accept = ".safetensors";
  input.hidden = true;
  input.addEventListener("change", () => {
    const file = input.files?.[0];
    if (file) {
      onChoose(file);
    }
    input.value = ""; // the same file may be chosen again
  });
  return input;
}
