/** Questions to this extension's routes on the server. */

/** @import { Words } from "../language/en.js" */

const PREFIX = "/forget_it_all";

/**
 * The server's answer; an Error is thrown whose message is for the person.
 *
 * @param {Pick<Comfy.Api, "fetchApi">} api
 * @param {Words} words
 * @param {string} route
 * @param {Record<string, string>} [query]
 * @param {BodyInit} [body] asks by POST
 */
export async function ask(api, words, route, query = {}, body) {
  const path = `${PREFIX}/${route}?${new URLSearchParams(query)}`;
  const options = body === undefined ? {} : { method: "POST", body };
  const response = await api.fetchApi(path, options).catch((/** @type {unknown} */ cause) => {
    throw new Error(words.noAnswer, { cause });
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(answer.error ?? words.answered(response.status));
  }
  return answer;
}
