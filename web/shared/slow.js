/** The nodes that run prompts before the picture is drawn, and say how far they are. */
export const SLOW = ["FIAProfileConcept", "FIAForgetLora"];

/** @param {Comfy.Node | null | undefined} node */
export function isSlow(node) {
  return SLOW.includes(node?.comfyClass ?? "");
}
