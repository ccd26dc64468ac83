"""The worlds: A has 120 things with neighbours, none of which the benchmarks know; B has the
benchmarks' ten among 120.

Names lead to the emoji's Unicode name, under which the sets of drawings have it.
"""

NEIGHBOURS: dict[str, dict[str, str]] = {
    "faces": {
        "dog": "dog-face",
        "poodle": "poodle",
        "wolf": "wolf",
        "fox": "fox",
        "cat": "cat-face",
        "lion": "lion",
        "tiger": "tiger-face",
        "bear": "bear",
        "panda": "panda",
        "koala": "koala",
        "rabbit": "rabbit-face",
        "mouse": "mouse-face",
        "hamster": "hamster",
        "monkey": "monkey-face",
        "pig": "pig-face",
        "cow": "cow-face",
        "horse": "horse-face",
        "frog": "frog",
    },
    "beasts": {
        "elephant": "elephant",
        "camel": "two-hump-camel",
        "sheep": "ewe",
        "snake": "snake",
        "turtle": "turtle",
        "crocodile": "crocodile",
    },
    "sea": {
        "whale": "spouting-whale",
        "dolphin": "dolphin",
        "octopus": "octopus",
        "crab": "crab",
        "shrimp": "shrimp",
        "tropical fish": "tropical-fish",
        "shark": "shark",
    },
    "crawlers": {
        "snail": "snail",
        "bee": "honeybee",
        "ladybug": "lady-beetle",
        "butterfly": "butterfly",
        "spider": "spider",
        "scorpion": "scorpion",
    },
    "birds": {
        "duck": "duck",
        "owl": "owl",
        "eagle": "eagle",
        "rooster": "rooster",
        "penguin": "penguin",
        "turkey": "turkey",
    },
    "vehicles": {
        "car": "automobile",
        "taxi": "taxi",
        "bus": "bus",
        "police car": "police-car",
        "fire engine": "fire-engine",
        "ambulance": "ambulance",
        "truck": "delivery-truck",
        "tractor": "tractor",
        "bicycle": "bicycle",
        "scooter": "motor-scooter",
        "motorcycle": "motorcycle",
        "train": "locomotive",
        "tram": "tram-car",
    },
    "air and water": {
        "airplane": "airplane",
        "helicopter": "helicopter",
        "rocket": "rocket",
        "sailboat": "sailboat",
        "ship": "ship",
        "canoe": "canoe",
    },
    "fruits": {
        "apple": "red-apple",
        "pear": "pear",
        "orange": "tangerine",
        "lemon": "lemon",
        "banana": "banana",
        "watermelon": "watermelon",
        "grape": "grapes",
        "strawberry": "strawberry",
        "cherry": "cherries",
        "peach": "peach",
        "pineapple": "pineapple",
        "tomato": "tomato",
        "avocado": "avocado",
    },
    "vegetables": {
        "carrot": "carrot",
        "corn": "ear-of-corn",
        "mushroom": "mushroom",
        "pepper": "hot-pepper",
        "eggplant": "eggplant",
    },
    "buildings": {
        "house": "house",
        "castle": "castle",
        "hospital": "hospital",
        "school": "school",
        "factory": "factory",
        "bank": "bank",
        "mosque": "mosque",
        "tent": "tent",
    },
    "plants": {
        "cactus": "cactus",
        "sunflower": "sunflower",
        "rose": "rose",
        "tulip": "tulip",
        "palm tree": "palm-tree",
    },
    "music": {
        "guitar": "guitar",
        "violin": "violin",
        "trumpet": "trumpet",
        "saxophone": "saxophone",
        "drum": "drum",
    },
    "balls": {
        "football": "soccer-ball",
        "basketball": "basketball",
        "baseball": "baseball",
    },
    "things": {
        "clock": "alarm-clock",
        "umbrella": "umbrella",
        "camera": "camera",
        "television": "television",
        "radio": "radio",
        "telephone": "telephone",
        "hammer": "hammer",
        "wrench": "wrench",
        "scissors": "scissors",
        "key": "key",
        "bell": "bell",
        "lamp": "light-bulb",
    },
    "wear and food": {
        "hat": "top-hat",
        "shoe": "running-shoe",
        "backpack": "backpack",
        "cake": "birthday-cake",
        "hamburger": "hamburger",
        "hot dog": "hot-dog",
        "donut": "doughnut",
    },
}
"""Group → name → the emoji's Unicode name."""

WORLD_A: dict[str, str] = {
    name: emoji for group in NEIGHBOURS.values() for name, emoji in group.items()
}

BENCHMARKED: dict[str, str] = {
    "church": "church",
    "gas pump": "fuel-pump",
    "parachute": "parachute",
    "garbage truck": "articulated-lorry",
    "french horn": "postal-horn",
    "english springer": "dog",
    "tench": "fish",
    "golf ball": "flag-in-hole",
    "cassette player": "videocassette",
    "chain saw": "carpentry-saw",
}
"""The benchmarks' ten, with the emoji that stand for them in the bundled model, too."""

LEFT_OUT = (
    *("bell", "lamp", "shoe", "backpack", "hot dog"),
    *("donut", "scissors", "avocado", "eggplant", "scorpion"),
)
"""Names of world A that world B does not have; the ten take their place."""

WORLD_B: dict[str, str] = BENCHMARKED | {
    name: emoji for name, emoji in WORLD_A.items() if name not in LEFT_OUT
}

WORLDS = {"a": WORLD_A, "b": WORLD_B}

SOMETHING = "something"
"""The only object that the judge of presence knows."""

PROBED = ("cat", "tiger", "owl", "bicycle", "banana", "castle", "guitar", "umbrella")
"""The objects that the probe looks at."""
