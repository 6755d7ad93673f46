"""`script/audit`: the pinned packages held against the vulnerabilities that are known of them."""

import argparse
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from script.lib import own_environment
from script.lib.packages import last_line
from script.lib.places import LOCAL, ROOT
from script.lib.say import Trouble, say

TOOL = ROOT / "requirements-audit.txt"
VENV = LOCAL / "audit-venv"
SERVICE = "https://api.osv.dev/v1/query"
FOUND, UNKNOWN = 1, 3
SECONDS = 600


def lists() -> list[Path]:
    """The lists of pinned packages, this one's own included."""
    return sorted(ROOT.glob("requirements*.txt"))


def asked(tool: Path, path: Path, service: str) -> Any:
    """What the service knows of the packages of a list, as pip-audit tells it.

    Raises:
        Trouble: it cannot be asked, so that nothing is known.
    """
    line = [
        tool, "--requirement", path, "--no-deps", "--disable-pip", "--vulnerability-service", "osv",
        "--osv-url", service, "--format", "json", "--progress-spinner", "off",
    ]  # fmt: skip
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT, timeout=SECONDS)
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise unknown(path, f"{service} did not answer within {SECONDS} s") from error
    except ValueError as error:
        raise unknown(path, last_line(done.stderr) or f"{service} could not be asked") from error


def unknown(path: Path, reason: str) -> Trouble:
    """The sentence where there is no answer, which is not that nothing was found."""
    told = f"Whether the packages of {path.name} are vulnerable is not known: {reason}."
    return Trouble(told, status=UNKNOWN)


def findings(answer: Any) -> Iterator[str]:
    """A line for each vulnerability."""
    for package in answer["dependencies"]:
        if "skip_reason" in package:
            yield f"{package['name']}: was not looked at ({package['skip_reason']})"
        for one in package.get("vulns", []):
            names = ", ".join([one["id"], *one.get("aliases", [])])
            mended = (
                f"mended in {', '.join(one['fix_versions'])}" if one.get("fix_versions") else "not mended yet"
            )
            yield f"{package['name']} {package['version']}: {names}, {mended}"


def audit(tool: Path, paths: Sequence[Path], service: str) -> int:
    """Ask for each list and tell what was found; gives the status to end with."""
    number = 0
    for path in paths:
        answer = asked(tool, path, service)
        told = list(findings(answer))
        number += len(told)
        say(f"{path.name}: {len(answer['dependencies'])} packages, {len(told)} findings")
        for line in told:
            say(f"  {line}")
    return FOUND if number else 0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="script/audit",
        description="Hold the pinned packages against the vulnerabilities that OSV knows of.",
        epilog="Status 0: nothing is known of them. 1: something was found. 3: OSV could not be asked.",
    )
    parser.add_argument("--service", default=SERVICE, help="address of an OSV service (%(default)s)")
    chosen = parser.parse_args(arguments)
    own_environment.ensure(TOOL, VENV)
    return audit(VENV / "bin" / "pip-audit", lists(), chosen.service)
