"""The API against its own description (OpenAPI), by made-up requests of everybody.

No answer is a 5xx, all are as the description has them, and strangers are told nothing of another
organisation. The requests are made by Schemathesis from the description, of both kinds: as described, and
not. The suite makes a few, the same each time; `script/test --schema` makes many (`SCHEMA_EXAMPLES` for each
operation), others each time.
"""

import json
import os

import pytest
import schemathesis
from django.test.client import ClientHandler
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.webapp.one_of_each import MARKS, PEOPLE, PRIVATE, PUBLIC, STRANGERS, taken_back, world_in
from tests.webapp.products import WEST
from webapp.accounts.models import User
from webapp.keys import admission
from webapp.tileserver import addresses

pytestmark = pytest.mark.django_db

MANY = "SCHEMA_EXAMPLES" in os.environ
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "3"))
VIEWERS = ("nobody", *PEOPLE, "staff")
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(
        SchemaGenerator().get_schema(request=None, public=True)
    ).get_all_operations()
}
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock(), world_in(tmp_path_factory.mktemp("description")) as made:
        made.clients["staff"] = APIClient()
        made.clients["staff"].force_login(User.objects.create_superuser("zz-staff"))
        yield made


def known(world, path):
    """Values that lead somewhere, by the names of parameters and fields."""
    both = (world.private, world.public)
    part = path.removeprefix("/api/").split("/")[0]
    keys = [things.keys[part] for things in both if part in things.keys]
    return {
        "id": keys or None,
        "slug": [PRIVATE, PUBLIC],
        "campaign": [PRIVATE, PUBLIC],
        "campaigns": [[PRIVATE], [PUBLIC], []],
        "tile": [WEST],
        "tiles": [[WEST]],
        "number": [1, 2],
        "build": [things.words["build"] for things in both],
        "revision": [things.keys["revisions"] for things in both],
        "order": [things.keys["orders"] for things in both],
        "point": [things.words["point"] for things in both],
    }


def led_somewhere(data, values, found):
    """Some of the values of a request, with others that lead to things that there are."""
    if not isinstance(values, dict):
        return values
    led = dict(values)
    for name in values:
        # The first request of all is the simplest, whose answers are these: it leads somewhere.
        if found.get(name) and not data.draw(st.booleans()):
            led[name] = data.draw(st.sampled_from(found[name]))
    return led


def application(environ, start_response):
    """The web application as the tests' clients ask it, without the token against forged requests."""
    answer = ClientHandler(enforce_csrf_checks=False)(environ)
    start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
    return [answer.getvalue() if answer.streaming else answer.content]


def asked_for(case):
    """What a request says, to tell an echo from a leak."""
    parts = (case.formatted_path, case.query, case.body, case.headers)
    return json.dumps([str(part) for part in parts], ensure_ascii=False)


def modes_of(operation):
    """Requests that are not as described need something that can be wrong."""
    has_body = bool(list(operation.body))
    return MODES if has_body or operation.query or operation.path_parameters else MODES[:1]


@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_described(world, queues, label):
    operation = OPERATIONS[label]
    found = known(world, operation.path)
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes_of(operation)])

    @settings(
        max_examples=EXAMPLES, derandomize=not MANY, database=None, deadline=None,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def hold(data):
        case = data.draw(cases)
        case.path_parameters = led_somewhere(data, case.path_parameters, found)
        case.body = led_somewhere(data, case.body, found)
        assume(case.formatted_path.startswith("/api/"))
        for viewer in VIEWERS:
            addresses.forget_views()
            admission.forget()
            cookie = "; ".join(f"{one.key}={one.value}" for one in world.clients[viewer].cookies.values())
            with taken_back():
                answer = case.call(app=application, headers={"Cookie": cookie} if cookie else {})
            case.validate_response(answer, checks=CHECKS)
            if viewer in STRANGERS:
                leaked = [mark for mark in MARKS if mark in answer.text and mark not in asked_for(case)]
                assert not leaked, (viewer, case.formatted_path)

    hold()
