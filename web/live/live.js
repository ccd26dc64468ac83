/** When to draw again: after a rest, once, and never for values that are out of date. */

import { sameValues } from "./values.js";

/** Milliseconds without a change before a picture is asked for. */
export const REST = 150;

/**
 * @typedef {object} Work
 * @property {() => unknown[]} values all that the picture depends on, now
 * @property {() => Promise<string>} queue asks for the picture; the run's id
 * @property {(run: string) => void} cancel takes a run back, also one that has ended
 * @property {(error: unknown) => void} report tells the person why there is no run
 */

/** Follows the values of one node. */
export class Live {
  /** @param {Work} work */
  constructor(work) {
    this.work = work;
    /** @type {unknown[]} */
    this.seen = [];
    /** @type {number | null} when the values that no run has yet came up, milliseconds */
    this.changed = null;
    /** @type {string | null} the run of the values seen last */
    this.run = null;
    /** @type {Set<string>} all runs that it has asked for */
    this.runs = new Set();
    /** @type {Promise<void> | null} while a run is asked for, until its id is known */
    this.posting = null;
    this.stopped = false;
  }

  /**
   * Look at the values; to be called again and again. The first look counts as a change.
   *
   * @param {number} now milliseconds
   */
  look(now) {
    const values = this.work.values();
    if (!sameValues(values, this.seen)) {
      this.seen = values;
      this.changed = now;
      this.#cancel();
    } else if (this.changed !== null && now - this.changed >= REST && !this.posting) {
      this.changed = null;
      this.posting = this.#queue();
    }
  }

  /** End, and take back a run that is not yet there. */
  stop() {
    this.stopped = true;
    this.#cancel();
  }

  #cancel() {
    if (this.run !== null) {
      this.work.cancel(this.run);
      this.run = null;
    }
  }

  async #queue() {
    try {
      this.run = await this.work.queue();
      this.runs.add(this.run);
      if (this.stopped || this.changed !== null) {
        this.#cancel(); // the values changed while the run was posted
      }
    } catch (error) {
      this.work.report(error);
    } finally {
      this.posting = null;
    }
  }
}
