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
    /** By locator: a node's id, after its subgraph's id and a colon where it lies in one. */
    nodeOutputs: Record<string, NodeOutput>;
    extensionManager: {
      workflow: { activeWorkflow: Workflow | null };
      toast: { add(message: Toast): void };
      /** Null where the dialog was closed without an answer. */
      dialog: { confirm(question: Question): Promise<boolean | null> };
      setting: { get(name: string): unknown };
    };
    registerExtension(extension: Extension): void;
    getPreviewFormatParam(): string;
    /** The graph as the server runs it, with the workflow that it came from. */
    graphToPrompt(): Promise<Prompt>;
  }

  interface Api {
    apiURL(path: string): string;
    /** Throws where the server refuses the graph; the error has the server's `response`. */
    queuePrompt(
      number: number,
      prompt: Prompt,
      options: { partialExecutionTargets: string[] },
    ): Promise<{ prompt_id: string }>;
    fetchApi(path: string, options?: RequestInit): Promise<Response>;
    addEventListener(
      event: string,
      listener: (event: CustomEvent) => void,
      options?: { once: boolean },
    ): void;
    dispatchEvent(event: CustomEvent): boolean;
    dispatchCustomEvent(event: "progress_text", detail: ProgressText): boolean;
  }

  interface ProgressText {
    nodeId: string;
    text: string;
  }

  interface Prompt {
    output: Record<string, unknown>;
    workflow: unknown;
  }

  /** A message that leaves by itself after `life` milliseconds. */
  interface Toast {
    severity: "info" | "success" | "warn" | "error";
    summary: string;
    detail: string;
    life: number;
  }

  interface Question {
    title: string;
    message: string;
    type: "delete";
  }

  /** Both take a change in: it can be undone and is there after a reload. */
  interface ChangeTracker {
    /** Absent from older pages. */
    captureCanvasState?(): void;
    /** Deprecated in newer pages. */
    checkState?(): void;
  }

  interface Workflow {
    changeTracker?: ChangeTracker;
  }

  interface Canvas {
    /** While the space bar is held, dragging pans wherever it starts. */
    read_only: boolean;
    selectedItems: Set<unknown>;
    processMouseWheel(event: WheelEvent): void;
    processMouseDown(event: PointerEvent): void;
    processMouseMove(event: PointerEvent): void;
    processMouseUp(event: PointerEvent): void;
  }

  interface Graph {
    id: string;
    nodes: Node[];
    getNodeById(id: string | number): Node | null;
    /** Of a subgraph: what happens to its widgets. */
    events?: EventTarget;
    /** Of a subgraph: where wires come in. */
    inputs?: { linkIds: number[] }[];
    getLink(id: number): Link | null | undefined;
    add(node: Node): void;
    setDirtyCanvas(foreground: boolean, background?: boolean): void;
    serialize(): SavedGraph;
  }

  interface Link {
    origin_id: string | number;
    target_id: string | number;
    target_slot: number;
  }

  /** A graph as the page saves it. */
  interface SavedGraph {
    /** A template's is the same whenever it is opened. */
    id: string;
    nodes: SavedNode[];
    definitions?: { subgraphs?: { id: string; nodes: SavedNode[] }[] };
  }

  interface SavedNode {
    id: string | number;
    type: string;
    widgets_values?: unknown;
  }

  interface Node {
    id: string | number;
    type: string;
    title: string;
    comfyClass?: string;
    graph: Graph | null;
    /** Always, muted, bypassed … */
    mode: number;
    /** The graph inside, if the node is a subgraph. */
    subgraph?: Graph;
    pos: [number, number];
    size: [number, number];
    inputs: Slot[];
    outputs: Slot[];
    widgets?: Widget[];
    /** Whether its advanced widgets are there to be seen. */
    showAdvanced?: boolean;
    properties: Record<string, unknown>;
    setSize(size: [number, number]): void;
    /** The least size that shows all widgets. */
    computeSize(): [number, number];
    addWidget(
      type: string,
      name: string,
      value: unknown,
      callback: (value: unknown) => void,
      options: Record<string, unknown>,
    ): Widget;
    addDOMWidget(
      name: string,
      type: string,
      element: HTMLElement,
      options?: DomWidgetOptions,
    ): Widget;
    /** The node at the other end of an input's wire. */
    getInputNode(slot: number): Node | null;
    getOutputNodes(slot: number): Node[] | null;
    /** In the newest pages, of a subgraph node: the widget inside that its own widget stands for. */
    resolvePromotedTarget?(name: string): { nodeId: unknown; widgetName: string } | undefined;
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

  interface Slot {
    name: string;
    type: string;
    /** What the page shows instead of the name. */
    localized_name?: string;
    /** Of an input: the wire's number. */
    link?: number | null;
    /** Of an input: the widget that it gives a value to. */
    widget?: { name: string };
  }

  interface Widget {
    name: string;
    /** What the page shows instead of the name. */
    label?: string;
    type: string;
    value: unknown;
    options: Record<string, unknown>;
    serialize?: boolean;
    hidden?: boolean;
    tooltip?: string;
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

  interface Command {
    id: string;
    /** A function is asked each time it is shown. */
    label: string | (() => string);
    icon?: string;
    function: () => void | Promise<void>;
  }

  interface Extension {
    name: string;
    /** To be found by keys of the person's choice, and in the menus named below. */
    commands?: Command[];
    keybindings?: { combo: { key: string; alt?: boolean }; commandId: string }[];
    menuCommands?: { path: string[]; commands: string[] }[];
    /** Before any node is registered. */
    init?(app: App): void | Promise<void>;
    setup?(app: App): void | Promise<void>;
    /** The definition may be changed; also called when the person presses R. */
    beforeRegisterNodeDef?(type: unknown, definition: NodeDefinition, app: App): void;
    nodeCreated?(node: Node, app: App): void | Promise<void>;
    loadedGraphNode?(node: Node, app: App): void;
    afterConfigureGraph?(missing: unknown[], app: App): void | Promise<void>;
    /** The person pressed R. */
    refreshComboInNodes?(): void;
    onNodeOutputsUpdated?(outputs: Record<string, NodeOutput>): void;
  }

  /** What the server says of a type of nodes. */
  interface NodeDefinition {
    name: string;
    display_name: string;
    description: string;
    input?: Partial<Record<"required" | "optional", Record<string, InputDefinition>>>;
    output_tooltips?: (string | null)[];
  }

  interface InputOptions {
    tooltip?: string;
    multiline?: boolean;
    /** What an empty text field shows; else the input's id. */
    placeholder?: string;
  }

  type InputDefinition = [type: unknown, options?: InputOptions];

  /** What a node sent in its `ui`. */
  type NodeOutput = Record<string, unknown>;

  /** A file as the server's /view names it. */
  interface FileReference {
    filename: string;
    subfolder: string;
    type: string;
  }
}

/** Global in the page. */
declare const LiteGraph: {
  createNode(type: string): Comfy.Node | null;
  /** Whether nodes are drawn by the newer renderer, "Nodes 2.0". */
  vueNodesMode?: boolean;
};

declare module "*/scripts/app.js" {
  export const app: Comfy.App;
}

declare module "*/scripts/api.js" {
  export const api: Comfy.Api;
}
