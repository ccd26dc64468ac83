/** What a widget's element leaves to the graph around it: zooming and panning. */

/**
 * Let the wheel scroll the element. Nodes 2.0 leaves it that; newer ones only once it was clicked.
 *
 * @param {HTMLElement} element
 */
export function keepWheel(element) {
  element.dataset.captureWheel = "true";
  element.tabIndex = 0;
}

/**
 * Let the wheel zoom and the middle button pan, as anywhere else on the graph, and keep the left
 * button for the element: it would drag the node.
 *
 * @param {HTMLElement} element
 * @param {Comfy.Canvas} canvas
 */
export function shareWithCanvas(element, canvas) {
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      event.stopPropagation();
      canvas.processMouseWheel(event);
    },
    { passive: false },
  );
  element.addEventListener("pointerdown", (event) => {
    if (event.button === 1) {
      event.stopPropagation();
      canvas.processMouseDown(event);
    } else if (event.button === 0 && !canvas.read_only) {
      event.stopPropagation();
    }
  });
  element.addEventListener("pointermove", (event) => {
    if (event.buttons & 4) {
      event.stopPropagation();
      canvas.processMouseMove(event);
    }
  });
  element.addEventListener("pointerup", (event) => {
    if (event.button === 1) {
      event.stopPropagation();
      canvas.processMouseUp(event);
    }
  });
}
