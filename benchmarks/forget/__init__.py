"""Ways to forget, one function a method.

A method takes the model, its text encoder and the names of the concepts, and returns what the
sampler is to use:

    def speed(
        model: ModelPatcher,
        clip: CLIP,
        concepts: Sequence[str],
        *,
        retain_scale: Annotated[float, Field(gt=0)] = 1.0,
        …
    ) -> Erased:

It leaves ``model`` and ``clip`` as they are. A keyword argument is a setting of the suite's file,
but ``kept``: names of concepts that should stay, none of them to forget, where the suite says
``told = true``.

Types and defaults of the settings are written in the signature only, or in a group of settings that
several methods share (``settings.py``); pydantic holds a suite's values to them before anything is
drawn. ``benchmarks/methods.toml`` gives each method its title.

The modules are part of the extension: they import it by relative names and are imported under the
name that the host gave it.
"""
