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
