import io
import zipfile

import numpy as np
import pytest
from django.core import signing
from django.core.management import call_command
from django.utils import timezone
from shapely.geometry import box, mapping

from tests.webapp.products import EAST, WEST, make_revision, write
from webapp.campaigns.advance import sweep
from webapp.campaigns.models import CampaignTile, Revision
from webapp.orders.aoi import read_aoi
from webapp.orders.downloads import SALT, address_of
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery
from webapp.orders.services import Area, place
from webapp.review import sample

pytestmark = pytest.mark.django_db

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))


@pytest.fixture
def order(alps, customer):
    Revision.objects.update(review_status="approved")
    return place(customer, alps, Area.of_outline(read_aoi(AOI)))


def ask(client, order, **options):
    return client.post(f"/api/orders/{order.pk}/deliveries/", options)


def made(client, order, **options):
    assert ask(client, order, **options).status_code == 201
    delivery = order.deliveries.first()
    run_delivery(delivery.pk)
    delivery.refresh_from_db()
    return delivery


def body(answer):
    return b"".join(answer.streaming_content)


def test_a_customer_asks_for_files_and_downloads_them(as_, order, customer):
    delivery = made(as_(customer), order, layers=["mosaic", "landcover", "vectors", "provenance"])
    assert delivery.status == "ready", delivery.error
    told = as_(customer).get(f"/api/orders/{order.pk}/deliveries/").json()[0]
    names = {file["name"] for file in told["files"]}
    assert {"area.mosaic.tif", "area.landcover.gpkg", "LICENCE.txt", "collection.json", "scenes.csv"} <= names
    file = next(one for one in told["files"] if one["name"] == "area.mosaic.tif")
    answer = as_().get(file["url"])
    content = body(answer)
    assert answer.status_code == 200 and len(content) == file["bytes"]
    assert content == (delivery.path / "area.mosaic.tif").read_bytes()


