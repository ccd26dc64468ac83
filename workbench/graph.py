"""A workflow as the page saves it, turned into the graph that the server runs.

One file in ``workflows/`` so serves both: it opens in the page, and a program posts it.
"""

from typing import Any

PageWorkflow = dict[str, Any]
ApiGraph = dict[str, dict[str, Any]]
ObjectInfo = dict[str, dict[str, Any]]
Link = list[Any]
"""Node id and output slot."""

WIDGET_TYPES = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}
PAGE_ONLY = {"Note", "MarkdownNote"}
SEED_NAMES = {"seed", "noise_seed"}
ALWAYS = 0
ENTRANCE, EXIT = -10, -20
"""The node ids that stand for a subgraph's own inputs and outputs in the links inside."""


class WorkflowFormatError(ValueError):
    """The workflow cannot be turned into a graph; the message names the node."""


def to_api(workflow: PageWorkflow, object_info: ObjectInfo) -> ApiGraph:
    """The API form of a workflow in the page's form.

    Args:
        workflow: what the page saves: ``nodes`` with ``widgets_values`` by position, and ``links``.
        object_info: the server's ``/object_info``; it tells names and order of the widgets.

    Returns:
        node id → ``class_type`` and ``inputs``, a link being ``[node id, output slot]``.

    Raises:
        WorkflowFormatError: a node is unknown to the server, muted or bypassed, or has not as many
            widget values as the server's node has widgets. Optional widgets at the end may be
            missing, as in a workflow that an earlier release saved.
    """
    sources = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    graph: ApiGraph = {}
    for node in workflow["nodes"]:
        if node["type"] in PAGE_ONLY:
            continue
        where = f"node {node['id']} ({node['type']})"
        if node["type"] not in object_info:
            raise WorkflowFormatError(f"{where}: the server has no such node; is it installed?")
        if node.get("mode", ALWAYS) != ALWAYS:
            raise WorkflowFormatError(f"{where} is muted or bypassed; remove it or switch it on")
        inputs = _widget_inputs(node, object_info[node["type"]], where)
        for socket in node.get("inputs", []):
            if socket.get("link") is not None:
                inputs[socket["name"]] = sources[socket["link"]]
        graph[str(node["id"])] = {
            "class_type": node["type"],
            "inputs": inputs,
            "_meta": {"title": node.get("title", object_info[node["type"]]["display_name"])},
        }
    return graph


def flat(workflow: PageWorkflow) -> PageWorkflow:
    """The same workflow without subgraphs: their nodes take their place, "5:1" the node 1 in the
    subgraph node 5. They hold their own values, and have no subgraphs inside."""
    subgraphs = {one["id"]: one for one in workflow.get("definitions", {}).get("subgraphs", [])}
    owners = {node["id"]: subgraphs.get(node["type"]) for node in workflow["nodes"]}
    nodes = [node | {"inputs": []} for node in workflow["nodes"] if not owners[node["id"]]]
    links = [tuple(link[1:5]) for link in workflow["links"]]
    for id, subgraph in owners.items():
        if subgraph:
            nodes += [
                node | {"id": f"{id}:{node['id']}", "inputs": []} for node in subgraph["nodes"]
            ]
            links = _joined(id, links, subgraph["links"])
    by_id = {node["id"]: node for node in nodes}
    sockets = _input_names(workflow, subgraphs)
    numbered = []
    for number, (origin, output, target, slot) in enumerate(links, 1):
        numbered.append([number, origin, output, target, slot])
        by_id[target]["inputs"].append({"name": sockets[target][slot], "link": number})
    return {"nodes": nodes, "links": numbered}


Ends = tuple[Any, int, Any, int]
"""A link: node and output that it comes from, node and input that it goes to."""


def _joined(id: Any, outside: list[Ends], inside: list[dict[str, Any]]) -> list[Ends]:
    """The links around the subgraph node ``id`` and those inside, joined where they meet."""
    into = {slot: (origin, output) for origin, output, target, slot in outside if target == id}
    out_of: dict[int, tuple[Any, int]] = {}
    joined = [link for link in outside if id not in (link[0], link[2])]
    for link in inside:
        origin: tuple[Any, int] | None = (f"{id}:{link['origin_id']}", link["origin_slot"])
        if link["origin_id"] == ENTRANCE:
            origin = into.get(link["origin_slot"])  # none where nothing is connected
        if origin and link["target_id"] == EXIT:
            out_of[link["target_slot"]] = origin
        elif origin:
            joined.append((*origin, f"{id}:{link['target_id']}", link["target_slot"]))
    leaving = [link for link in outside if link[0] == id]
    return joined + [(*out_of[output], target, slot) for _, output, target, slot in leaving]


def _input_names(workflow: PageWorkflow, subgraphs: dict[str, Any]) -> dict[Any, list[str]]:
    """Names of each node's inputs in order, by id; of what lies in subgraphs too."""
    names = {}
    for node in workflow["nodes"]:
        subgraph = subgraphs.get(node["type"], {"nodes": []})
        names[node["id"]] = [socket["name"] for socket in node.get("inputs", [])]
        for inner in subgraph["nodes"]:
            inputs = [socket["name"] for socket in inner["inputs"]]
            names[f"{node['id']}:{inner['id']}"] = inputs
    return names


def widget_names(info: dict[str, Any]) -> list[str | None]:
    """Names of a node's widgets in the page's order; None for a seed's "control after generate"."""
    names: list[str | None] = []
    for group in ("required", "optional"):
        for name, spec in info["input"].get(group, {}).items():
            kind, options = spec[0], spec[1] if len(spec) > 1 else {}
            if options.get("forceInput") or not (isinstance(kind, list) or kind in WIDGET_TYPES):
                continue
            names.append(name)
            if kind == "INT" and options.get("control_after_generate", name in SEED_NAMES):
                names.append(None)
    return names


def only_node(class_type: str, graph: ApiGraph) -> tuple[str, dict[str, Any]]:
    """Id and content of the graph's only node of a class.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = [(id, node) for id, node in graph.items() if node["class_type"] == class_type]
    if len(found) != 1:
        raise ValueError(f"workflow: has {len(found)} nodes {class_type}; exactly 1 is needed")
    return found[0]


def copy_with_sources(id: str, source: ApiGraph, target: ApiGraph) -> None:
    """Copy a node and everything that it is made from."""
    if id in target:
        return
    node = source[id]
    target[id] = node | {"inputs": dict(node["inputs"])}
    for value in node["inputs"].values():
        if isinstance(value, list):
            copy_with_sources(value[0], source, target)


def _widget_inputs(node: dict[str, Any], info: dict[str, Any], where: str) -> dict[str, Any]:
    names, values = widget_names(info), node.get("widgets_values", [])
    if not names:  # what the page adds by itself, such as a preview's text, is not the server's
        return {}
    missing = names[len(values) :]
    if len(values) > len(names) or not set(missing) <= set(info["input"].get("optional", {})):
        raise WorkflowFormatError(
            f"{where} has {len(values)} widget values, the server's node has {len(names)} widgets: "
            f"{', '.join(name or 'control after generate' for name in names)}"
        )
    given = zip(names, values, strict=False)  # the server knows what is missing
    return {name: value for name, value in given if name is not None}
