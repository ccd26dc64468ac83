/** What a node showed in a run that the server remembers: the page itself forgets it on reload. */

/**
 * @typedef {object} Run an entry of the server's /history
 * @property {[number, string, Record<string, { class_type: string }>, Extra, ...unknown[]]} prompt
 * @property {Record<string, Comfy.NodeOutput>} outputs by execution id
 */

/** @typedef {{ extra_pnginfo?: { workflow?: { id?: string } } }} Extra */

/**
 * Outputs of the nodes of a type in the newest fitting run, by execution id.
 *
 * A run fits when it was of this workflow and made all files that the page shows already: whoever
 * opens an old run from the queue sees the pictures of that run.
 *
 * @param {Run[]} runs oldest first, as the server gives them
 * @param {string} kind the nodes' type
 * @param {string} workflow its id
 * @param {Record<string, Comfy.NodeOutput>} shown outputs that the page shows
 * @returns {Record<string, Comfy.NodeOutput>}
 */
export function rememberedOutputs(runs, kind, workflow, shown) {
  const wanted = files(shown);
  for (const run of [...runs].reverse()) {
    const [, , graph, extra] = run.prompt;
    const made = files(run.outputs);
    const fits =
      extra?.extra_pnginfo?.workflow?.id === workflow && [...wanted].every((one) => made.has(one));
    const outputs = Object.entries(run.outputs).filter(([id]) => graph[id]?.class_type === kind);
    if (fits && outputs.length) {
      return Object.fromEntries(outputs);
    }
  }
  return {};
}

/**
 * Names of all files that some outputs made; a loader's picture from the input folder is none.
 *
 * @param {Record<string, Comfy.NodeOutput>} outputs
 * @returns {Set<string>}
 */
function files(outputs) {
  const names = Object.values(outputs)
    .flatMap((output) => Object.values(output ?? {}))
    .flatMap((list) => (Array.isArray(list) ? list : []))
    .filter((one) => typeof one?.filename === "string" && one.type !== "input")
    .map(({ type, subfolder, filename }) => [type, subfolder, filename].join("/"));
  return new Set(names);
}
