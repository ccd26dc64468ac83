"""The worlds: names, captions, what captions leave out, and the terms of the drawings."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from captions import caption
from drawings import SETS, Drawings, check_licence
from judge import NOTHING
from names import BENCHMARKED, NEIGHBOURS, PROBED, WORLD_A, WORLD_B, WORLDS
from render import Content, draw_contents, render
from text import CaptionEncoder
from train_judge import main_thing
from train_presence_judge import presence_renders
from vocabulary import IMAGENETTE, STYLES
from world import contents_of, drawn_world

NOTICE = Path(__file__).parents[2] / "NOTICE"


def test_there_are_a_hundred_names_and_more_in_groups_of_neighbours() -> None:
    assert len(WORLD_A) == sum(map(len, NEIGHBOURS.values())) >= 100
    assert min(map(len, NEIGHBOURS.values())) >= 3
    assert set(PROBED) <= set(WORLD_A)


def test_no_name_and_no_drawing_of_the_benchmark_is_in_it() -> None:
    assert not set(IMAGENETTE) & set(WORLD_A)
    assert not set(BENCHMARKED.values()) & set(WORLD_A.values())


def test_world_b_has_the_benchmarks_ten_and_names_of_world_a() -> None:
    assert tuple(BENCHMARKED) == IMAGENETTE
    assert set(WORLD_B) - set(WORLD_A) == set(IMAGENETTE)
    assert len(WORLD_B) == len(WORLD_A)
    assert set(PROBED) <= set(WORLD_B)


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_no_drawing_stands_for_two_names(world: dict[str, str]) -> None:
    assert len(set(world.values())) == len(world)


def test_a_thing_that_a_set_does_not_have_is_drawn_from_the_others(drawings: Path) -> None:
    for title in list(SETS)[1:]:
        assert not (drawings / title / "parachute.png").exists()
    drawn, rng = Drawings(drawings), np.random.default_rng(0)
    assert {drawn("parachute", rng).tobytes() for _ in range(20)} == {
        drawn("parachute", rng).tobytes()
    }
    assert len({drawn("cat", rng).tobytes() for _ in range(20)}) > 1
    with pytest.raises(ValueError, match=r"has none of 'unicorn'; run drawings\.py again"):
        drawn("unicorn", rng)


def test_a_third_of_the_pictures_show_a_thing_that_no_caption_names(drawings: Path) -> None:
    contents = contents_of(drawn_world("a", drawings), 2000, seed=1)
    few = [content for content in contents if len(content.objects) < 2]
    more = [content for content in few if content.unmentioned]
    assert 0.28 < len(more) / len(few) < 0.39
    assert all(content.unmentioned not in content.objects for content in more)
    bare = [content for content in more if not content.objects]
    rng = np.random.default_rng(0)
    assert bare and all(content.unmentioned not in caption(content, rng) for content in bare)


def test_what_is_not_mentioned_is_drawn(drawings: Path) -> None:
    world = drawn_world("a", drawings)

    def pixels(unmentioned: str, *objects: str) -> np.ndarray:
        content = Content("forest", objects, unmentioned=unmentioned)
        return np.asarray(render(content, np.random.default_rng(3), world=world)).astype(int)

    middle = (slice(60, 80), slice(56, 72))
    assert (pixels("cat") != pixels(""))[middle].any(axis=-1).all()
    changed = (pixels("cat", "dog") != pixels("", "dog")).any(axis=-1)
    assert changed[96, 4:36].all() or changed[96, -36:-4].all()


def test_a_judge_is_told_the_thing_in_the_middle() -> None:
    assert main_thing(Content("forest", ("dog",), unmentioned="cat")) == "dog"
    assert main_thing(Content("forest", unmentioned="cat")) == "cat"
    assert main_thing(Content("forest")) == NOTHING


def test_every_caption_has_known_tokens(drawings: Path) -> None:
    encoder, rng = CaptionEncoder(WORLD_A), np.random.default_rng(0)
    for content in contents_of(drawn_world("a", drawings), 500, seed=2):
        encoder.compact_tokens(caption(content, rng))
    with pytest.raises(KeyError):
        encoder.compact_tokens("a photo of a parachute")


def test_every_set_of_drawings_is_in_the_notice() -> None:
    lines = NOTICE.read_text(encoding="utf-8").splitlines()
    for chosen in SETS.values():
        assert any(
            all(part in line for part in (chosen.pictures, chosen.author, chosen.licence))
            for line in lines
        ), chosen


def test_a_set_under_other_terms_is_refused() -> None:
    chosen = SETS["fluent"]
    check_licence(chosen, {"license": {"spdx": "MIT"}})
    with pytest.raises(ValueError, match=r"its licence is CC-BY-SA-4\.0, not MIT"):
        check_licence(chosen, {"license": {"spdx": "CC-BY-SA-4.0"}})


def test_the_bundled_models_pictures_stay_as_they_were() -> None:
    """The seed's contents as they were drawn for the model in the repository."""
    drawn = draw_contents(300, np.random.default_rng(0))
    text = repr([(content.scene, content.objects, content.style) for content in drawn])
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "850303848018a7a5"


def test_half_of_the_presence_renders_show_something(drawings: Path) -> None:
    world = drawn_world("a", drawings)
    pictures, there, styles = presence_renders(world, 60, np.random.default_rng(0))
    assert len(pictures) == 60 and 20 < int(there.sum()) < 40
    assert int(styles.max()) <= len(STYLES)


def test_world_b_is_not_screened() -> None:
    start = Path(__file__).parents[2] / "natural_model" / "start.py"
    command = [sys.executable, str(start), "--world", "b", "screen"]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--world: screen is of world a alone" in refused.stderr
