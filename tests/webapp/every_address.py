"""Who may do what at every address; `test_every_address.py` holds the application against this.

Each line is `method(viewers, ...)`: the viewers who get `ok`, those not signed in `nobody`, all others `no`.
Viewers are written in words: `party` (the customer of the private campaign's order, and a colleague of the
organisation), `desk` (reviewer and operator), `people` (all who are signed in), `all`, or by name. `public`
are those of the public campaign, whose order is another customer's; without it they are the same. A key of
maps opens `/tiles/` and `/stac/` only; elsewhere who has one is nobody.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.webapp.one_of_each import KEYS, PEOPLE, VIEWERS

GROUPS = {
    "party": ("owner", "colleague"),
    "desk": ("reviewer", "operator"),
    "customers": ("owner", "colleague", "other"),
    "people": PEOPLE,
    "all": VIEWERS,
}


@dataclass(frozen=True)
class Row:
    """One method of one address.

    Attributes:
        method: in small letters.
        viewers: who get `ok` in the private campaign.
        public: who get it in the public one; "": as in the private one.
        ok, no, nobody: statuses.
        body: that is sent, as JSON below /api/ and /stac/, else as a form.
        besides, besides_private, besides_public: statuses of single viewers, in both or one of the campaigns.
    """

    method: str
    viewers: str
    public: str = ""
    ok: int = 200
    no: int = 404
    nobody: int = 404
    body: Any = None
    besides: dict[str, int] = field(default_factory=dict)
    besides_private: dict[str, int] = field(default_factory=dict)
    besides_public: dict[str, int] = field(default_factory=dict)

    def statuses(self, with_key: bool, public: bool = False) -> dict[str, int]:
        """What each viewer gets."""
        words = (self.public or self.viewers) if public else self.viewers
        may = {name for word in words.split() for name in GROUPS.get(word, (word,))}
        unknown = ("nobody",) if with_key else ("nobody", *KEYS)
        found = {
            name: self.ok if name in may else self.nobody if name in unknown else self.no for name in VIEWERS
        }
        return found | self.besides | (self.besides_public if public else self.besides_private)


get, post, put, patch, delete = (partial(Row, name) for name in ("get", "post", "put", "patch", "delete"))

# Of the API: 401 where nobody is signed in.
own = partial(get, nobody=401)
tell = partial(post, nobody=401, no=403)
# Of the pages: to the page on which one signs in.
page = partial(get, nobody=302)
form = partial(post, nobody=302, body={})
# Maps and STAC: a key opens what its owner may see, unless it is for other campaigns.
mapped = partial(get, "party desk own_key", public="all", besides={"key_elsewhere": 403})
stac = partial(get, "all")

TABLE: dict[str, list[Row]] = {
    # The API of campaigns.
    "api/campaigns/": [get("all"), tell("operator", ok=400, body={})],
    "api/campaigns/<slug>/": [
        get("party desk", public="all"),
        Row("patch", "operator", body={}, no=403, nobody=401),
    ],
    "api/campaigns/<slug>/editions/": [get("party desk", public="all"), tell("operator", ok=400)],
    "api/campaigns/<slug>/editions/<number>/packed/": [
        get("party desk", public="all"),
        post("party desk", public="people", ok=202, nobody=401, body={}),
    ],
    "api/campaigns/<slug>/editions/<number>/withdraw/": [tell("operator", ok=204, body={"words": "Wrong."})],
    "api/campaigns/<slug>/tiles/": [get("party desk", public="all")],
    "api/campaigns/<slug>/tiles/<tile>/": [get("party desk", public="all")],
    "api/campaigns/<slug>/tiles/<tile>/history/": [get("desk")],
    "api/campaigns/<slug>/tiles/<tile>/rebuild/": [tell("operator", ok=201)],
    "api/campaigns/<slug>/want/": [tell("operator", ok=400, body={})],
    "api/builds/": [get("all")],
    "api/builds/<pk>/": [get("party desk", public="other desk")],
    "api/revisions/": [get("all")],
    "api/revisions/<pk>/": [get("party desk", public="all")],
    "api/models/": [get("all")],
    # The API of orders.
    "api/orders/": [own("people"), tell("customers operator", ok=400, body={})],
    "api/orders/estimate/": [post("all", ok=400, body={})],
    "api/orders/quota/": [own("customers", no=204)],
    "api/orders/<pk>/": [own("party desk", public="other desk")],
    "api/orders/<pk>/tiles/": [own("party desk", public="other desk")],
    "api/orders/<pk>/cancel/": [
        tell(
            "party operator",
            public="other operator",
            ok=400,
            besides_private={"other": 404},
            besides_public={"owner": 404, "colleague": 404},
        ),
    ],
    "api/orders/<pk>/deliveries/": [
        own("party desk", public="other desk"),
        post(
            "party operator", public="other operator", ok=201, nobody=401, body={}, besides={"reviewer": 403}
        ),
    ],
    "api/orders/<pk>/deliveries/<number>/again/": [
        tell(
            "party operator",
            public="other operator",
            ok=400,
            besides_private={"other": 404},
            besides_public={"owner": 404, "colleague": 404},
        ),
    ],
    "api/areas/": [post("people", ok=400, nobody=401, body={})],
    "api/places/": [own("people", ok=400)],
    # The API of one's own: keys, webhooks, notices.
    "api/me/": [get("all")],
    "api/me/mail/": [own("people"), put("people", nobody=401, body={"kinds": []})],
    "api/keys/": [own("people"), post("people", ok=400, nobody=401, body={})],
    "api/keys/<pk>/": [
        own("owner", public="other"),
        patch("owner", public="other", nobody=401, body={}),
        delete("owner", public="other", ok=204, nobody=401),
    ],
    "api/keys/<pk>/use/": [own("owner", public="other")],
    "api/webhooks/": [own("people"), post("people", ok=400, nobody=401, body={})],
    "api/webhooks/<pk>/": [own("owner", public="other"), delete("owner", public="other", ok=204, nobody=401)],
    "api/webhooks/<pk>/secret/": [post("owner", public="other", nobody=401)],
    "api/webhooks/<pk>/test/": [post("owner", public="other", ok=201, nobody=401)],
    "api/notices/": [own("people")],
    "api/notices/<pk>/": [own("party desk", public="other desk")],
    "api/notices/<pk>/again/": [
        post(
            "owner operator",
            public="other operator",
            nobody=401,
            besides={"reviewer": 403},
            besides_private={"colleague": 403},
        ),
    ],
    # The API of the review desk.
    "api/reviews/": [get("desk"), tell("desk", ok=400, body={})],
    "api/reviews/<pk>/": [get("desk")],
    "api/reviews/<pk>/withdraw/": [tell("operator", ok=409)],
    "api/queue/": [get("desk")],
    "api/queue/next/": [tell("desk", body={})],
    "api/queue/<pk>/": [get("desk")],
    "api/queue/<pk>/take/": [tell("operator", body={}, besides={"reviewer": 409})],
    "api/queue/<pk>/renew/": [tell("desk", ok=409, body={})],
    "api/queue/<pk>/release/": [tell("desk")],
    "api/queue/<pk>/opinion/": [tell("desk", ok=400, body={})],
    "api/desk/<build>/": [get("desk")],
    "api/assessments/": [get("desk"), tell("operator", ok=400, body={})],
    "api/assessments/<pk>/": [get("desk")],
    "api/assessments/<pk>/points/": [tell("desk")],
    "api/assessments/<pk>/label/": [tell("desk", ok=400, body={})],
    "api/assessments/<pk>/result/": [get("desk")],
    # The API of itself.
    "api/schema/": [get("all")],
    "api/docs/": [get("all")],
    # For machines.
    "healthz": [get("all")],
    "metrics": [get("all")],
    "words/<language>/<digest>.js": [get("all")],
    # Pages.
    "": [get("all")],
    "orders/new/": [get("all")],
    "review/": [get("all")],
    "models/": [get("all")],
    "models/<name>/<sha256>.png": [get("all")],
    "accounts/login/": [get("people", ok=302, nobody=200), post("people", ok=302, nobody=200, body={})],
    "accounts/logout/": [post("all", ok=302)],
    "use/<slug>/<edition>/": [get("party desk", public="all")],
    "use/<slug>/<edition>/keys/": [form("party desk", public="people", ok=400)],
    "use/<slug>/<edition>/keys/<pk>/revoke/": [form("owner", public="other", ok=302)],
    "orders/": [page("people")],
    "orders/<pk>/": [
        page("party desk", public="other desk"),
        form("party desk", public="other desk", ok=400),
    ],
    "orders/<pk>/deliveries/<number>/again/": [
        form("party operator", public="other operator", ok=302, besides={"reviewer": 403}),
    ],
    "deliveries/<token>/all.zip": [get("all")],
    "deliveries/<token>/<name>": [get("all")],
    "notices/": [page("people"), form("people", ok=400)],
    "notices/mail/": [form("people", ok=302)],
    "notices/<pk>/again/": [form("owner operator", public="other operator", ok=302)],
    "notices/webhooks/<pk>/<what>/": [form("owner", public="other")],
    "operations/": [page("operator")],
    # The pages of the review desk.
    "review/<build>/": [page("desk")],
    "review/<build>/pixel/": [page("desk")],
    "review/<build>/map/<layer>/<z>/<x>/<y>.webp": [page("desk")],
    "review/<build>/scenes/<scene>/<layer>/<z>/<x>/<y>.webp": [page("desk")],
    "review/accuracy/": [page("desk")],
    "review/accuracy/<key>/": [page("desk")],
    "review/accuracy/<key>/label/": [page("desk")],
    "review/accuracy/<key>/result.csv": [page("desk")],
    "review/history/<slug>/<tile>/": [page("desk")],
    "review/progress/": [page("desk", ok=302)],
    "review/progress/<slug>/": [page("desk")],
    "review/progress/<slug>/editions/": [page("desk")],
    "review/progress/<slug>/editions/<before>-<after>/count/": [post("desk", ok=302, body={})],
    "review/progress/<slug>/editions/<before>-<after>/<layer>/<z>/<x>/<y>.webp": [page("desk")],
    "review/progress/<slug>/reviews.csv": [page("desk")],
    "review/progress/<slug>/reviews.geojson": [page("desk")],
    "review/<slug>/<tile>/history/": [get("desk")],
    "review/<slug>/<tile>/scene-list/": [get("desk")],
    "review/<slug>/<tile>/builds/<number>/scene_list.png": [get("desk")],
    # Maps for other programs.
    "stac/": [stac()],
    "stac/conformance": [stac()],
    "stac/collections": [stac()],
    "stac/search": [stac(), Row("post", "all", body={})],
    "stac/collections/<name>": [mapped()],
    "stac/collections/<name>/items": [mapped()],
    "stac/collections/<name>/items/<key>": [mapped()],
    "tiles/<campaign>/<edition>/<layer>/<z>/<x>/<name>": [mapped()],
    "tiles/<campaign>/<edition>/<layer>/tilejson.json": [mapped()],
    "tiles/<campaign>/<edition>/<layer>.<kind>": [mapped()],
    "tiles/<campaign>/<edition>/point": [mapped()],
    "tiles/<campaign>/<edition>/products/<tile>/<name>": [mapped()],
    "tiles/<campaign>/<edition>/wmts/": [mapped()],
    "tiles/<campaign>/<edition>/wmts/1.0.0/WMTSCapabilities.xml": [mapped()],
    "tiles/<campaign>/<edition>/ogc/": [mapped()],
    "tiles/<campaign>/<edition>/ogc/conformance": [mapped()],
    "tiles/<campaign>/<edition>/ogc/collections": [mapped()],
    "tiles/<campaign>/<edition>/ogc/collections/<layer>": [mapped()],
    "tiles/<campaign>/<edition>/ogc/collections/<layer>/map/tiles": [mapped()],
    "tiles/<campaign>/<edition>/ogc/collections/<layer>/map/tiles/<matrix_set>": [mapped()],
    "tiles/<campaign>/<edition>/ogc/collections/<layer>/map/tiles/<matrix_set>/<z>/<row>/<name>": [mapped()],
    "tiles/<campaign>/<edition>/ogc/tileMatrixSets": [mapped()],
    "tiles/<campaign>/<edition>/ogc/tileMatrixSets/<matrix_set>": [mapped()],
}
