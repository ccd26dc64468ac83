/** Which run is in the middle of a profile: to end it there would lose what it has profiled. */

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";
import { nodeByExecutionId, rootGraph } from "../shared/graph.js";
import { isSlow } from "../shared/slow.js";

/** @type {{ run: string, node: string } | null} the profile that the server makes now */
let profile = null;

/**
 * Wait until a run makes no profile; it may then be over.
 *
 * @param {string} run its id
 */
export async function profileEnd(run) {
  while (profile?.run === run) {
    await new Promise((resolve) => {
      api.addEventListener("progress_state", resolve, { once: true });
    });
  }
}

/**
 * The node is looked for when its profile begins: later its workflow may be closed.
 *
 * @param {CustomEvent<{ prompt_id: string, nodes: Record<string, { state: string }> }>} event
 */
function follow({ detail: { prompt_id: run, nodes } }) {
  const running = Object.entries(nodes).flatMap(([id, { state }]) => (state === "running" ? id : []));
  if (profile?.run !== run || !running.includes(profile.node)) {
    const node = running.find((id) => isSlow(nodeByExecutionId(rootGraph(app), id)));
    profile = node ? { run, node } : null;
  }
}

api.addEventListener("progress_state", follow);
