/** The nodes that denoise prompts for a while before the picture is drawn, and say how far they are. */
export const SLOW = ["FIAProfileConcept", "FIAClosedFormLora"];

/** @param {Comfy.Node | null | undefined} node */
export function isSlow(node) {
  return SLOW.includes(node?.comfyClass ?? "");
}
