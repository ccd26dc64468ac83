"""The nodes: one a file, schema on top, then a few lines that call the core or ``host``."""

from comfy_api.latest import io

from .apply_neuron_mask import ApplyNeuronMask
from .build_concept_mask import BuildConceptMask
from .compare_erasure import CompareErasure
from .create_erasure_hook import CreateErasureHook
from .demo_model import DemoModel
from .forget_lora import ForgetLora
from .fuse_masks import FuseMasks
from .inspect_mask import InspectMask
from .load_neuron_mask import LoadNeuronMask
from .profile_concept import ProfileConcept
from .save_erasure_lora import SaveErasureLora
from .save_neuron_mask import SaveNeuronMask
from .strength_strip import StrengthStrip

NODES: tuple[type[io.ComfyNode], ...] = (
    ProfileConcept,
    BuildConceptMask,
    FuseMasks,
    ApplyNeuronMask,
    SaveNeuronMask,
    LoadNeuronMask,
    InspectMask,
    DemoModel,
    CompareErasure,
    StrengthStrip,
    SaveErasureLora,
    CreateErasureHook,
    ForgetLora,
)
