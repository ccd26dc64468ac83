import { rememberChange } from "../../../web/shared/changes.js";

/**
 * @param {Record<string, () => void>} [changeTracker]
 */
function page(changeTracker) {
  const workflow = { activeWorkflow: changeTracker ? { changeTracker } : null };
  return /** @type {Comfy.App} */ (/** @type {unknown} */ ({ extensionManager: { workflow } }));
}

test("older pages are told by the name that they know", () => {
  const checkState = vi.fn();
  rememberChange(page({ checkState }));
  expect(checkState).toHaveBeenCalledOnce();
});

test("newer pages are not told by the name that they warn of", () => {
  const [captureCanvasState, checkState] = [vi.fn(), vi.fn()];
  rememberChange(page({ captureCanvasState, checkState }));
  expect(captureCanvasState).toHaveBeenCalledOnce();
  expect(checkState).not.toHaveBeenCalled();
});

test("a page without an open workflow is left alone", () => {
  expect(() => rememberChange(page())).not.toThrow();
});
