"""ConceptPrune (arXiv 2405.19237): skilled neurons by Wanda scores, as they come off the denoiser.

At step t a weight's score over a set of prompts is |W[i, j]| · ‖X_t[:, j]‖₂, the norm over all
token positions of all prompts (Wanda's), where each position's activation is scaled to length 1
first, as in the authors' code. A weight is skilled in a concept at step t if its score
over the concept's prompts is among the largest k % of its row and above its score over the base
prompts. What is pruned is the union over the first steps; for many concepts, over the concepts too.

Decided where the paper is silent: prompts, seed and conditional rows are those of Profile Concept,
so that only the rule differs.
"""

from collections.abc import Sequence

import torch
from comfy.model_patcher import ModelPatcher
from comfy.sd import CLIP
from torch import Tensor
from torch.nn.functional import normalize

from ...fia_core import LayerShapes, NeuronMask
from ...fia_core.equations.checks import decimal_share, share_count
from ...fia_core.equations.selection import top_entries
from ...nodes.fields.shared import fraction
from ...nodes.host.denoising.conditioning import RequestPrompts
from ...nodes.host.denoising.watch import watch_layers
from ...nodes.host.model.identity import model_identity
from ...nodes.host.model.layers import find_ffn2_layers, layer_shapes
from .erased import Erased
from .fia import applied
from .settings import Prompts

LARGEST_CHUNK = 16  # prompts a denoiser call, where nothing plans the memory


def concept_prune(
    model: ModelPatcher,
    clip: CLIP,
    concepts: Sequence[str],
    *,
    prompts: Prompts,
    sparsity: float = 1.0,
    strength: float = 1.0,
) -> Erased:
    """The FFN2 weights that answer more to a concept than without it, step by step.

    Args:
        prompts: of the base and of every concept.
        sparsity: k, percent of a row that can be skilled at a step.
        strength: as in Apply Neuron Mask; the paper prunes, which is 1.
    """
    request, layers = prompts.request(concepts), find_ffn2_layers(model)
    neurons = SkilledNeurons(
        layer_shapes(layers),
        concepts=len(concepts),
        group=len(request.contexts),
        sparsity=fraction(sparsity),
        device=model.load_device,
    )
    watch_layers(
        model.clone(),  # it gets wrappers
        layers,
        RequestPrompts(clip, request).by_concept(concepts),
        request.chunk or LARGEST_CHUNK,
        lambda name, rows, x, y, weight: neurons.add(name, rows, weight, x, y),
        weights=torch.clone,
        finish_step=neurons.finish_step,
    )
    mask = NeuronMask(
        layers=neurons.masks(),
        model=model_identity(model),
        concepts=tuple(concepts),
        settings={"rule": "ConceptPrune", "sparsity": fraction(sparsity)},
        provenance={},
    )
    return applied(model, clip, mask, strength)


class SkilledNeurons:
    """Collects one step at a time.

    Args:
        shapes: (C_out, C_in) of the FFN2 layers.
        concepts: how many groups of prompts follow the base prompts.
        group: prompts in a group, the base prompts' among them.
        sparsity: k, a fraction of a row.
        device: where the state lives.
    """

    def __init__(
        self,
        shapes: LayerShapes,
        concepts: int,
        group: int,
        sparsity: float,
        device: torch.device | str = "cpu",
    ) -> None:
        share = decimal_share("sparsity", sparsity)
        self._group = group
        self._counts = {name: share_count(share, shape[1]) for name, shape in shapes.items()}
        self._weights: dict[str, Tensor] = {}
        self._squares = {
            name: torch.zeros(1 + concepts, shape[1], device=device)
            for name, shape in shapes.items()
        }
        self._skilled = {
            name: torch.zeros(shape, dtype=torch.bool, device=device)
            for name, shape in shapes.items()
        }

    def add(self, layer: str, prompts: range, weight: Tensor, x: Tensor, y: Tensor) -> None:
        """Take in prompts at one step: weight (C_out, C_in), x (prompts, ..., C_in)."""
        self._weights[layer] = weight
        squares = normalize(x.float().flatten(1, -2), dim=-1).square().sum(dim=1)
        for prompt, square in zip(prompts, squares, strict=True):
            self._squares[layer][prompt // self._group] += square

    def finish_step(self) -> None:
        """Choose this step's skilled neurons and forget its norms."""
        for name, weight in self._weights.items():
            magnitude = weight.float().abs()
            base, *concepts = (magnitude * norm for norm in self._squares[name].sqrt())
            for score in concepts:
                self._skilled[name] |= top_entries(score, self._counts[name]) & (score > base)
            self._squares[name].zero_()
        self._weights.clear()

    def masks(self) -> dict[str, Tensor]:
        """The union so far: bool (C_out, C_in) of every layer, on the CPU."""
        return {name: skilled.cpu() for name, skilled in self._skilled.items()}
