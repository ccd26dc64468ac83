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
    extensionManager: {
      workflow: { activeWorkflow: Workflow | null };
      toast: { add(message: Toast): void };
    };
    registerExtension(extension: Extension): void;
    getPreviewFormatParam(): string;
  }

  interface Api {
    apiURL(path: string): string;
    fetchApi(path: string, options?: RequestInit): Promise<Response>;
    addEventListener(event: string, listener: (event: CustomEvent) => void): void;
  }

  /** A message that leaves by itself after `life` milliseconds. */
  interface Toast {
    severity: "info" | "success" | "warn" | "error";
    summary: string;
    detail: string;
    life: number;
  }

  interface Workflow {
    /** checkState takes a change in: it can be undone and is there after a reload. */
    changeTracker?: { checkState(): void };
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
    title: string;
    comfyClass?: string;
    graph: Graph | null;
    /** The graph inside, if the node is a subgraph. */
    subgraph?: Graph;
    size: [number, number];
    inputs: { name: string; type: string }[];
    outputs: { name: string; type: string }[];
    widgets?: Widget[];
    properties: Record<string, unknown>;
    setSize(size: [number, number]): void;
    addDOMWidget(
      name: string,
      type: string,
      element: HTMLElement,
      options?: DomWidgetOptions,
    ): Widget;
    /** The node at the other end of an input's wire. */
    getInputNode(slot: number): Node | null;
    getOutputNodes(slot: number): Node[] | null;
    findInputSlot(name: string): number;
    removeInput(slot: number): void;
    onConfigure?(...details: unknown[]): void;
    /** Whether what is dragged may be dropped here. */
    onDragOver?(event: DragEvent): boolean;
    /** Whether it was taken. */
    onDragDrop?(event: DragEvent): boolean;
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
    hidden?: boolean;
    computeSize?(): [number, number];
    callback?(value: unknown, ...details: unknown[]): void;
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
    /** The person pressed R. */
    refreshComboInNodes?(): void;
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
