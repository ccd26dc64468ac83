"""Forget concepts in closed form, where a model reads its text: ours and not the paper's.

A denoiser reads the text of a prompt in a few linear layers W, as rows a: one a token. For prompts
with a concept (a) and the same prompts without it, or with something else instead (b), the text is
changed by the matrix P that makes the one read like the other and leaves all other rows alone:

    min Σ ‖(a + P a) − b‖² + p n/s Σ ‖P k‖² + λ m ‖P‖²

    P = Σ (b − a) aᵀ K⁻¹,   K = Σ a aᵀ + p n/s Σ k kᵀ + λ m I

over n rows a and s rows k that should stay, so that p weighs the ones against the others however
many there are; m is the mean of the diagonal of Σ (b − a) (b − a)ᵀ, so that λ depends neither on
how large a model's rows are, nor on what else should stay, nor on what all rows have in common.
Then every layer that reads these rows computes with W (I + P).

The objective is UCE's (Gandikota et al., arXiv 2308.14761), and P without the cut below makes
UCE's weights of each layer. Three things differ from it. **Every** token
is mapped and not the concept's last alone, since an encoder writes a concept into all that follows
it. Rows are paired word by word (``align``). And P is cut to its r largest parts in K's norm:

    P ≈ U V,   U the first r left singular vectors of P K^½,   V = Uᵀ P

So it is a small LoRA, with a strength like that of the sliders that people train (LECO,
github.com/p1atdev/LECO).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

Token = int | str
"""A token's number, or of one that has none, something that is nothing else's."""


def align(words: Sequence[Token], others: Sequence[Token]) -> list[tuple[int, int]]:
    """Positions in two prompts' tokens that say the same, a pair for each position of the first.

    The longest common end is paired first, since what is added to a prompt comes before its scene;
    then the common beginning. What is left of the first is paired with what is left of the second,
    its last one repeated, and where nothing is left with the last token of all: the prompt's end,
    which holds what all of it says.

    Args:
        words, others: tokens of each prompt, without padding.
    """
    end = _shared(words[::-1], others[::-1])
    start = _shared(words[: len(words) - end], others[: len(others) - end])
    left = range(start, len(others) - end) or range(len(others) - 1, len(others))
    return [
        *((place, place) for place in range(start)),
        *(
            (place, left[min(place - start, len(left) - 1)])
            for place in range(start, len(words) - end)
        ),
        *((len(words) - place, len(others) - place) for place in range(end, 0, -1)),
    ]


def _shared(one: Sequence[Token], other: Sequence[Token]) -> int:
    """How many tokens two texts have in common at the beginning."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda both: both[0] == both[1], pairs))


@dataclass(frozen=True)
class TextChange:
    """P = ``up`` ``down``: how the rows of a text are changed.

    Attributes:
        up: U, (C, r) float32.
        down: V, (r, C) float32.
    """

    up: Tensor
    down: Tensor

    def done(self, read: Tensor, wanted: Tensor) -> float:
        """The share of the way from ``read`` to ``wanted``, (n, C) each, that the rows are moved:
        ⟨P a, b − a⟩ / ⟨b − a, b − a⟩."""
        way = wanted - read
        moved = read @ self.down.T @ self.up.T
        return float((moved * way).sum() / way.square().sum())


def change_text(
    read: Tensor, wanted: Tensor, stays: Tensor, *, ridge: float, rank: int, preserve: float
) -> TextChange:
    """The change of rank ``rank`` that makes the rows ``read`` like ``wanted``.

    It works on rows × rows or C × C, whichever is smaller.

    Args:
        read: a, (n, C) float32.
        wanted: b, (n, C).
        stays: k, (s, C), at least one.
        ridge: λ.
        rank: r; as many parts as there are at most.
        preserve: p.
    """
    rows = torch.cat([read, (preserve * len(read) / len(stays)) ** 0.5 * stays]).double()
    way = wanted - read
    damping = ridge * float(way.square().sum()) / read.shape[1]
    if len(rows) < rows.shape[1]:
        gram = rows @ rows.T
        gram.diagonal().add_(damping)
        ours = torch.eye(len(rows), len(read), dtype=gram.dtype)
        answers = torch.linalg.solve(gram, ours).T @ rows
    else:
        gram = rows.T @ rows
        gram.diagonal().add_(damping)
        answers = torch.linalg.solve(gram, read.T.double()).T
    answers = answers.float()
    # answers = A K⁻¹ (n, C), so P = Dᵀ A K⁻¹ with D = way, and P K Pᵀ = Dᵀ (A K⁻¹ Aᵀ) D
    shares, turns = torch.linalg.eigh((answers @ read.T).double())
    parts = way.T @ (turns * shares.clamp(min=0).sqrt()).float()
    up = torch.linalg.svd(parts, full_matrices=False).U[:, :rank]
    return TextChange(up, (way @ up).T @ answers)
