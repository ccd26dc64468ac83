/** The pairs of a batch in a row, to choose from. The line lies in all of them at one place. */

import { part, pictures } from "./elements.js";
import { pairAfterKey } from "./slider.js";

/** @import { Words } from "../language/en.js" */
/** @import { Pair } from "./pairs.js" */

/** A row of small comparisons, one of them chosen; hidden when there are fewer than two. */
export class Strip {
  /**
   * @param {Words} words
   * @param {(pair: number) => void} onChoose called with the number of the pair that was chosen
   */
  constructor(words, onChoose) {
    this.words = words;
    this.onChoose = onChoose;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.element = part("div", "strip");
    this.element.setAttribute("role", "radiogroup");
    this.element.setAttribute("aria-label", words.pairs);
    this.element.dataset.captureWheel = "true"; // asks the newer renderer for the wheel
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.element.addEventListener("wheel", (event) => this.#onWheel(event), { passive: false });
  }

  /** @param {Pair[]} pairs */
  show(pairs) {
    this.element.hidden = pairs.length < 2;
    this.buttons = this.element.hidden ? [] : pairs.map((pair, number) => this.#button(pair, number));
    this.element.replaceChildren(...this.buttons);
  }

  /**
   * Show which pair is the chosen one.
   *
   * @param {number} pair
   */
  mark(pair) {
    for (const [number, button] of this.buttons.entries()) {
      const chosen = number === pair;
      button.setAttribute("aria-checked", String(chosen));
      button.tabIndex = chosen ? 0 : -1;
    }
    this.#bringIntoView(pair);
  }

  /**
   * Not `scrollIntoView`: it would scroll the page around the node too.
   *
   * @param {number} pair
   */
  #bringIntoView(pair) {
    const button = this.buttons[pair];
    if (button) {
      const { element } = this;
      element.scrollLeft = button.offsetLeft - (element.clientWidth - button.offsetWidth) / 2;
    }
  }

  /**
   * @param {Pair} pair
   * @param {number} number
   */
  #button(pair, number) {
    const button = part("button", "thumbnail");
    button.type = "button";
    button.setAttribute("role", "radio");
    button.setAttribute("aria-label", pair.label || this.words.pair(number + 1));
    const { before, after } = pictures("", "");
    for (const image of [before, after]) {
      image.loading = "lazy";
    }
    before.src = pair.before;
    after.src = pair.after;
    button.append(after, before, part("span", "caption", pair.label));
    button.addEventListener("click", () => this.onChoose(number));
    return button;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const focused = this.buttons.findIndex((button) => button === document.activeElement);
    const pair = pairAfterKey(focused, event.key, this.buttons.length);
    if (pair !== null) {
      event.preventDefault();
      event.stopPropagation(); // the page has keys of its own
      this.onChoose(pair);
      this.buttons[pair]?.focus({ preventScroll: true });
    }
  }

  /**
   * A row that is longer than the node is turned by the wheel; a short one leaves it to the graph.
   *
   * @param {WheelEvent} event
   */
  #onWheel(event) {
    const { element } = this;
    if (element.scrollWidth > element.clientWidth) {
      event.preventDefault();
      event.stopPropagation();
      element.scrollLeft += event.deltaX + event.deltaY;
    }
  }
}
