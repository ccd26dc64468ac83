/** What a node showed in a run that the server remembers: the page itself forgets it on reload. */

/**
 * @typedef {object} Run an entry of the server's /history
 * @property {[number, string, Record<string, { class_type: string }>, Extra, ...unknown[]]} prompt
 * @property {Record<string, Comfy.NodeOutput>} outputs by execution id
 */

/** @typedef {{ extra_pnginfo?: { workflow?: Comfy.SavedGraph } }} Extra */

/** What the page does to the number before it when a run has been queued. */
const AFTER_QUEUEING = ["increment", "decrement", "randomize"];

/** What some pages say is the id of a graph that nobody has saved or opened again yet. */
const NO_ID = "00000000-0000-0000-0000-000000000000";

/**
 * Outputs of the nodes of a type in the newest fitting run, by execution id.
 *
 * A run fits when it was of this workflow with these values, and made all files that the page shows
 * already: whoever opens an old run from the queue sees the pictures of that run.
 *
 * @param {Run[]} runs oldest first, as the server gives them
 * @param {string} kind the nodes' type
 * @param {Comfy.SavedGraph} workflow as it is now
 * @param {Record<string, Comfy.NodeOutput>} shown outputs that the page shows
 * @returns {Record<string, Comfy.NodeOutput>}
 */
export function rememberedOutputs(runs, kind, workflow, shown) {
  const wanted = files(shown);
  for (const run of [...runs].reverse()) {
    const [, , graph, extra] = run.prompt;
    const ran = extra?.extra_pnginfo?.workflow;
    const made = files(run.outputs);
    const outputs = Object.entries(run.outputs).filter(([id]) => graph[id]?.class_type === kind);
    const showing = Object.keys(run.outputs).map((id) => graph[id]?.class_type);
    if (
      outputs.length &&
      ran &&
      [workflow.id, NO_ID].includes(ran.id) &&
      [...wanted].every((one) => made.has(one)) &&
      sameValues(ran, workflow, showing)
    ) {
      return Object.fromEntries(outputs);
    }
  }
  return {};
}

/**
 * Whether the nodes of a workflow that ran are there with the values that they ran with.
 *
 * @param {Comfy.SavedGraph} ran
 * @param {Comfy.SavedGraph} now
 * @param {(string | undefined)[]} showing types of nodes whose values may be what they were sent
 */
function sameValues(ran, now, showing) {
  const values = new Map(nodesIn(now).map(([id, node]) => [id, settings(node)]));
  return nodesIn(ran)
    .filter(([, { type }]) => !showing.includes(type))
    .every(([id, node]) => {
      const [before, after] = [settings(node), values.get(id)];
      // One of them may have more: the page appends a text of progress while a node runs.
      const count = Math.min(before.length, after?.length ?? 0);
      return after && `${before.slice(0, count)}` === `${after.slice(0, count)}`;
    });
}

/**
 * All nodes with an id that no other has, in subgraphs too.
 *
 * @param {Comfy.SavedGraph} workflow
 * @returns {[string, Comfy.SavedNode][]}
 */
function nodesIn({ nodes, definitions }) {
  return [{ id: "", nodes }, ...(definitions?.subgraphs ?? [])].flatMap((graph) =>
    graph.nodes.map((node) => /** @type {[string, Comfy.SavedNode]} */ ([`${graph.id}:${node.id}`, node])),
  );
}

/**
 * The values of a node's widgets as texts, without numbers that the page itself changes.
 *
 * @param {Comfy.SavedNode} node
 * @returns {string[]}
 */
function settings({ widgets_values: values = [] }) {
  const list = Array.isArray(values) ? values : [values];
  return Array.from(list, (value, place) =>
    AFTER_QUEUEING.includes(list[place + 1]) ? "" : JSON.stringify(value ?? null),
  );
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
