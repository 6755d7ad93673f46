"""What people and maps are shown is the same from a bucket as from a folder."""

import io
import zipfile

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone
from shapely.geometry import box, mapping

from pipeline.delivery.options import DeliveryOptions
from tests.webapp.products import (
    EAST,
    IN_WEST,
    WEST,
    make_campaign,
    make_picture,
    make_revision,
    make_scenes,
    make_tiles,
)
from webapp import storage as room
from webapp.campaigns import comparison, pyramid, web_copies
from webapp.campaigns.models import Edition, Revision
from webapp.orders import jobs as orders_jobs
from webapp.orders import retention
from webapp.orders.aoi import read_aoi
from webapp.orders.downloads import address_of
from webapp.orders.jobs import run_delivery
from webapp.orders.models import Delivery
from webapp.orders.services import Area, place
from webapp.tileserver.jobs import run_export

pytestmark = pytest.mark.django_db

AOI = mapping(box(15.2, 45.3, 15.6, 45.6))
LAYERS = ("rgb", "landcover", "confidence", "provenance")
PLACES = ("6/34/22", "9/278/183", "11/1113/732")


@pytest.fixture
def alps(storage, queues):
    """A campaign of two tiles in an edition."""
    campaign = make_campaign()
    for row in make_tiles(campaign, WEST, EAST):
        make_scenes(row)
        make_picture(row.current_build)
    Edition.publish(campaign)
    Revision.objects.update(review_status="approved")
    return campaign


@pytest.fixture
def dressed(alps):
    """Its low zooms, a tile's copies for web maps, and a layer packed."""
    pyramid.refresh(alps)
    Edition.objects.all().delete()
    edition = Edition.publish(alps)
    assert web_copies.make(Revision.objects.order_by("pk").first())
    run_export(f"{edition.pk}:rgb:pmtiles")
    return edition


@pytest.fixture
def order(alps, customer):
    return place(customer, alps, Area.of_outline(read_aoi(AOI)))


@pytest.fixture
def move(storage, bucket, settings):
    """Copies the folder into the bucket and goes to a machine that has nothing yet."""
    target = settings.STORAGE_BUCKET
    settings.STORAGE_BUCKET, settings.STORAGE_ROOT = None, storage

    def into_bucket():
        settings.STORAGE_BUCKET = target
        bucket("one")
        call_command("copy_storage", str(storage))
        bucket("two")
        return room.root()

    return into_bucket


def deliver(order, **options):
    made = Delivery.begin(order, DeliveryOptions.from_json(options) if options else DeliveryOptions())
    run_delivery(made.pk)
    made.refresh_from_db()
    assert made.status == "ready", made.error
    return made


def addresses(campaign):
    lon, lat = IN_WEST
    build = campaign.tiles.get(tile_id=WEST).current_build
    scene = build.scenes.order_by("rank").first()
    for layer in LAYERS:
        yield from (f"/tiles/alps/1/{layer}/{one}.png" for one in PLACES)
        yield f"/review/{build.pk}/map/{layer}/{PLACES[2]}.webp"
    yield f"/review/{build.pk}/scenes/{scene.pk}/mask/{PLACES[2]}.webp"
    yield f"/review/{build.pk}/pixel/?lon={lon}&lat={lat}"
    yield f"/review/alps/{WEST}/builds/{build.number}/scene_list.png"
    yield f"/tiles/alps/1/point?lon={lon}&lat={lat}"
    yield "/tiles/alps/1/rgb.pmtiles"
    yield f"/tiles/alps/1/products/{WEST}/mosaic.tif"
    yield "/api/campaigns/alps/editions/1/packed/"


def answers(client, campaign):
    found = {}
    for address in addresses(campaign):
        answer = client.get(address)
        assert answer.status_code == 200, (address, answer.status_code)
        found[address] = answer.getvalue()
    return found


def test_answers_are_the_same(alps, dressed, move, client, reviewer):
    client.force_login(reviewer)
    before = answers(client, alps)
    root = move()
    assert answers(client, alps) == before
    # Rasters of tiles are read in place, not fetched whole.
    assert not list(root.folder.rglob("mosaic.tif"))


def test_a_product_is_read_by_range(alps, move, client):
    address = f"/tiles/alps/1/products/{WEST}/mosaic.tif"
    whole = client.get(address).getvalue()
    move()
    first = client.get(address, headers={"Range": "bytes=0-99"})
    begin = first.getvalue()
    assert first.status_code == 206 and begin == whole[:100]
    rest = client.get(address, headers={"Range": "bytes=100-", "If-Range": first["ETag"]})
    assert begin + rest.getvalue() == whole
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert client.get(f"/tiles/alps/1/products/{EAST}/other.tif").status_code == 404


