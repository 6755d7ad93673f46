"""What `script/bench map-tiles` makes of its runs: ratios of pairs, their medians, and tables."""

from dataclasses import dataclass
from statistics import median
from typing import Any

FORMATS = ("png", "webp", "jpg")
LEAST_COLD = {"png": 2.0, "webp": 5.0, "jpg": 2.0}
LEAST_WARM = 10.0
MOST_OF_BARE = 1.3
Run = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """One turn of a format.

    Attributes:
        fmt: the format.
        load: of the machine when the turn began.
        runs: of "own", "theirs" (TiTiler on the UTM product) and "theirs_same" (on the file that we read),
            each the cold and the warm run.
    """

    fmt: str
    load: float
    runs: dict[str, list[Run]]

    def rate(self, who: str, warm: bool) -> float:
        """Map tiles a second."""
        run = self.runs[who][int(warm)]
        return len(run["milliseconds"]) / run["seconds"]

    def ratio(self, warm: bool, against: str = "theirs") -> float:
        """How many times as many map tiles a second we give."""
        return self.rate("own", warm) / self.rate(against, warm)

    def percentile(self, who: str, warm: bool, share: float) -> float:
        """Milliseconds that so large a share of the answers took at most."""
        return percentile(self.runs[who][int(warm)]["milliseconds"], share)


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def summary(pairs: list[Pair], alone: list[dict[str, list[float]]]) -> dict[str, Any]:
    """Give the three figures that are promised, and all that they come from."""
    formats = {fmt: of_format([pair for pair in pairs if pair.fmt == fmt]) for fmt in FORMATS}
    single = [
        {"own_p50": percentile(turn["own"], 0.5), "bare_p50": percentile(turn["bare"], 0.5)} for turn in alone
    ]
    return {
        "cold_ratio_to_titiler": round(min(each["cold"]["ratio"] for each in formats.values()), 2),
        "warm_ratio_to_titiler": round(min(each["warm"]["ratio"] for each in formats.values()), 2),
        "p50_ratio_to_bare_rio_tiler": round(
            median(turn["own_p50"] / turn["bare_p50"] for turn in single), 2
        ),
        "formats": formats,
        "one_client": [{name: round(value, 2) for name, value in turn.items()} for turn in single],
    }


def of_format(pairs: list[Pair]) -> dict[str, Any]:
    """Give medians over the pairs of one format, cold and warm."""
    told: dict[str, Any] = {"load": [round(pair.load, 2) for pair in pairs]}
    for warm, name in ((False, "cold"), (True, "warm")):
        ratios = [pair.ratio(warm) for pair in pairs]
        told[name] = {
            "ratio": round(median(ratios), 2),
            "ratios": [round(ratio, 2) for ratio in ratios],
            "ratio_same_files": round(median(pair.ratio(warm, "theirs_same") for pair in pairs), 2),
        }
        for who in ("own", "theirs", "theirs_same"):
            told[name][who] = {
                "per_second": round(median(pair.rate(who, warm) for pair in pairs), 1),
                "p50_ms": round(median(pair.percentile(who, warm, 0.5) for pair in pairs), 2),
                "p95_ms": round(median(pair.percentile(who, warm, 0.95) for pair in pairs), 2),
                "bytes": pairs[0].runs[who][int(warm)]["bytes"],
            }
    return told


def markdown(found: dict[str, Any]) -> str:
    """Write the tables, and whether each promise is held."""
    lines = []
    for against, title in (
        ("theirs", "TiTiler reads the UTM product, we read our copy"),
        ("theirs_same", "Both read our copy"),
    ):
        lines += ["", f"{title}; map tiles a second (p50 / p95 in ms)", ""]
        lines += ["| format | | Earthquilt | TiTiler | times as many |", "| --- | --- | --- | --- | --- |"]
        for fmt, told in found["formats"].items():
            for name in ("cold", "warm"):
                own, other = told[name]["own"], told[name][against]
                key = "ratio" if against == "theirs" else "ratio_same_files"
                cells = [
                    f"{one['per_second']:.0f} ({one['p50_ms']:.1f} / {one['p95_ms']:.1f})"
                    for one in (own, other)
                ]
                lines.append(f"| {fmt} | {name} | {cells[0]} | {cells[1]} | {told[name][key]:.1f} |")
    own = median(turn["own_p50"] for turn in found["one_client"])
    bare = median(turn["bare_p50"] for turn in found["one_client"])
    lines += ["", f"One client, WebP, cold: p50 {own:.2f} ms; bare rio-tiler on the same file {bare:.2f} ms."]
    lines += ["", *(f"- {'held' if is_held else 'NOT held'}: {text}" for text, is_held in promises(found))]
    return "\n".join(lines)


def promises(found: dict[str, Any]) -> list[tuple[str, bool]]:
    """Say of each promise whether the medians hold it."""
    told = []
    for fmt, each in found["formats"].items():
        cold, warm = each["cold"], each["warm"]
        told += [
            (
                f"{fmt} cold at least {LEAST_COLD[fmt]:g} times: {cold['ratio']}",
                cold["ratio"] >= LEAST_COLD[fmt],
            ),
            (f"{fmt} warm at least {LEAST_WARM:g} times: {warm['ratio']}", warm["ratio"] >= LEAST_WARM),
            (
                f"{fmt} our p95 below its p50: {cold['own']['p95_ms']} and {cold['theirs']['p50_ms']} ms",
                cold["own"]["p95_ms"] < cold["theirs"]["p50_ms"],
            ),
        ]
    ratio = found["p50_ratio_to_bare_rio_tiler"]
    told.append((f"one client at most {MOST_OF_BARE:g} times bare rio-tiler: {ratio}", ratio <= MOST_OF_BARE))
    return told
