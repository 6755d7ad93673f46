from types import SimpleNamespace

import pytest

from pipeline.errors import UsageError
from pipeline.training.config import CONFIGS, default_config, parse_seeds, read_config
from pipeline.training.splits import check_seeds, places_of, with_earlier


@pytest.mark.parametrize(
    "path", sorted(CONFIGS.rglob("*.toml")), ids=lambda path: str(path.relative_to(CONFIGS))
)
def test_shipped_configurations_fit_themselves(path):
    config = read_config(path)
    assert config.name == path.stem
    assert len(config.class_weights) == len(config.classes)
    assert config.card().band_indices
    check_seeds(config)


@pytest.fixture
def changed(tmp_path):
    """Write the cloud network's configuration with other lines in it; returns its path."""

    def write(before, after):
        path = tmp_path / "odd.toml"
        text = default_config("cloud").read_text()
        assert before in text
        path.write_text(text.replace(before, after))
        return path

    return write


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("steps =", "stepps =", "stepps"),
        ("steps = 12000", "steps = 0", "at least 1"),
        ("class_weights = [1.0, 1.0, 1.2]", "class_weights = [1.0]", "1 class weights for 3 classes"),
        ("batch =", 'precision = "int8"\nbatch =', "'int8' is none of"),
        ("batch =", "patience = 3\nbatch =", "needs validation places"),
        ("seed = 11\n", "seed = 11\nname = 3\n", "cannot be read"),
    ],
)
def test_what_a_configuration_cannot_have_is_told(changed, before, after, told):
    with pytest.raises(UsageError, match=told):
        read_config(changed(before, after))


def test_runs_of_other_settings_have_another_fingerprint(changed):
    shipped = read_config(default_config("cloud")).fingerprint()
    assert read_config(changed("seed = 11", "seed = 12")).fingerprint() != shipped
    assert read_config(changed("Simulated scenes of", "Scenes of")).fingerprint() == shipped


@pytest.mark.parametrize(("text", "seeds"), [("3", [3]), ("5-7", [5, 6, 7]), ("9,2-3", [2, 3, 9])])
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "7-5", "1-2-3"])
def test_odd_seeds_are_refused(text):
    with pytest.raises(UsageError):
        parse_seeds(text)


@pytest.mark.parametrize("seeds", ["7999", "7990-8000", "9000"])
def test_validation_seeds_are_neither_trained_on_nor_kept_for_tests(changed, seeds):
    config = read_config(changed("seed = 11", f'seed = 11\nvalidation = "{seeds}"'))
    with pytest.raises(UsageError, match="8000 to 8999"):
        check_seeds(config)


class Own:
    """A data set that tells its places itself."""

    def __init__(self, train=(), validation=(), test=()):
        self.places = SimpleNamespace(train=train, validation=validation, test=test)


def test_the_split_names_the_places_of_each_data_set(changed):
    config = read_config(changed("seed = 11", 'seed = 11\nvalidation = "8000-8003"'))
    own = Own(("Vienna", "Graz"), test=("Linz",))
    split = places_of(config, {"simulated": object(), "alpine": object(), "own": own})
    assert split["train"] == [
        "simulator seeds 1-300", "33TWL", "33TWM south of northing 5,110,000", "Vienna", "Graz"
    ]  # fmt: skip
    assert split["validation"] == ["simulator seeds 8000-8003"]
    assert {"33TWM north of northing 5,110,000", "Linz"} <= set(split["test"])


def test_the_places_of_earlier_weights_are_kept():
    now = {"train": ["a"], "validation": [], "test": ["z"]}
    assert with_earlier(now, {"train": ["b", "a"], "test": ["z"]}) == {
        "train": ["b", "a"],
        "validation": [],
        "test": ["z"],
    }
    with pytest.raises(UsageError, match="z is trained on"):
        with_earlier(now, {"train": ["z"]})


def test_a_place_is_in_one_split_only(changed):
    sets = {"one": Own(("Vienna", "Graz")), "two": Own(("Linz",), test=("Graz",))}
    with pytest.raises(UsageError, match="Graz"):
        places_of(read_config(default_config("cloud")), sets)
