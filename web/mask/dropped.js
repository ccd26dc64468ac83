/** Files that are dragged onto a node. */

const SUFFIX = ".safetensors";

/**
 * Whether something that may be a mask file is dragged. Names are told only once it is dropped;
 * pictures and workflows, which the page itself opens, have a type.
 *
 * @param {DataTransfer | null} data
 */
export function mayBeMaskFile(data) {
  return [...(data?.items ?? [])].some(({ kind, type }) => kind === "file" && !type);
}

/**
 * The first mask file that was dropped.
 *
 * @param {DataTransfer | null} data
 */
export function maskFile(data) {
  return [...(data?.files ?? [])].find(({ name }) => name.toLowerCase().endsWith(SUFFIX)) ?? null;
}