def test_a_download_goes_on_where_it_broke_off(as_, order, customer):
    delivery = made(as_(customer), order)
    address = address_of(delivery, "area.mosaic.tif")
    whole = (delivery.path / "area.mosaic.tif").read_bytes()
    first = as_().get(address, headers={"Range": "bytes=0-99"})
    rest = as_().get(address, headers={"Range": "bytes=100-", "If-Range": first["ETag"]})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert body(first) + body(rest) == whole
    assert rest["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert as_().get(address, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert as_().get(address, headers={"Range": "bytes=5-", "If-Range": '"other"'}).status_code == 200


def test_all_files_come_as_one_zip_of_known_length(as_, order, customer):
    delivery = made(as_(customer), order)
    answer = as_().get(address_of(delivery))
    content = body(answer)
    assert int(answer["Content-Length"]) == len(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        assert packed.testzip() is None
        names = {name.partition("/")[2] for name in packed.namelist()}
    assert names == {path.name for path in delivery.path.iterdir()}


def test_links_expire_and_are_not_made_up(as_, order, customer, settings):
    delivery = made(as_(customer), order)
    address = address_of(delivery, "LICENCE.txt")
    assert as_().get(address).status_code == 200
    assert as_().get(address.replace("/deliveries/", "/deliveries/x")).status_code == 404
    assert as_().get(f"/deliveries/{signing.dumps(delivery.pk, salt='other')}/LICENCE.txt").status_code == 404
    token = signing.dumps(delivery.pk, salt=SALT)
    for name in ("delivery.json.txt", "..%2f..%2fsettings.py", ".."):
        assert as_().get(f"/deliveries/{token}/{name}").status_code == 404
    settings.DELIVERY_LINK_SECONDS = -1
    assert as_().get(address).status_code == 410
    assert as_().get(address_of(delivery)).status_code == 410


def test_only_approved_tiles_are_delivered_unless_others_are_asked_for(as_, alps, customer):
    order = place(customer, alps, Area.of_outline(read_aoi(AOI)))
    delivery = made(as_(customer), order)
    assert delivery.status == "failed" and "33TWL: waits for review" in delivery.error
    delivery = made(as_(customer), order, unreviewed=True)
    assert delivery.status == "ready" and delivery.report["tiles"][WEST]["review"] == "unreviewed"


def test_the_last_approved_revision_is_delivered_while_a_newer_one_waits(as_, order, customer):
    row = CampaignTile.objects.get(tile_id=WEST)
    make_revision(row, values=(50, 60, 70, 80))
    assert made(as_(customer), order).report["tiles"][WEST]["revision"] == 1


def test_a_further_delivery_pins_the_new_revision_and_says_what_changed(as_, order, customer):
    first = made(as_(customer), order)
    revision = make_revision(CampaignTile.objects.get(tile_id=WEST), values=(50, 60, 70, 80))
    Revision.objects.filter(pk=revision.pk).update(review_status="approved")
    second = made(as_(customer), order)
    assert [one.revisions.get().number for one in (first, second)] == [1, 2]
    assert "33TWL is revision 2 in place of 1" in second.report["changes"]["told"][0]
    assert first.path.exists()


def test_orders_of_others_are_not_delivered(as_, order, colleague, reviewer, stranger):
    assert ask(as_(colleague), order).status_code == 404
    assert ask(as_(stranger), order).status_code == 404
    assert ask(as_(reviewer), order).status_code == 403
    assert ask(as_(), order).status_code == 401
    assert not Delivery.objects.exists()


def test_what_cannot_be_delivered_is_refused(as_, alps, order, customer):
    assert ask(as_(customer), order, projection="EPSG:1").json()["error"]["field"] == "projection"
    assert ask(as_(customer), order, layers=["sea"]).status_code == 400
    assert ask(as_(customer), order).status_code == 201
    assert "under way" in ask(as_(customer), order).json()["error"]["message"]
    waiting = place(customer, alps, Area.of_tiles([EAST]))
    assert "is placed" in ask(as_(customer), waiting).json()["error"]["message"]


def test_a_lost_hint_is_found_by_the_sweep(as_, order, customer, queues, django_capture_on_commit_callbacks):
    assert ask(as_(customer), order).status_code == 201
    assert queues["cpu"].count == 0
    with django_capture_on_commit_callbacks(execute=True):
        sweep()
    assert f"delivery-{order.deliveries.get().pk}-0" in queues["cpu"].job_ids


def test_migrations_are_complete():
    call_command("makemigrations", "orders", check=True, dry_run=True, verbosity=0)


def test_the_page_shows_orders_to_their_customer_only(client, order, customer, colleague):
    address = f"/orders/{order.pk}/"
    assert client.get(address).status_code == 302
    client.force_login(colleague)
    assert client.get(address).status_code == 404
    client.force_login(customer)
    assert "Nothing has been delivered yet" in client.get(address).content.decode()
    refused = client.post(address, {"layers": ["mosaic"], "projection": "moon"})
    assert (
        refused.status_code == 400
        and "The projection &#x27;moon&#x27; is unknown" in refused.content.decode()
    )
    assert client.post(address, {"layers": ["mosaic"], "per_tile": "on"}).status_code == 302
    run_delivery(order.deliveries.get().pk)
    content = client.get(address).content.decode()
    assert "33TWL.mosaic.tif" in content and "All files as one zip" in content


def test_a_zip_goes_on_where_it_broke_off(as_, order, customer):
    address = address_of(made(as_(customer), order))
    whole = as_().get(address)
    content = body(whole)
    for first in (1, len(content) // 2, len(content) - 1):
        rest = as_().get(address, headers={"Range": f"bytes={first}-", "If-Range": whole["ETag"]})
        assert rest.status_code == 206 and body(rest) == content[first:]
        assert rest["Content-Range"] == f"bytes {first}-{len(content) - 1}/{len(content)}"
    middle = as_().get(address, headers={"Range": "bytes=100-199"})
    assert body(middle) == content[100:200]


def test_what_was_rejected_is_not_delivered_as_unreviewed(as_, order, customer):
    row = CampaignTile.objects.get(tile_id=WEST)
    make_revision(row, values=(50, 60, 70, 80))
    Revision.objects.filter(number=2).update(review_status="rejected")
    assert made(as_(customer), order, unreviewed=True).report["tiles"][WEST]["revision"] == 1
    Revision.objects.update(review_status="rejected")
    delivery = made(as_(customer), order, unreviewed=True)
    assert delivery.status == "failed" and "was rejected" in delivery.error


def test_accuracy_is_told_where_these_revisions_were_assessed(as_, order, alps, customer, operator):
    row = CampaignTile.objects.get(tile_id=WEST)
    codes = np.full((1, 183, 183), 2, np.uint8)
    codes[:, :, :60] = 1
    write(row.current_revision.path / "landcover.tif", WEST, codes, 0)
    assessment = sample.begin(alps, 60, 10, operator, order)
    sample.run_sample(assessment.pk)
    assessment.refresh_from_db()
    points = list(assessment.points.order_by("number"))
    wrong = points[-1]
    for point in points[:-1]:
        point.label, point.labelled_by, point.labelled_at = point.mapped, operator, timezone.now()
        point.save()
    assert made(as_(customer), order).report["accuracy"] == []
    wrong.label, wrong.labelled_by, wrong.labelled_at = 3 - wrong.mapped, operator, timezone.now()
    wrong.save()
    overall = sample.result_of(assessment)["accuracy"]["overall"]["value"]
    assert 0.9 < overall < 1
    told = made(as_(customer), order).report["accuracy"]
    assert told[0].startswith(f"Overall accuracy of the landcover {100 * overall:.1f} %")
    assert "of this order with 60 points" in told[0] and "water" in told[1] and "grass" in told[1]
    assert made(as_(customer), order, layers=["mosaic"]).report["accuracy"] == []
    make_revision(row)
    Revision.objects.update(review_status="approved")
    assert made(as_(customer), order).report["accuracy"] == []
