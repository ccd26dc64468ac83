/** What the page says, in English. The other tables here say the same in other languages. */

/** @typedef {typeof en} Words */

export const en = {
  locale: "en",

  before: "before",
  after: "after",
  runToCompare: "Run the workflow to compare.",
  picturesGone: "The server no longer has these pictures. Run the workflow again.",
  line: "before and after: where they meet",
  enlarged: "before and after, enlarged",
  pairs: "Pairs of the batch",
  /** @param {number | string | null} number such as 3, or 3 / 7 */
  pair: (number) => `pair ${number}`,
  close: "Close",
  keys: { space: "Space", escape: "Esc", pages: "Page ↑ ↓" },
  keyMoves: "move the line",
  keyFlips: "flip",
  keyCloses: "close",
  keyTurns: "other pairs",

  on: "on",
  off: "off",
  live: "Live",
  liveHint:
    "While this is on, every change that leads to this node draws it again, and nothing else runs",
  liveCommand: "Forget It All: Live on or off",

  more: "more ▾",
  less: "less ▴",

  runToSeeTable: "Run the workflow to see the table.",

  /**
   * @param {string} settings such as "agnostic ratio 80 %"
   * @param {number} nodes in which a value changed
   */
  usualNumbers: (settings, nodes) => `Usual numbers for this kind: ${settings}. Nodes changed: ${nodes}.`,
  ownPrompts: "Contexts or templates here are your own: clear them to use this kind's.",
  /** @type {Record<string, string>} a percentage's name by its widget's; else the widget's */
  percentages: {},

  upload: "Upload mask…",
  uploadHint: "Copy a mask file to the server and use it here",
  embed: "Embed in workflow",
  embedHint: "Put the mask into this workflow and the pictures it makes",
  tooLarge: "Too large to embed (1 MiB at most): send the file.",
  remove: "Remove from workflow",
  removeHint: "Take the embedded mask out and use the file again",
  noMask: "Choose a mask file above, upload one, or drop one on this node.",
  /** @param {string} name a chosen file that the server does not have */
  missing: (name) => `${name} is not on this server. Upload it here, or choose another file.`,
  /** @param {string} size */
  embedded: (size) => `Embedded in this workflow (${size}). The file above is not used.`,
  /**
   * @param {string} title the node that loads the model
   * @param {string} made the model that the mask was made for
   * @param {string} met the model that it meets
   */
  mismatch: (title, made, met) =>
    `This mask does not fit “${title}”: it was made for ${made}, that model is ${met}.`,
  /** @param {string} name */
  uploading: (name) => `Uploading ${name} …`,
  embedding: "Embedding …",
  /** @param {string} concepts */
  forgets: (concepts) => `Forgets ${concepts}`,
  otherCheckpoints: "Other checkpoints of this kind work, too, but may forget less: profile yours.",
  /** @type {Record<string, string>} a label of a mask's card by the server's; else the server's */
  card: {},

  loadSaved: "Add a node that loads it",

  /** @param {number} status */
  answered: (status) => `The server answered ${status}.`,
  noAnswer: "The server does not answer. Is ComfyUI still running?",

  emptyCache: "Forget It All: empty the cache of profiles",
  emptyCacheQuestion:
    "All concept profiles kept on disk will be deleted; their concepts must be profiled again.",
  cacheEmpty: "The cache of profiles is empty",
  /**
   * @param {number} count
   * @param {string} size
   */
  cacheEmptied: (count, size) => `Profiles removed: ${count} (${size}).`,
};
