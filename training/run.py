"""A training run that can be stopped and resumed at any step as if it had never stopped."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

SAVE_EVERY = 150.0  # seconds
PRINT_EVERY = 100  # steps


@dataclass(frozen=True)
class Schedule:
    """How long a run is and how fast it learns.

    Attributes:
        steps: of the whole run; the learning rate ends at a hundredth of its peak.
        peak_rate: the highest learning rate, reached after ``warm_up`` steps.
        held: the share of the run before the rate begins to fall along a cosine.
    """

    steps: int
    peak_rate: float
    warm_up: int = 300
    held: float = 0.0
    weight_decay: float = 0.01

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        falling = max(0.0, (step / self.steps - self.held) / (1 - self.held))
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, falling)))
        return self.peak_rate * min(1, (step + 1) / self.warm_up) * max(0.01, cosine)


class Average:
    """Exponential average of the parameters, its memory growing to 1,000 steps."""

    def __init__(self, module: nn.Module) -> None:
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        decay = min(0.999, (1 + step) / (10 + step))
        for name, parameter in module.named_parameters():
            self.values[name].lerp_(parameter, 1 - decay)


class Run:
    """Parameters, their average, the optimiser and the count of steps, kept in one file.

    Every step draws its random numbers from the seed and its own number, so a resumed run takes
    the steps that an unbroken one would have taken.
    """

    def __init__(
        self,
        module: nn.Module,
        schedule: Schedule,
        checkpoint: Path,
        seed: int = 0,
        notes: dict[str, Any] | None = None,
    ) -> None:
        self.module, self.schedule, self.checkpoint, self.seed = module, schedule, checkpoint, seed
        self.notes = notes or {}
        self.average = Average(module)
        self.optimizer = torch.optim.AdamW(
            [parameter for parameter in module.parameters() if parameter.requires_grad],
            lr=schedule.peak_rate,
            betas=(0.9, 0.99),
            weight_decay=schedule.weight_decay,
            fused=True,
        )
        self.step, self.spent = 0, 0.0
        if checkpoint.exists():
            self._resume()

    def advance(
        self,
        until: int | None,
        loss_of: Callable[[np.random.Generator], Tensor],
        note: Callable[[], str] = str,
    ) -> None:
        """Train and save.

        Args:
            until: the step at which to stop before the schedule's end.
            loss_of: the loss of one batch, a scalar; it draws the batch with the generator given,
                and torch's own random numbers are set for the step.
            note: what is printed after the losses.
        """
        last = self.schedule.steps if until is None else min(until, self.schedule.steps)
        began = saved = time.time()
        before, first, losses = self.spent, self.step, []
        while self.step < last:
            rng = np.random.default_rng((self.seed, self.step))
            torch.manual_seed(int(rng.integers(2**62)))
            for group in self.optimizer.param_groups:
                group["lr"] = self.schedule.rate(self.step)
            loss = loss_of(rng)
            loss.backward()
            nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
            self.optimizer.step()
            self.optimizer.zero_grad(set_to_none=True)
            self.step += 1
            self.average.update(self.module, self.step)
            self.spent = before + time.time() - began
            losses.append(loss.item())
            if self.step % PRINT_EVERY == 0:
                left = (time.time() - began) / (self.step - first) * (last - self.step)
                print(
                    f"{self.checkpoint.stem}: step {self.step} of {last}, about "
                    f"{left / 60:.0f} min left, loss {np.mean(losses):.4f}{note()}",
                    flush=True,
                )
                losses.clear()
            if time.time() - saved > SAVE_EVERY:
                self.save()
                saved = time.time()
        self.save()

    def save(self) -> None:
        """Whole or not at all."""
        state = self.notes | {
            "model": self.module.state_dict(),
            "average": self.average.values,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent": self.spent,
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.module.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.values = state["average"]
        self.step, self.spent = state["step"], state["spent"]
