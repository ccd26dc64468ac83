"""Forget concepts in closed form, where a model reads its text: ours and not the paper's.

A denoiser reads the text of a prompt in a few linear layers W, as rows a: one a token. For prompts
with a concept (a) and the same prompts without it, or with something else instead (b), the text is
changed by the matrix P that makes the one read like the other and leaves all other rows alone:

    min Σ ‖(a + P a) − b‖² + p n/s Σ ‖P k‖² + λ t ‖P‖²,   t = Σ ‖b − a‖²

    P = Σ (b − a) aᵀ K⁻¹,   K = Σ a aᵀ + p n/s Σ k kᵀ + λ t I

over n rows a and s rows k that should stay, so that p weighs the ones against the others however
many there are. With t, λ depends neither on how large nor how wide a model's rows are, nor on what
else should stay, nor on what all rows have in common. Then every layer that reads these rows
computes with W (I + P).

The objective is UCE's (Gandikota et al., arXiv 2308.14761), and P without the cut below makes
UCE's weights of each layer. It differs from UCE in this: every token is mapped, since an encoder
writes a concept into all that follows it; rows are paired word by word (``align``); λ and p do not
depend on how large and how many rows are; and P is cut to its r largest parts in K's norm:

    P ≈ U V,   U the first r left singular vectors of P K^½,   V = Uᵀ P

Each part moves the rows a by its squared singular value towards b, and these add up to Σ ⟨P a,
b − a⟩, so r is the number of parts that do most of it: one a concept with a small encoder, several
with a language model, which writes one word differently into each sentence.
So it is a small LoRA, with a strength like that of the sliders that people train (LECO,
github.com/p1atdev/LECO).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

import torch
from torch import Tensor

PART = 64
"""Rows or channels that are in float64 at once."""

Token = int | str
"""A token's number, or of one that has none, something that is nothing else's."""


def align(
    words: Sequence[Token], others: Sequence[Token], usual: Collection[Token]
) -> list[tuple[int, int]]:
    """Positions in two prompts' tokens that say the same, a pair for each position of the first.

    The longest common end is paired first, since what is added to a prompt comes before its scene;
    then the common beginning. What is left of the first is paired with what is left of the second,
    its last one repeated. Where nothing is left, words were added: they become what the second
    says next, or just before, whichever is usual: the scene's article. One row for all scenes is
    what a change of low rank can reach. The very first row is none of these; it says nothing.

    Args:
        words, others: tokens of each prompt, without padding; ``others`` has one at least.
        usual: tokens that prompts like ``others`` have in common.
    """
    end = _shared(words[::-1], others[::-1])
    start = _shared(words[: len(words) - end], others[: len(others) - end])
    place = min(start, len(others) - 1)
    if others[place] not in usual and start > 1 and others[start - 1] in usual:
        place = start - 1
    left = range(start, len(others) - end) or range(place, place + 1)
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
    read: Tensor,
    wanted: Tensor,
    stays: Tensor,
    *,
    ridge: float,
    preserve: float,
    rank: int,
    share: float = 0.0,
) -> TextChange:
    """The change of low rank that makes the rows ``read`` like ``wanted``.

    It solves for rows × rows or C × C, whichever is smaller, in float64, and needs little memory
    beside that.

    Args:
        read: a, (n, C) float32.
        wanted: b, (n, C) float32.
        stays: k, (s, C), at least one, in any float type.
        ridge: λ.
        preserve: p.
        rank: r; as many parts as there are at most.
        share: r is larger where only more parts do this share of what all of them do.
    """
    way = wanted - read
    weight = (preserve * len(read) / len(stays)) ** 0.5
    answers = _answers(read, stays, weight, ridge * float(way.square().sum()))
    # P = Dᵀ A K⁻¹ with D = way, and P K Pᵀ = Dᵀ (A K⁻¹ Aᵀ) D
    shares, turns = torch.linalg.eigh((answers @ read.T).double())
    cut = way.T @ (turns * shares.clamp(min=0).sqrt()).float()
    parts, sizes, _ = torch.linalg.svd(cut, full_matrices=False)
    done = sizes.square().cumsum(0)
    up = parts[:, : max(rank, int((done < share * done[-1]).sum()) + 1)]
    return TextChange(up, (way @ up).T @ answers)


def _answers(read: Tensor, stays: Tensor, weight: float, damping: float) -> Tensor:
    """A K⁻¹, (n, C) float32, of the rows A = ``read``; ``weight`` is of a row that stays."""
    few = len(read) + len(stays) < read.shape[1]
    size = len(read) + len(stays) if few else read.shape[1]
    gram = torch.zeros(size, size, dtype=torch.float64)
    gram.diagonal().add_(damping)
    for part in _parts(read, stays, weight, few):
        gram.addmm_(part, part.T)
    root = torch.linalg.cholesky(gram.T, out=gram.T)  # in place, since LAPACK goes by columns
    ours = torch.eye(size, len(read), dtype=gram.dtype) if few else read.T.double()
    for side, upper in ((root, False), (root.T, True)):
        ours = torch.linalg.solve_triangular(side, ours, upper=upper)
    if few:
        parts = _parts(read, stays, weight, few)
        return torch.cat([(ours.T @ part).float() for part in parts], dim=1)
    return ours.T.float()


def _parts(read: Tensor, stays: Tensor, weight: float, few: bool) -> Iterator[Tensor]:
    """All rows, those that stay weighted, in float64: ``PART`` channels at a time, (n + s, PART),
    where rows are ``few``; else as many rows at a time, (C, PART)."""
    if few:
        for mine, its in zip(read.split(PART, 1), stays.split(PART, 1), strict=True):
            yield torch.cat([mine.double(), weight * its.double()])
    else:
        yield from (mine.T.double() for mine in read.split(PART))
        yield from (weight * its.T.double() for its in stays.split(PART))
