import { en } from "../../../web/language/en.js";
import { cancelRun, queueAlone, refusal } from "../../../web/live/server.js";

test("one node is queued, and its run's id comes back", async () => {
  /** @type {any[]} */
  const posted = [];
  /** @type {any} */
  const app = { graphToPrompt: async () => "the graph" };
  /** @type {any} */
  const api = {
    queuePrompt: async (/** @type {any[]} */ ...details) => {
      posted.push(details);
      return { prompt_id: "a run" };
    },
  };
  expect(await queueAlone(app, api, "5:7")).toBe("a run");
  expect(posted).toEqual([[0, "the graph", { partialExecutionTargets: ["5:7"] }]]);
});

test("taking a run back names it, so that the server leaves others alone, and ends it when it may be", async () => {
  /** @type {any[]} */
  const asked = [];
  /** @type {any} */
  const api = {
    fetchApi: async (/** @type {string} */ path, /** @type {any} */ { body }) => {
      asked.push([path, JSON.parse(body)]);
    },
  };
  await cancelRun(api, "mine", async (run) => {
    asked.push(run);
  });
  expect(asked).toEqual([
    ["/queue", { delete: ["mine"] }],
    "mine",
    ["/interrupt", { prompt_id: "mine" }],
  ]);
});

test("a refusal says what is wrong and where", () => {
  const errors = [{ message: "Value 3.0 bigger than max of 2.0", details: "strength" }];
  const node_errors = { "2:5": { class_type: "FIAApplyNeuronMask", errors } };
  const titleOf = (/** @type {string} */ id, /** @type {string} */ kind) => `${kind} (${id})`;
  const said = (/** @type {unknown} */ error) => refusal(error, titleOf, en);
  expect(said({ response: { error: { message: "invalid" }, node_errors } })).toBe(
    "FIAApplyNeuronMask (2:5): Value 3.0 bigger than max of 2.0: strength",
  );
  expect(said({ response: { error: { message: "No outputs" } } })).toBe("No outputs");
  expect(said(new Error("A node has no type"))).toBe("A node has no type");
  expect(said(new TypeError("Failed to fetch"))).toBe(en.noAnswer);
});
