import { en } from "../../../web/language/en.js";
import { MaskServer } from "../../../web/mask/server.js";

/**
 * A server that gives one answer, and what it was asked.
 *
 * @param {Response | Error} answer
 */
function serverThatAnswers(answer) {
  /** @type {[string, RequestInit | undefined][]} */
  const asked = [];
  const api = {
    /** @type {Comfy.Api["fetchApi"]} */
    fetchApi: (path, options) => {
      asked.push([path, options]);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const server = new MaskServer(api, en);
  return { server, asked };
}

test("a name is escaped in the address", async () => {
  const { server, asked } = serverThatAnswers(Response.json({ card: { title: "church" } }));
  expect(await server.cardOfFile("objects/a & b.safetensors")).toEqual({ title: "church" });
  expect(asked).toEqual([
    ["/forget_it_all/mask_card?name=objects%2Fa+%26+b.safetensors", {}],
  ]);
});

test("an embedded mask is posted", async () => {
  const { server, asked } = serverThatAnswers(Response.json({}));
  await server.cardOfText("AAAA");
  expect(asked).toEqual([["/forget_it_all/mask_card?", { method: "POST", body: "AAAA" }]]);
});

test("a refusal is thrown in the server's words", async () => {
  const refusal = Response.json({ error: "mask_file: there is no mask file" }, { status: 400 });
  const { server } = serverThatAnswers(refusal);
  await expect(server.textOfFile("gone")).rejects.toThrow("mask_file: there is no mask file");
});

test("a file that is not there has no card", async () => {
  const { server } = serverThatAnswers(Response.json({ card: null }));
  expect(await server.cardOfFile("gone")).toBe(null);
});

test("an answer that is not the extension's is told by its number", async () => {
  const { server } = serverThatAnswers(new Response("<html>", { status: 404 }));
  await expect(server.textOfFile("gone")).rejects.toThrow("The server answered 404.");
});

test("a server that is gone is told so", async () => {
  const { server } = serverThatAnswers(new TypeError("Failed to fetch"));
  await expect(server.textOfFile("church")).rejects.toThrow("Is ComfyUI still running?");
});
