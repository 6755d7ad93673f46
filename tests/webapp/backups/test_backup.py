"""A published campaign is backed up, and restored into another database and storage, by the two commands."""

import io
import json
import os
import secrets
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit, urlunsplit

import morecantile
import numpy as np
import psycopg2
import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import connection
from PIL import Image

from script.lib.places import ROOT
from tests.webapp import products
from webapp.backups import backup, database, files
from webapp.campaigns import web_copies
from webapp.campaigns.models import Edition, Revision
from webapp.campaigns.soundness import fingerprints

pytestmark = pytest.mark.django_db(transaction=True)

ASK = """
import django, sys
django.setup()
from django.test import Client
answer = Client().get(sys.argv[1])
sys.stdout.buffer.write(b"%d\\n" % answer.status_code + b"".join(answer))
"""


def address_of(name):
    parts = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(parts._replace(path=f"/{name}"))


@contextmanager
def connect(name):
    known = connection.settings_dict
    opened = psycopg2.connect(
        host=known["HOST"], port=known["PORT"], user=known["USER"], password=known["PASSWORD"], dbname=name
    )
    opened.autocommit = True
    with closing(opened):
        yield opened


@pytest.fixture
def place(tmp_path):
    """An empty database and an empty storage."""
    name = f"restored_{secrets.token_hex(4)}"
    with connect("postgres") as server, server.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield SimpleNamespace(database=name, storage=tmp_path / "elsewhere" / "storage")
    with connect("postgres") as server, server.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def published(storage, queues, customer):
    """The private campaign of a customer: two tiles, published and laid out for web maps; a cache."""
    campaign = products.make_campaign("private", public=False, most_further=1)
    campaign.owner = customer
    campaign.save()
    products.make_tiles(campaign, products.WEST, products.EAST)
    for revision in Revision.objects.all():
        revision.files = fingerprints(revision.path)
        revision.save()
    edition = Edition.publish(campaign)
    for revision in web_copies.due(edition):
        assert web_copies.make(revision)
    for name in (".cache/x/fetched", "private/.mosaic.1234.part.tif"):
        (storage / name).parent.mkdir(parents=True, exist_ok=True)
        (storage / name).write_bytes(b"not to be kept")
    return campaign


def here(storage):
    return SimpleNamespace(database=connection.settings_dict["NAME"], storage=storage)


def run(place, *line):
    values = {
        "DATABASE_URL": address_of(place.database),
        "STORAGE_URL": str(place.storage),
        "REDIS_URL": site.REDIS_URL,
        "SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": "testserver",
    }
    return subprocess.run(
        list(map(str, line)), cwd=ROOT, env=dict(os.environ) | values, capture_output=True, timeout=120,
        check=False,
    )  # fmt: skip


def said(done):
    return (done.stdout + done.stderr).decode()


def back_up(folder, *more):
    call_command("backup", folder, *map(str, more), stdout=io.StringIO())
    return json.loads((folder / "backup.json").read_text())


def restore(place, folder, *more):
    return run(place, ROOT / "script/restore", folder, *more)


