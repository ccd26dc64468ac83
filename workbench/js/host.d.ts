/**
 * The part of ComfyUI's page that web/ uses, written down from its frontend 1.32.9.
 *
 * Global, so that a file in web/ says `Comfy.Node` in its JSDoc and imports nothing for it.
 */
declare namespace Comfy {
  interface App {
    graph: Graph;
    /** Frontends after 1.32.9; the graph at the top, whichever subgraph is open. */
    rootGraph?: Graph;
    canvas: Canvas;
    /** By locator: a node's id, behind its subgraph's id and a colon where it lies in one. */
    nodeOutputs: Record<string, NodeOutput>;
    registerExtension(extension: Extension): void;
    getPreviewFormatParam(): string;
  }

  interface Api {
    apiURL(path: string): string;
    fetchApi(path: string, options?: RequestInit): Promise<Response>;
  }

  interface Canvas {
    /** While the space bar is held, dragging pans wherever it starts. */
    read_only: boolean;
    processMouseWheel(event: WheelEvent): void;
    processMouseDown(event: PointerEvent): void;
    processMouseMove(event: PointerEvent): void;
    processMouseUp(event: PointerEvent): void;
  }

  interface Graph {
    id: string;
    nodes: Node[];
    getNodeById(id: string | number): Node | null;
    setDirtyCanvas(foreground: boolean, background?: boolean): void;
  }

  interface Node {
    id: string | number;
    type: string;
    comfyClass?: string;
    graph: Graph | null;
    /** The graph inside, if the node is a subgraph. */
    subgraph?: Graph;
    size: [number, number];
    widgets?: Widget[];
    properties: Record<string, unknown>;
    setSize(size: [number, number]): void;
    addDOMWidget(
      name: string,
      type: string,
      element: HTMLElement,
      options?: DomWidgetOptions,
    ): Widget;
    onExecuted?(output: NodeOutput): void;
    onConnectionsChange?(...details: unknown[]): void;
    onRemoved?(): void;
  }

  interface Widget {
    name: string;
    type: string;
    value: unknown;
    options: Record<string, unknown>;
    serialize?: boolean;
    callback?(value: unknown): void;
  }

  interface DomWidgetOptions {
    /** False: the value does not travel in the prompt. */
    serialize?: boolean;
    hideOnZoom?: boolean;
    getValue?(): unknown;
    setValue?(value: unknown): void;
    getMinHeight?(): number;
    getMaxHeight?(): number;
    getHeight?(): number | string;
  }

  interface Extension {
    name: string;
    setup?(app: App): void | Promise<void>;
    nodeCreated?(node: Node, app: App): void | Promise<void>;
    loadedGraphNode?(node: Node, app: App): void;
    afterConfigureGraph?(missing: unknown[], app: App): void | Promise<void>;
    onNodeOutputsUpdated?(outputs: Record<string, NodeOutput>): void;
  }

  /** What a node sent in its `ui`. */
  type NodeOutput = Record<string, unknown>;

  /** A file as the server's /view names it. */
  interface FileReference {
    filename: string;
    subfolder: string;
    type: string;
  }
}

declare module "*/scripts/app.js" {
  export const app: Comfy.App;
}

declare module "*/scripts/api.js" {
  export const api: Comfy.Api;
}
