/** Where the dividing line stands, and which pair is shown: numbers only, no page. */

const STEP = 0.02;
const LARGE_STEP = 0.1;

export const MIDDLE = 0.5;

/**
 * The share of the picture that lies left of a pointer, 0 to 1.
 *
 * @param {number} x the pointer's, in pixels
 * @param {{ left: number, width: number }} box the picture's, in pixels
 */
export function positionAt(x, box) {
  return box.width > 0 ? within((x - box.left) / box.width) : MIDDLE;
}

/**
 * Where a key moves the line to; null for a key that does not move it.
 *
 * The space bar turns from one whole picture to the other: small differences show as a blink.
 *
 * @param {number} position
 * @param {string} key
 * @param {boolean} large
 */
export function positionAfterKey(position, key, large) {
  const step = large ? LARGE_STEP : STEP;
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return within(position - step);
    case "ArrowRight":
    case "ArrowUp":
      return within(position + step);
    case "Home":
      return 0;
    case "End":
      return 1;
    case " ":
      return position < MIDDLE ? 1 : 0;
    default:
      return null;
  }
}

/**
 * The pair that a key chooses; null for a key that chooses none. After the last comes the first.
 *
 * @param {number} pair the chosen one
 * @param {string} key
 * @param {number} count of pairs, at least 1
 */
export function pairAfterKey(pair, key, count) {
  switch (key) {
    case "ArrowLeft":
    case "ArrowUp":
    case "PageUp":
      return (pair + count - 1) % count;
    case "ArrowRight":
    case "ArrowDown":
    case "PageDown":
      return (pair + 1) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

/** @param {number} share */
function within(share) {
  return Math.min(1, Math.max(0, share));
}