def rows(name):
    """All rows of all tables of a database, as text."""
    found = {}
    with connect(name) as opened, opened.cursor() as cursor:
        cursor.execute(database.TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')
            found[table] = [text for (text,) in cursor.fetchall()]
    return found


def contents(root):
    return {name: (root / name).read_bytes() for name in files.files_in(root)}


def map_tile(place):
    """Status and bytes of a map tile of the western tile, asked of that database and storage."""
    at = morecantile.tms.get("WebMercatorQuad").tile(*products.IN_WEST, 9)
    done = run(
        place, sys.executable, "-c", ASK, f"/tiles/alps/1/rgb/{at.z}/{at.x}/{at.y}.png"
    )  # fmt: skip
    status, _, content = done.stdout.partition(b"\n")
    return int(status or 0), content, said(done) if not status else ""


def test_rows_bytes_and_map_tiles_are_what_they_were(published, alps, place, storage, tmp_path):
    Edition.publish(alps)
    done = run(here(storage), ROOT / "script/backup", tmp_path / "backup")
    assert done.returncode == 0, said(done)
    about = json.loads((tmp_path / "backup/backup.json").read_text())
    assert not [path for path in (tmp_path / "backup").rglob("*") if path.name.startswith(".")]
    before, kept = rows(connection.settings_dict["NAME"]), contents(storage)
    assert about["rows"]["campaigns_campaign"] == 2 and len(kept) == about["files"] > 20
    done = restore(place, tmp_path / "backup")
    assert done.returncode == 0, said(done)
    assert "Holding products against their checksums" in said(done)
    assert rows(place.database) == before
    assert contents(place.storage) == kept
    status, content, trouble = map_tile(place)
    assert status == 200, trouble
    picture = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
    assert picture.shape == (256, 256, 4) and picture[..., 3].max() == 255
    assert (status, content) == map_tile(here(storage))[:2]


def test_the_list_of_sums_is_one_that_sha256sum_reads(published, storage, tmp_path):
    back_up(tmp_path / "backup")
    line = ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"]
    assert subprocess.run(line, cwd=tmp_path / "backup", check=False).returncode == 0


def test_what_holds_something_is_not_replaced_unless_told(published, place, storage, tmp_path):
    back_up(tmp_path / "backup")
    assert restore(place, tmp_path / "backup").returncode == 0
    with connect(place.database) as opened, opened.cursor() as cursor:
        cursor.execute("UPDATE campaigns_campaign SET name = 'Later'")
        cursor.execute("CREATE TABLE of_a_later_release (number integer)")
    later = place.storage / "private/33TWL/revisions/2/mosaic.tif"
    shown = place.storage / ".cache/map-tiles/1.png"
    mosaic = place.storage / "private/33TWL/revisions/1/mosaic.tif"
    for path in (later, shown, mosaic):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"later")
    refused = restore(place, tmp_path / "backup")
    assert refused.returncode == 1 and "tables: name an empty one, or say --replace" in said(refused)
    assert "Later" in str(rows(place.database)["campaigns_campaign"]) and later.exists()
    done = restore(place, tmp_path / "backup", "--replace")
    assert done.returncode == 0, said(done)
    assert rows(place.database) == rows(connection.settings_dict["NAME"])
    assert contents(place.storage) == contents(storage) and not shown.exists() and not later.parent.exists()


def test_a_storage_that_is_not_empty_is_not_replaced_unless_told(published, place, storage, tmp_path):
    back_up(tmp_path / "backup")
    place.storage.mkdir(parents=True)
    (place.storage / "somebody's").write_bytes(b"own")
    refused = restore(place, tmp_path / "backup")
    assert refused.returncode == 1 and "is not empty" in said(refused)
    assert rows(place.database) == {} and list(contents(place.storage)) == ["somebody's"]


@pytest.mark.parametrize(
    "name", ["database.dump", "SHA256SUMS", "storage/private/33TWL/revisions/1/mosaic.tif"]
)
def test_damage_to_a_backup_is_told_before_the_database_is_touched(published, place, storage, tmp_path, name):
    folder = tmp_path / "backup"
    back_up(folder)
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    refused = restore(place, folder)
    assert refused.returncode == 1 and f"{folder / name} is damaged" in said(refused)
    assert rows(place.database) == {}


def test_a_folder_that_was_not_finished_is_no_backup(published, place, storage, tmp_path):
    back_up(tmp_path / "backup")
    (tmp_path / "backup/backup.json").unlink()
    refused = restore(place, tmp_path / "backup")
    assert refused.returncode == 1 and "is no whole backup" in said(refused)


def test_a_database_in_use_is_not_restored(published, place, storage, tmp_path):
    back_up(tmp_path / "backup")
    with connect(place.database):
        refused = restore(place, tmp_path / "backup", "--replace")
    assert refused.returncode == 1 and "in use by 1 others" in said(refused)


def test_a_backup_of_a_later_release_is_refused(published, place, storage, tmp_path):
    back_up(tmp_path / "backup")
    about = json.loads((tmp_path / "backup/backup.json").read_text())
    about["migrations"].append(["campaigns", "9999_of_a_later_release"])
    (tmp_path / "backup/backup.json").write_text(json.dumps(about))
    refused = restore(place, tmp_path / "backup")
    assert refused.returncode == 1 and "campaigns.9999_of_a_later_release" in said(refused)


