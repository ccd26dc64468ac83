"""Which model a profile or a mask belongs to."""

from dataclasses import asdict, dataclass
from typing import Any

from .files.safetensors_file import fields

SHORT_FINGERPRINT = 8  # digits


@dataclass(frozen=True)
class ModelIdentity:
    """Architecture and fingerprint of a model; a mask touches only a model that agrees.

    Args:
        architecture: the model's family as people know it, such as "SD15".
        fingerprint: a text that differs where the model differs.

    Raises:
        ValueError: one of them is no text, or empty.
    """

    architecture: str
    fingerprint: str

    def __post_init__(self) -> None:
        for name, value in (("architecture", self.architecture), ("fingerprint", self.fingerprint)):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name}: is {value!r}; give a text that is not empty.")

    def record(self) -> dict[str, str]:
        """The identity as a JSON object, for a file."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Any) -> "ModelIdentity":
        """The identity of a file's JSON object. Raises ValueError where it is not one."""
        return cls(**fields("model", record, {"architecture": str, "fingerprint": str}))

    @property
    def short_fingerprint(self) -> str:
        """The first digits of the fingerprint, enough to tell models apart."""
        return self.fingerprint[:SHORT_FINGERPRINT]

    def __str__(self) -> str:
        return f"{self.architecture}, fingerprint {self.short_fingerprint}"

    def require_same_model(self, other: "ModelIdentity", what: str) -> None:
        """Raise ValueError that names both models, unless they are the same.

        Args:
            other: the model of another mask or profile.
            what: that mask or profile, for the error.
        """
        if self == other:
            return
        words = f"{what}: is made for the model {other}, the others for {self}; "
        if self.architecture == other.architecture:
            words += "these are other weights of one architecture, such as another checkpoint or a "
            words += "LoRA in one branch only; "
        raise ValueError(words + "use profiles and masks of one model.")
