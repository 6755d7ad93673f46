"""Which places a network was trained on, which serve for choices, and which are kept for tests."""

from collections.abc import Mapping, Sequence

from pipeline.errors import UsageError
from pipeline.training.config import PLACES, Config, parse_seeds

LAST_TRAINING_SEED = 7999
VALIDATION_SEEDS = range(8000, 9000)
"""Of which 8000 to 8099 serve for temperatures and early stop."""

KEPT_FOR_TESTS = (
    "33TWM north of northing 5,110,000",
    "29RKH (the desert scene)",
    "simulator seeds 9000-9999",
)
ALPINE = ("33TWL", "33TWM south of northing 5,110,000")
PLACES_OF = {"alpine": ALPINE, "alpine-previews": ALPINE[:1], "alpine-haze": ALPINE[:1]}
"""Places of the data sets that do not tell them themselves (`places`)."""


def check_seeds(config: Config) -> None:
    """Refuse seeds of another split.

    Raises:
        UsageError: training seeds beyond 1 to 7999, or validation seeds beyond 8000 to 8999.
    """
    seeds = parse_seeds(config.seeds)
    if seeds[0] < 1 or seeds[-1] > LAST_TRAINING_SEED:
        raise UsageError(
            f"Seeds {config.seeds} cannot be trained on: only 1 to {LAST_TRAINING_SEED}.", "seeds"
        )
    if config.validation in ("", PLACES):
        return
    validation_seeds(config.validation, "validation")


def validation_seeds(text: str, argument: str = "seeds") -> list[int]:
    """Return the seeds of "8000-8039".

    Args:
        text: the seeds.
        argument: what they were given as.

    Raises:
        UsageError: one of them is not for validation.
    """
    seeds = parse_seeds(text)
    if seeds[0] not in VALIDATION_SEEDS or seeds[-1] not in VALIDATION_SEEDS:
        raise UsageError(
            f"Seeds {text} are not for validation: only {VALIDATION_SEEDS[0]} to {VALIDATION_SEEDS[-1]}.",
            argument,
        )
    return seeds


def places_of(config: Config, sources: Mapping[str, object]) -> dict[str, list[str]]:
    """Return the split for the card: "train", "validation" and "test" to the names of places.

    Args:
        config: the training run.
        sources: its data sets; one that has `places`, with names under `train`, `validation` and `test`,
            tells them itself.

    Raises:
        UsageError: a place would be in two splits.
    """
    split: dict[str, list[str]] = {"train": [], "validation": [], "test": list(KEPT_FOR_TESTS)}
    if config.validation not in ("", PLACES):
        split["validation"].append(f"simulator seeds {config.validation}")
    for name, source in sources.items():
        told = getattr(source, "places", None)
        if told is None:
            seeds = [f"simulator seeds {config.seeds}"]
            split["train"] += seeds if name.startswith("simulated") else PLACES_OF.get(name, ())
            continue
        for part, places in split.items():
            places += getattr(told, part)
    return _one_split_each(split)


def with_earlier(
    split: Mapping[str, Sequence[str]], earlier: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the split together with that of the weights that training starts from.

    Raises:
        UsageError: a place would be in two splits.
    """
    return _one_split_each({part: [*earlier.get(part, ()), *places] for part, places in split.items()})


def _one_split_each(split: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Each place once in its split.

    Raises:
        UsageError: one is in two.
    """
    single = {part: list(dict.fromkeys(places)) for part, places in split.items()}
    for place in single["train"]:
        if place in single["test"] or place in single["validation"]:
            raise UsageError(f"The place {place} is trained on and kept for tests or validation.", "sources")
    return single
