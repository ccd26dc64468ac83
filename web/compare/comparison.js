/** One picture over another with a movable line between them. */

import { part, pictures, ratioOf } from "./elements.js";
import { MIDDLE, pairAfterKey, positionAfterKey, positionAt } from "./slider.js";
import { Strip } from "./strip.js";

/** @import { Words } from "../language/en.js" */
/** @import { Pair } from "./pairs.js" */

/** A press that moves further than this many pixels is a drag and not a click. */
const CLICK_DISTANCE = 4;

/**
 * @typedef {object} Options
 * @property {Words} words
 * @property {() => void} [onClick] called for a click on the picture, and for Enter
 */

/** An element that shows pairs of pictures, one pair at a time. */
export class Comparison {
  /** @param {Options} options */
  constructor({ words, onClick }) {
    this.words = words;
    /** @type {Pair[]} */
    this.pairs = [];
    this.pair = 0;
    this.position = MIDDLE;
    this.onClick = onClick;
    this.pressedAt = { x: 0, y: 0 };

    this.pictures = pictures(words.before, words.after);
    this.counter = part("span", "counter");
    this.stage = part("div", "stage");
    this.stage.append(
      this.pictures.after,
      this.pictures.before,
      label(words.before, "before"),
      label(words.after, "after"),
      part("div", "line"),
      this.counter,
    );
    if (onClick) {
      this.stage.classList.add("fia-compare-enlarges");
    }
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "slider");
    this.stage.setAttribute("aria-label", words.line);
    this.stage.setAttribute("aria-valuemin", "0");
    this.stage.setAttribute("aria-valuemax", "100");

    this.message = part("div", "message");
    this.fault = part("div", "fault");
    this.fault.setAttribute("role", "alert");
    this.frame = part("div", "frame");
    this.frame.append(this.stage, this.message, this.fault);
    this.strip = new Strip(words, (pair) => void this.choose(pair));
    this.element = document.createElement("div");
    this.element.className = "fia-compare";
    this.element.append(this.frame, this.strip.element);

    this.watchStage();
    this.moveTo(MIDDLE);
    void this.show([]);
  }

  /**
   * Show other pairs. The chosen place in the batch stays where it can.
   *
   * @param {Pair[]} pairs
   * @param {number} [pair] the one to show first
   */
  async show(pairs, pair = this.pair) {
    this.pairs = pairs;
    this.tell("");
    this.message.textContent = this.words.runToCompare;
    if (!pairs.length) {
      this.element.classList.add("fia-compare-empty"); // until a picture is there
    }
    this.counter.hidden = pairs.length < 2;
    this.strip.show(pairs);
    await this.choose(pair);
  }

  /** @param {string} fault why there is no new picture; empty where there is none */
  tell(fault) {
    this.fault.textContent = fault;
  }

  /**
   * Put the line at a share of the width, 0 to 1: left of it lies what was before.
   *
   * @param {number} position
   */
  moveTo(position) {
    this.position = position;
    this.element.style.setProperty("--fia-position", `${100 * position}%`);
    this.describe();
  }

  /** @param {number} pair the first is shown where there is no such pair */
  async choose(pair) {
    this.pair = pair < this.pairs.length ? pair : 0;
    const chosen = this.pairs[this.pair];
    const place = `${this.pair + 1} / ${this.pairs.length}`;
    this.counter.textContent = chosen?.label ? `${chosen.label} · ${place}` : place;
    this.strip.mark(this.pair);
    this.describe();
    if (chosen) {
      await this.display(chosen);
    }
  }

  /**
   * Exchange both pictures at once, when both are there.
   *
   * @param {Pair} pair
   */
  async display(pair) {
    const { before, after } = this.pictures;
    try {
      const [, ratio] = await Promise.all([ratioOf(pair.before), ratioOf(pair.after)]);
      if (pair === this.pairs[this.pair]) {
        before.src = pair.before;
        after.src = pair.after;
        this.element.style.setProperty("--fia-ratio", String(ratio));
        this.element.classList.remove("fia-compare-empty");
      }
    } catch {
      if (pair === this.pairs[this.pair]) {
        this.message.textContent = this.words.picturesGone;
        this.element.classList.add("fia-compare-empty");
      }
    }
  }

  /** Say to a screen reader what is seen. */
  describe() {
    const percent = Math.round(100 * this.position);
    const place = this.counter.hidden ? "" : `, ${this.words.pair(this.counter.textContent)}`;
    this.stage.setAttribute("aria-valuenow", String(percent));
    this.stage.setAttribute("aria-valuetext", `${percent} % ${this.pictures.before.alt}${place}`);
  }

  watchStage() {
    const { stage } = this;
    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse" || event.buttons) {
        this.follow(event);
      }
    });
    stage.addEventListener("pointerdown", (event) => {
      this.pressedAt = { x: event.clientX, y: event.clientY };
      if (event.button === 0) {
        this.follow(event);
      }
    });
    stage.addEventListener("click", (event) => {
      const { x, y } = this.pressedAt;
      if (Math.hypot(event.clientX - x, event.clientY - y) <= CLICK_DISTANCE) {
        this.onClick?.();
      }
    });
    stage.addEventListener("keydown", (event) => {
      if (this.answer(event)) {
        event.preventDefault();
        event.stopPropagation(); // the page has keys of its own
      }
    });
  }

  /** @param {PointerEvent} event */
  follow(event) {
    this.moveTo(positionAt(event.clientX, this.stage.getBoundingClientRect()));
  }

  /**
   * Do what a key means; false for a key that means nothing here.
   *
   * @param {KeyboardEvent} event
   */
  answer({ key, shiftKey, ctrlKey, metaKey, altKey }) {
    if (ctrlKey || metaKey || altKey) {
      return false;
    }
    const position = positionAfterKey(this.position, key, shiftKey);
    if (position !== null) {
      this.moveTo(position);
      return true;
    }
    const pair = pairAfterKey(this.pair, key, this.pairs.length);
    if (pair !== null) {
      void this.choose(pair);
      return true;
    }
    if (key === "Enter" && this.onClick) {
      this.onClick();
      return true;
    }
    return false;
  }
}

/**
 * A label that the line cuts off as it does the picture below.
 *
 * @param {string} text
 * @param {string} side
 */
function label(text, side) {
  const layer = part("div", "layer");
  layer.classList.add(`fia-compare-${side}`);
  layer.setAttribute("aria-hidden", "true");
  layer.append(part("span", "label", text));
  return layer;
}
