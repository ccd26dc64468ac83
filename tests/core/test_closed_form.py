"""The change of a text is the minimum of its objective, cut to a rank."""

import pytest
import torch
from torch import Tensor

from fia_core.closed_form import align, change_text

READ, STAYS = 9, 14
RIDGE, PRESERVE = 0.02, 0.3
EACH = PRESERVE * READ / STAYS


def rows(count: int, width: int, seed: int) -> Tensor:
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=[6, 40], ids=["more rows than channels", "fewer"])
def texts(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor, Tensor]:
    """What is read, what is wanted, what should stay."""
    width = request.param
    return rows(READ, width, 0), rows(READ, width, 1), rows(STAYS, width, 2)


def matrix(texts: tuple[Tensor, Tensor, Tensor], rank: int = 99) -> Tensor:
    change = change_text(*texts, ridge=RIDGE, rank=rank, preserve=PRESERVE)
    return change.up @ change.down


def sums(texts: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """K."""
    read, wanted, stays = texts
    damping = RIDGE * (wanted - read).square().sum()
    return read.T @ read + EACH * stays.T @ stays + damping * torch.eye(read.shape[1])


def test_it_is_the_minimum(texts: tuple[Tensor, Tensor, Tensor]) -> None:
    read, wanted, stays = texts
    change = matrix(texts).requires_grad_()
    objective = (
        (read + read @ change.T - wanted).square().sum()
        + EACH * (stays @ change.T).square().sum()
        + RIDGE * (wanted - read).square().sum() * change.square().sum()
    )
    (slope,) = torch.autograd.grad(objective, change)
    assert slope.abs().max() < 1e-3 * objective


def test_the_cut_is_the_best_of_its_rank_in_the_norm_of_what_is_read(
    texts: tuple[Tensor, Tensor, Tensor],
) -> None:
    whole, cut, read = matrix(texts), matrix(texts, 2), sums(texts)
    half = torch.linalg.cholesky(read)
    best = torch.linalg.svdvals(whole @ half)[2:].square().sum()
    assert torch.linalg.matrix_rank(cut, rtol=1e-4) == 2
    assert ((whole - cut) @ half).square().sum() == pytest.approx(float(best), rel=1e-3)


def test_how_far_it_goes_is_told(texts: tuple[Tensor, Tensor, Tensor]) -> None:
    read, wanted, stays = texts
    near = change_text(read, wanted, stays, ridge=1e-6, rank=99, preserve=1e-6)
    far = change_text(read, wanted, stays, ridge=1e6, rank=99, preserve=1e-6)
    assert far.done(read, wanted) < 0.01 < near.done(read, wanted) <= 1.001


def test_as_many_parts_as_do_a_share_of_what_all_do(texts: tuple[Tensor, Tensor, Tensor]) -> None:
    settings, (read, wanted, _) = {"ridge": RIDGE, "preserve": PRESERVE}, texts
    done = [change_text(*texts, **settings, rank=r).done(read, wanted) for r in range(1, READ + 1)]
    found = len(change_text(*texts, **settings, rank=1, share=0.9).down)
    assert done[found - 2] < 0.9 * done[-1] <= done[found - 1]
    assert len(change_text(*texts, **settings, rank=5, share=0.1).down) == 5


@pytest.mark.parametrize(
    ("words", "others", "partners"),
    [
        ("<a church in a park>", "<a park>", "<" + "a" * 12 + "a park>"),
        ("<church in parks>", "<parks>", "<" + "p" * 10 + "parks>"),
        ("<aBIGman>", "<aman>", "<aaaaman>"),
        ("<park>", "<park>", "<park>"),
        ("<cat>", "<>", "<>>>>"),
        ("<cat", "<", "<<<<"),
        ("<a cat.>", "<a dog.>", "<a dog.>"),
        ("<three cats>", "<a dog>", "<a dogggggg>"),
    ],
)
def test_every_word_finds_a_partner(words: str, others: str, partners: str) -> None:
    pairs = align(words, others, usual="<a >")
    assert [place for place, _ in pairs] == list(range(len(words)))
    assert "".join(others[place] for _, place in pairs) == partners


def test_what_all_rows_have_in_common_does_not_drown_a_small_ridge() -> None:
    """The sums are of 64 bits: of 32 they were wrong here by more than the change itself."""
    shared = 100 * rows(1, 60, 3)
    read, stays = shared + rows(80, 60, 4), shared + rows(90, 60, 5)
    wanted = read + rows(80, 60, 6)
    change = change_text(read, wanted, stays, ridge=1e-4, rank=99, preserve=1.0)
    a, b, k = read.double(), wanted.double(), stays.double()
    damping = 1e-4 * (b - a).square().sum() * torch.eye(60).double()
    exact = (b - a).T @ a @ torch.linalg.inv(a.T @ a + 80 / 90 * k.T @ k + damping)
    error = (change.up @ change.down).double() - exact
    assert error.norm() < 0.01 * exact.norm()