def test_a_next_backup_links_what_has_not_changed(published, storage, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    back_up(first)
    revisions = "storage/private/33TWL/revisions/1"
    damaged = first / revisions / "confidence.tif"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    os.utime(damaged, ns=(0, (storage / "private/33TWL/revisions/1/confidence.tif").stat().st_mtime_ns))
    mosaic = storage / "private/33TWL/revisions/1/mosaic.tif"
    mosaic.write_bytes(mosaic.read_bytes() + b"more")
    back_up(second, "--since", first)
    assert contents(second / "storage") == contents(storage)
    names = [f"{revisions}/{name}" for name in ("landcover.tif", "mosaic.tif", "confidence.tif")]
    assert [(first / name).samefile(second / name) for name in names] == [True, False, False]


def test_the_database_alone(published, place, storage, tmp_path):
    about = back_up(tmp_path / "backup", "--database-only")
    assert about["storage"] is False and not (tmp_path / "backup/storage").exists()
    done = restore(place, tmp_path / "backup")
    assert "The backup has no storage" in said(done)
    assert done.returncode == 1 and "mosaic.tif" in said(done), "nothing lies where rows say"
    assert rows(place.database) == rows(connection.settings_dict["NAME"])


def test_a_bucket_is_neither_copied_nor_filled(published, storage, bucket, tmp_path, settings):
    with pytest.raises(CommandError, match="--database-only"):
        back_up(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()
    assert back_up(tmp_path / "database", "--database-only")["storage"] is False
    target, settings.STORAGE_BUCKET, settings.STORAGE_ROOT = settings.STORAGE_BUCKET, None, storage
    back_up(tmp_path / "backup")
    settings.STORAGE_BUCKET = target
    with pytest.raises(CommandError, match="copy_storage"):
        call_command("restore", tmp_path / "backup", "--replace")


def test_products_that_were_damaged_before_they_were_copied_are_told(published, place, storage, tmp_path):
    (storage / "private/33TWL/revisions/1/mosaic.tif").write_bytes(b"damaged")
    back_up(tmp_path / "backup")
    done = restore(place, tmp_path / "backup")
    assert done.returncode == 1 and "Damaged" in said(done) and "mosaic.tif" in said(done)


def test_a_folder_in_use_or_in_the_storage_is_refused(published, storage, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full/letter.txt").write_text("Dear")
    for folder, words in ((tmp_path / "full", "is not empty"), (storage / "backup", "lies in the storage")):
        with pytest.raises(CommandError, match=words):
            back_up(folder)


def test_what_comes_and_goes_while_a_backup_is_made(published, storage, tmp_path, monkeypatch):
    """What a row names at the time of the dump is in the copy, whether it came before or goes after."""
    gone, come = (
        storage / "private/33TWL/builds/1/scene_list.json",
        storage / "private/33TXL/builds/2/new.tif",
    )
    changed = storage / "private/33TXL/builds/2/under_way.tif"
    for path in (gone, changed):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"first")
    dump = database.dump

    def meanwhile(path: Path, state: str) -> None:
        dump(path, state)
        gone.unlink()
        come.write_bytes(b"came")
        changed.unlink()
        changed.write_bytes(b"second")

    monkeypatch.setattr(database, "dump", meanwhile)
    backup.back_up(tmp_path / "backup", print)
    copied = contents(tmp_path / "backup/storage")
    names = [path.relative_to(storage).as_posix() for path in (gone, come, changed)]
    assert [copied[name] for name in names] == [b"first", b"came", b"second"]
    sums = files.read_sums(tmp_path / "backup/SHA256SUMS")
    assert all(files.sha256_of(tmp_path / "backup" / name) == digest for name, digest in sums.items())


def test_what_came_after_the_dump_is_not_restored(published, place, storage, tmp_path, monkeypatch):
    """A build yet to come would take it for its own."""
    dump = database.dump
    later = "private/33TXL/builds/77/composite.tif"

    def meanwhile(path: Path, state: str) -> None:
        dump(path, state)
        (storage / later).parent.mkdir(parents=True)
        (storage / later).write_bytes(b"later")

    monkeypatch.setattr(database, "dump", meanwhile)
    backup.back_up(tmp_path / "backup", print)
    assert (tmp_path / "backup/storage" / later).exists()
    done = restore(place, tmp_path / "backup")
    assert done.returncode == 0, said(done)
    assert not (place.storage / later).parent.exists() and (place.storage / "private/33TXL/builds").is_dir()


def test_rows_and_dump_are_of_one_moment(published, storage, tmp_path, monkeypatch):
    dump = database.dump

    def meanwhile(path: Path, state: str) -> None:
        with connect(connection.settings_dict["NAME"]) as opened, opened.cursor() as cursor:
            cursor.execute("INSERT INTO auth_group (name) VALUES ('of later')")
        dump(path, state)

    monkeypatch.setattr(database, "dump", meanwhile)
    about = backup.back_up(tmp_path / "backup", print)
    line = [database.tool("pg_restore"), "--data-only", "--table=auth_group", "--file=-"]
    shown = subprocess.run([*line, tmp_path / "backup/database.dump"], capture_output=True, check=True).stdout
    assert b"of later" not in shown and about["rows"]["auth_group"] == database.counts()["auth_group"] - 1


def test_names_with_a_new_line_keep_their_sum(tmp_path):
    sums = {"storage/a\nb\\n": "0" * 64, "storage/ plain": "1" * 64}
    files.write_sums(tmp_path / "sums", sums)
    assert files.read_sums(tmp_path / "sums") == sums
