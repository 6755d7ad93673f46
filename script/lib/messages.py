"""`script/messages`: collect the sentences to translate from the source, and compile translations."""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from script.lib import packages
from script.lib.places import PYTHON, ROOT
from script.lib.say import Trouble, say

LOCALE = ROOT / "locale"
DOMAINS = {"django": "html,txt,py", "djangojs": "js"}
"""Message files and the kinds of source they come from: pages and API; scripts in the browser."""

SOURCES = ("webapp", "pipeline", "templates", "static/earthquilt")
KINDS = (".py", ".html", ".txt", ".js")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="script/messages", description=__doc__)
    parser.add_argument(
        "languages", nargs="*", metavar="CODE", help="such as de or pt_BR: begun or brought up to date"
    )
    parser.add_argument(
        "--all", action="store_true", help="bring all languages up to date that have a folder"
    )
    parser.add_argument("--compile", action="store_true", help="make the .mo files that the server reads")
    asked = parser.parse_args(arguments)
    if not packages.has_gettext():
        packages.install(["gettext"])
    languages = asked.languages or (there() if asked.all else [])
    if not languages and not asked.compile:
        parser.error("name a language, or ask for --all or --compile")
    if languages:
        extract(languages, LOCALE)
        say(f"Written: {', '.join(f'locale/{language}/LC_MESSAGES/' for language in languages)}")
    if asked.compile:
        for language in there():
            compile_language(LOCALE / language)
    return 0


def there() -> list[str]:
    return sorted(folder.parent.name for folder in LOCALE.glob("*/LC_MESSAGES"))


def extract(languages: list[str], locale: Path, source: Path = ROOT) -> str:
    """Write or bring up to date the message files of some languages.

    Works on a copy of the sources, since Django's command writes beside them.

    Returns:
        What the tools said.

    Raises:
        Trouble: the tools failed.
    """
    said = []
    with tempfile.TemporaryDirectory(prefix="earthquilt-messages-") as scratch:
        copy = Path(scratch)
        for path in files(source):
            (copy / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / path.relative_to(source))
        if locale.exists():
            shutil.copytree(locale, copy / "locale", dirs_exist_ok=True)
        (copy / "locale").mkdir(exist_ok=True)
        (copy / "webapp" / "cards_of_networks.py").write_text(cards(source), encoding="utf-8")
        for domain, kinds in DOMAINS.items():
            wanted = [f"--locale={language}" for language in languages]
            said.append(
                run(
                    [
                        PYTHON,
                        "manage.py",
                        "makemessages",
                        f"--domain={domain}",
                        f"--extension={kinds}",
                        "--no-wrap",
                        *wanted,
                    ],
                    copy,
                )
            )
        for language in languages:
            shutil.copytree(copy / "locale" / language, locale / language, dirs_exist_ok=True)
    return "".join(said)


def files(source: Path) -> list[Path]:
    """The sources that may have sentences."""
    found = [source / "manage.py"]
    for folder in SOURCES:
        found += [
            path for path in sorted((source / folder).rglob("*")) if path.suffix in KINDS and path.is_file()
        ]
    return found


def cards(source: Path) -> str:
    """The sentences on the cards of the networks that ship, as marked source."""
    words: set[str] = set()
    for path in sorted((source / "pipeline" / "networks" / "weights").glob("*.json")):
        card = json.loads(path.read_text(encoding="utf-8"))
        words |= {
            text for name in ("weaknesses", "trained_on", "classes", "bands") for text in card.get(name, ())
        }
        words |= {name for figures in card.get("figures", {}).values() for name in figures.get("classes", {})}
        words |= {
            card.get("made_from") or "",
            *(place for places in card.get("places", {}).values() for place in places),
        }
    return (
        "\n".join(f"gettext_noop({json.dumps(one, ensure_ascii=False)})" for one in sorted(words - {""}))
        + "\n"
    )


def compile_language(folder: Path) -> None:
    """Make the `.mo` files of one language, which must be complete in form: placeholders as in the source.

    Raises:
        Trouble: a file is not well-formed.
    """
    for domain in DOMAINS:
        path = folder / "LC_MESSAGES" / f"{domain}.po"
        run(["msgfmt", "--check", "-o", path.with_suffix(".mo"), path], folder)


def run(command: list[str | Path], folder: Path) -> str:
    environment = dict(os.environ) | {"SECRET_KEY": "made-up-for-this-step"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble((done.stderr or done.stdout).strip())
    return done.stdout + done.stderr
