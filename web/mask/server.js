/** What the server says about masks (nodes/routes.py). */

import { ask } from "../shared/server.js";

/**
 * @typedef {object} Card
 * @property {string} title the concepts
 * @property {string} architecture the model that the mask is made for
 * @property {[string, string][]} rows label and text
 * @property {boolean} [may_embed] of a file: false where the mask is too large for it
 */

/** @import { Words } from "../language/en.js" */

/** Every question either gets its answer or throws an Error whose message is for the person. */
export class MaskServer {
  /**
   * @param {Pick<Comfy.Api, "fetchApi">} api
   * @param {Words} words
   */
  constructor(api, words) {
    this.api = api;
    this.words = words;
  }

  /**
   * @param {string} name a mask file
   * @returns {Promise<Card | null>} null where the server does not have it
   */
  async cardOfFile(name) {
    return (await this.ask("mask_card", { name })).card;
  }

  /**
   * @param {string} text an embedded mask
   * @returns {Promise<Card>}
   */
  async cardOfText(text) {
    return (await this.ask("mask_card", {}, text)).card;
  }

  /**
   * The text form of a mask file.
   *
   * @param {string} name
   * @returns {Promise<string>}
   */
  async textOfFile(name) {
    return (await this.ask("embedded_mask", { name })).embedded;
  }

  /**
   * Store a mask file.
   *
   * @param {File} file
   * @returns {Promise<string>} its name on the server
   */
  async upload(file) {
    return (await this.ask("upload_mask", { name: file.name }, file)).name;
  }

  /**
   * The model that a node will load, as far as its file tells.
   *
   * @param {string} node its type
   * @param {string} name its file
   * @returns {Promise<string | null>}
   */
  async architecture(node, name) {
    return (await this.ask("architecture", { node, name })).architecture;
  }

  /**
   * @param {string} route
   * @param {Record<string, string>} query
   * @param {BodyInit} [body] asks by POST
   */
  ask(route, query, body) {
    return ask(this.api, this.words, route, query, body);
  }
}
