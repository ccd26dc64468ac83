/** Runs of one node alone, and taking them back without touching anybody else's. */

/** @import { Words } from "../language/en.js" */

/**
 * Queue what a node depends on, and nothing else of the graph.
 *
 * The page's own queuePrompt tells no run's id, and turns the seeds on that are to change at every
 * Run. This one does neither.
 *
 * @param {Comfy.App} app
 * @param {Comfy.Api} api
 * @param {string} node its execution id
 * @returns {Promise<string>} the run's id
 */
export async function queueAlone(app, api, node) {
  const prompt = await app.graphToPrompt();
  const { prompt_id: run } = await api.queuePrompt(0, prompt, { partialExecutionTargets: [node] });
  return run;
}

/**
 * Take a run out of the queue, or end it if it has begun. The server leaves others alone.
 *
 * @param {Comfy.Api} api
 * @param {string} run its id
 * @param {(run: string) => Promise<void>} profileEnd waits while the run makes a profile
 */
export async function cancelRun(api, run, profileEnd) {
  await post(api, "/queue", { delete: [run] });
  await profileEnd(run);
  await post(api, "/interrupt", { prompt_id: run });
}

/**
 * @param {Comfy.Api} api
 * @param {string} path
 * @param {object} body
 */
async function post(api, path, body) {
  const headers = { "Content-Type": "application/json" };
  const options = { method: "POST", headers, body: JSON.stringify(body) };
  await api.fetchApi(path, options).catch(() => null); // the server is gone, and the run with it
}

/**
 * Why the server refused a graph, in one line for each fault.
 *
 * @param {unknown} error what the page's queuePrompt has thrown
 * @param {(id: string, kind: string) => string} titleOf a node, by its execution id and type
 * @param {Words} words
 */
export function refusal(error, titleOf, words) {
  const { response } = /** @type {{ response?: Refusal }} */ (error ?? {});
  if (!response) {
    // The browser's own fetch throws a TypeError where nothing answers.
    return error instanceof Error && !(error instanceof TypeError) ? error.message : words.noAnswer;
  }
  const faults = Object.entries(response.node_errors ?? {}).flatMap(([id, { class_type, errors }]) =>
    errors.map(({ message, details }) => `${titleOf(id, class_type)}: ${message}: ${details}`),
  );
  const general = typeof response.error === "string" ? response.error : response.error?.message;
  return faults.join("\n") || general || words.noAnswer;
}

/**
 * @typedef {object} Refusal
 * @property {string | { message: string }} [error]
 * @property {Record<string, NodeFaults>} [node_errors]
 */

/**
 * @typedef {object} NodeFaults
 * @property {string} class_type
 * @property {{ message: string, details: string }[]} errors
 */
