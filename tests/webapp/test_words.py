"""Every sentence that people see is marked for translation, and what is marked can be translated."""

import ast
import re
from html.parser import HTMLParser

import pytest
from django.utils import translation

from pipeline.area_files import read_area_file
from pipeline.errors import UsageError
from pipeline.settings import CampaignSettings
from pipeline.words import counted, from_json, sentence, to_json
from script.lib import packages
from script.lib.places import ROOT
from tests import pseudo
from webapp.told import told

LATER: tuple[str, ...] = ()
TEMPLATES = [path for path in sorted((ROOT / "templates").rglob("*.html")) if path.parent.name not in LATER]
MARKED = re.compile(r"\{% blocktranslate\b.*?%\}.*?\{% endblocktranslate %\}", re.DOTALL)
CLASSES = re.compile(r"\{% block body_class %\}.*?\{% endblock %\}")
TAGS = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", re.DOTALL)
ATTRIBUTES = ("title", "aria-label", "placeholder", "alt")
UNREAD = ("script", "style", "code", "pre", "kbd")
# Names of products, formats and standards, which are the same in all languages.
NAMES = re.compile(r"https://\S+|\b(Earthquilt|SHA-256|UTC|WMTS|OGC API - Tiles|GeoJSON|CSV|EPSG|km²?|ha)\b")


class Reader(HTMLParser):
    """Texts and attributes that people read."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "img", "input", "br", "option", "circle", "path", "rect"):
            self.inside.append(tag)
        self.found += [value for name, value in attributes if name in ATTRIBUTES and value]

    def handle_endtag(self, tag):
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass

    def handle_data(self, data):
        if not set(self.inside) & set(UNREAD):
            self.found.append(data)


def unmarked(source):
    reader = Reader()
    reader.feed(TAGS.sub("", MARKED.sub("", CLASSES.sub("", source))))
    return [text.strip() for text in reader.found if re.search(r"[A-Za-z]{2}", NAMES.sub("", text))]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_have_no_text_that_is_not_marked(path):
    assert unmarked(path.read_text(encoding="utf-8")) == []


def test_a_text_that_is_not_marked_is_found():
    source = '<p title="Look">{% translate "Good" %} {{ name }}</p><code>ls</code><b>Earthquilt</b><i>Bad</i>'
    assert unmarked(source) == ["Look", "Bad"]


REFUSALS = {"UsageError", "Refused", "NothingNew", "ValidationError", "Throttled"}
# Addresses of machines and commands answer in English.
ENGLISH = ("tileserver", "stac", "management", "migrations", *LATER)


def plain_refusals(source):
    """Lines in which a refusal is made of a bare text."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
            values = [*call.args, *(item.value for item in call.keywords)]
            if name in REFUSALS and any(map(is_bare, values)):
                yield call.lineno


def is_bare(node):
    if isinstance(node, ast.Dict):
        return any(map(is_bare, node.values))
    text = isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value
    return text or isinstance(node, ast.JoinedStr)


PYTHON = [
    path
    for path in sorted((ROOT / "webapp").rglob("*.py"))
    if not set(path.relative_to(ROOT / "webapp").parts) & set(ENGLISH)
]


def test_refusals_of_the_application_are_marked():
    found = {str(path.relative_to(ROOT)): list(plain_refusals(path.read_text())) for path in PYTHON}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_a_refusal_that_is_not_marked_is_found():
    assert list(
        plain_refusals(
            'raise UsageError(f"No {x}.")\n'
            'raise Refused(gettext("No %(x)s.") % {"x": x})\n'
            'raise ValidationError({"x": "No x."})'
        )
    ) == [1, 3]


@pytest.fixture(scope="module")
def locale(tmp_path_factory):
    if not packages.has_gettext():
        pytest.skip("GNU gettext is not installed (`script/test` tries to).")
    folder = tmp_path_factory.mktemp("locale")
    return folder, pseudo.make(folder)


def test_sentences_are_collected_without_a_warning(locale):
    assert "warning" not in locale[1].lower()
    assert "error" not in locale[1].lower()


def test_sentences_of_all_kinds_are_collected(locale):
    folder = locale[0] / pseudo.FOLDER / "LC_MESSAGES"
    server, browser = ((folder / f"{domain}.po").read_text() for domain in ("django", "djangojs"))
    assert 'msgid "There is nothing here"' in server, "a template"
    assert 'msgid_plural "%(count)d scenes"' in server, "a plural"
    assert 'msgid "leave a scene out"' in server, "a choice"
    assert 'msgid "Latitude came before longitude; they were swapped."' in server, "the pipeline"
    assert 'msgid "%(count)s rings were not closed and closed."' not in server
    assert 'msgid_plural "%(count)s rings were not closed and closed."' in server, "a plural of the pipeline"
    assert 'msgid "All real previews that it saw are of one alpine tile in August 2023."' in server, "a card"
    assert 'msgid "waiting for its neighbours"' in browser, "a script"
    assert 'msgid_plural "%(count)s tiles under way."' in browser, "a plural of a script"


def test_the_language_of_tests_accents_letters_and_keeps_placeholders():
    assert pseudo.accented("Tile %(name)s of <b>ours</b>").startswith("Ţíļé %(name)s óƒ <b>óúŕš</b> ")
    assert len(pseudo.accented("x" * 100)) == 130


@pytest.fixture
def speaking(locale, settings):
    settings.LANGUAGES = [("en", "English"), (pseudo.CODE, "Accented")]
    settings.LOCALE_PATHS = [locale[0]]
    with translation.override(pseudo.CODE):
        yield


def test_the_pipelines_sentences_are_told_in_the_readers_language(speaking):
    with pytest.raises(UsageError) as refused:
        CampaignSettings.from_json({"start": "2023-08-01", "end": "2023-08-31", "max_cloud": 101})
    assert str(refused.value) == "max_cloud must be a number from 0 to 100 percent, not 101."
    assert told(refused.value).startswith("max_cloud ṁúšţ ƀé á ńúṁƀéŕ ƒŕóṁ 0 ţó 100 þéŕçéńţ")
    area = b'{"type": "Polygon", "coordinates": [[[15, 46], [16, 46], [16, 47], [15, 46.5]]]}'
    (repair,) = read_area_file(area).repairs
    assert repair == "1 ring was not closed and closed."
    assert told(repair).startswith("1 ŕíńĝ ŵáš ńóţ çļóšéð áńð çļóšéð.")


def test_a_sentence_keeps_what_it_is_made_of_across_processes():
    rings = counted("%(count)s ring", "%(count)s rings", 2)
    for words in (sentence("No %(name)s.", name="ship"), rings, "as it stands"):
        again = from_json(to_json(words))
        assert (again, type(again)) == (words, type(words))
    assert from_json(to_json(rings)).plural == "%(count)s rings"


def test_an_answer_of_the_api_speaks_the_readers_language(client, db, locale, settings):
    settings.LANGUAGES = [("en", "English"), (pseudo.CODE, "Accented")]
    settings.LOCALE_PATHS = [locale[0]]
    answer = client.get("/api/nothing/", headers={"accept-language": pseudo.CODE})
    assert answer.json()["error"]["code"] == "not_found"
    assert answer.json()["error"]["message"].startswith("Ţĥéŕé íš ńóţĥíńĝ áţ /api/nothing/.")
