/** Taking a change into the page's history. */

/**
 * Let a change that this extension made be undone, and be there after a reload.
 *
 * Newer pages (seen in 1.58.1) call it captureCanvasState and warn of the older name.
 *
 * @param {Comfy.App} app
 */
export function rememberChange(app) {
  const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker;
  if (tracker?.captureCanvasState) {
    tracker.captureCanvasState();
  } else {
    tracker?.checkState?.();
  }
}