def test_moving_goes_on_where_it_broke_off(alps, dressed, storage, move, capsys):
    root = move()
    assert "0 were there" in capsys.readouterr().out
    gone = alps.tiles.get(tile_id=EAST).current_revision.folder
    root.remove(gone)
    call_command("copy_storage", str(storage))
    told = capsys.readouterr().out.splitlines()
    assert told[0] == gone and told[1].startswith("1 units and 0 files copied")
    call_command("copy_storage", str(storage))
    assert capsys.readouterr().out.startswith("0 units and 0 files copied (0.0 MiB)")


def test_moving_needs_a_bucket_and_a_folder(storage, bucket, settings, tmp_path):
    with pytest.raises(CommandError, match="no folder"):
        call_command("copy_storage", str(tmp_path / "nothing"))
    settings.STORAGE_BUCKET = None
    with pytest.raises(CommandError, match="names no bucket"):
        call_command("copy_storage", str(storage))


def test_low_zooms_are_made_in_a_bucket(alps, dressed, move, bucket, client):
    move()
    address = f"/tiles/alps/2/rgb/{PLACES[0]}.png"
    with room.working(f"alps/{WEST}/revisions/2"):
        make_revision(alps.tiles.get(tile_id=WEST), values=(20, 20, 20, 20))
    assert pyramid.refresh(alps) > 0
    Edition.publish(alps)
    bucket("three")
    assert client.get(address).getvalue() != client.get(address.replace("/2/", "/1/")).getvalue()


def test_layers_are_packed_into_a_bucket(dressed, move, bucket, client):
    packed = client.get("/tiles/alps/1/rgb.pmtiles").getvalue()
    root = move()
    root.remove("alps/exports")
    assert client.get("/tiles/alps/1/rgb.pmtiles").status_code == 404
    bucket("three")
    run_export(f"{Edition.objects.get().pk}:rgb:pmtiles")
    bucket("four")
    assert client.get("/tiles/alps/1/rgb.pmtiles").getvalue() == packed


def test_a_delivery_is_made_in_a_bucket_and_fetched(alps, order, move, bucket, client):
    in_folder = deliver(order)
    move()
    made = deliver(order)
    bucket("three")
    names = [{one["name"] for one in delivery.manifest["files"]} for delivery in (in_folder, made)]
    assert names[0] <= names[1]
    for delivery in (in_folder, made):
        listed = delivery.manifest["files"]
        contents = {one["name"]: client.get(address_of(delivery, one["name"])).getvalue() for one in listed}
        assert {name: len(content) for name, content in contents.items()} == {
            one["name"]: one["bytes"] for one in listed
        }
        answer = client.get(address_of(delivery))
        content = answer.getvalue()
        assert int(answer["Content-Length"]) == len(content)
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            assert packed.testzip() is None
            found = {name.partition("/")[2]: packed.read(name) for name in packed.namelist()}
        assert {name: found[name] for name in contents} == contents


def test_a_delivery_that_another_worker_took_over_is_not_published(order, move, settings, monkeypatch):
    root, whole = move(), orders_jobs.deliver

    def overtaken(request, beside, tell):
        found = whole(request, beside, tell)
        Delivery.objects.update(fence=F("fence") + 1)
        # As after a sleep longer than the lease: what was known is known no more.
        settings.LEASE_SECONDS = 0.0
        return found

    monkeypatch.setattr(orders_jobs, "deliver", overtaken)
    made = Delivery.begin(order, DeliveryOptions())
    run_delivery(made.pk)
    made.refresh_from_db()
    assert made.status == "running" and root.objects.under(made.folder) == []


def test_parts_of_a_zip_from_a_bucket_are_not_promised(alps, order, move, client):
    made = deliver(order)
    move()
    whole = client.get(address_of(made), headers={"Range": "bytes=100-"})
    assert whole.status_code == 200 and "Accept-Ranges" not in whole and "ETag" not in whole


def test_old_deliveries_and_what_belongs_to_none_go_from_a_bucket(alps, order, move):
    made = deliver(order)
    root = move()
    orphan = f"deliveries/{order.pk}/77"
    with room.working(orphan) as place:
        place.mkdir(parents=True)
        (place / "area.tif").write_bytes(b"x")
    assert retention.remove_orphans() == [orphan]
    assert root.children(f"deliveries/{order.pk}") == [str(made.number)]
    Delivery.objects.update(is_told=True, remove_after=timezone.now())
    retention.run_retention()
    assert root.objects.under(f"deliveries/{order.pk}") == []


def test_what_editions_changed_is_counted_in_a_bucket(alps, move, bucket):
    make_revision(alps.tiles.get(tile_id=WEST), landcover=5)
    pyramid.refresh(alps)
    before, after = Edition.objects.get(number=1), Edition.publish(alps)
    lines = comparison.compare(before, after)
    move()
    assert comparison.counted(before, after, lines).left == 1
    comparison.run_count(f"{before.pk}:{after.pk}")
    bucket("three")
    found = comparison.counted(before, after, lines)
    assert (found.tiles, found.left) == (1, 0) and found.changed_km2 > 1000
