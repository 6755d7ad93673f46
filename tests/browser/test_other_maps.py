"""Maps of other people's pages, drawn by the ready lines with Leaflet, MapLibre and OpenLayers."""

import io
import os
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import leaflet
import numpy as np
import pytest
from PIL import Image

from script.lib.places import LOCAL
from tests.browser.accessible import serious_findings
from tests.browser.conftest import wait_for_server
from tests.webapp import products
from webapp.keys import admission
from webapp.keys.lines import ready_lines
from webapp.keys.models import KeyUse, MapKey

HOST = "127.0.0.1"
COLOUR = (120, 130, 90)
ZOOM = 9
SECONDS_FOR_NPM = 300
STYLE = "<style>html, body, #map { margin: 0; width: 100%; height: 100%; background: #ff00ff }</style>"


@pytest.fixture(scope="session")
def libraries():
    """The folder of node_modules, made by npm where there is one, as the lock file says to the byte."""
    folder = LOCAL / "npm"
    files = {
        name: (Path(__file__).parent / name).read_text() for name in ("package.json", "package-lock.json")
    }
    wanted = "".join(files.values())
    if not (folder / "whole").exists() or (folder / "whole").read_text() != wanted:
        if shutil.which("npm") is None:
            pytest.skip("There is no npm, which brings MapLibre and OpenLayers.")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        line = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(
            line, cwd=folder, capture_output=True, text=True, timeout=SECONDS_FOR_NPM, check=False
        )
        if done.returncode:
            pytest.skip(f"npm could not bring the map libraries: {done.stderr.strip()[-200:]}")
        (folder / "whole").write_text(wanted)
    return folder / "node_modules"


@pytest.fixture
def site():
    """Another site on loopback, at a port of its own: a mapping of paths to bodies and their types."""
    pages = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body, kind = pages.get(self.path, (b"", "text/plain"))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield pages, server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def draw(chromium, live_server, published, site):
    """Open a page of another site with a library and a script; gives its picture and the answers it got."""
    contexts, (pages, port) = [], site

    def draw(files, script, host=HOST):
        context = chromium.new_context(viewport={"width": 500, "height": 400})
        contexts.append(context)
        page = context.new_page()
        errors, statuses = [], []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("response", lambda answer: "/tiles/" in answer.url and statuses.append(answer.status))
        heads = ""
        for name, path in files.items():
            if name.endswith(".css"):
                pages[f"/{name}"] = Path(path).read_bytes(), "text/css"
                heads += f'<link rel="stylesheet" href="{name}">'
            else:
                pages[f"/{name}"] = Path(path).read_bytes(), "text/javascript"
                heads += f'<script src="{name}"></script>'
        body = f'<body><div id="map"></div><script>{script}</script></body>'
        html = f"<!doctype html><html><head>{heads}{STYLE}</head>{body}</html>"
        pages["/"] = html.encode(), "text/html; charset=utf-8"
        page.goto(f"http://{host}:{port}/")
        page.wait_for_function("window.ready === true", timeout=60_000)
        page.wait_for_timeout(1500)
        picture = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("RGB")).astype(int)
        assert not errors, errors
        return picture, statuses

    yield draw
    for context in contexts:
        context.close()
    wait_for_server()


def line_of(program, live_server, layer="rgb", key="", slug="alps"):
    root = f"{live_server.url}/tiles/{slug}/1/"
    found = ready_lines(root, layer, key, "Contains modified Copernicus Sentinel data 2023", 11)
    return next(line.text for line in found if line.program == program)


def shows(picture):
    middle = picture[160:240, 200:300].reshape(-1, 3)
    return np.abs(np.median(middle, axis=0) - COLOUR).max() <= 6


def leaflet_page(line):
    folder = Path(leaflet.__file__).parent / "static" / "leaflet"
    lon, lat = products.IN_WEST
    script = f"""
    const map = L.map("map", {{zoomControl: false, fadeAnimation: false}}).setView([{lat}, {lon}], {ZOOM});
    {line}
    map.eachLayer((layer) => layer.on("load", () => {{ window.ready = true; }}));
    """
    return {"leaflet.css": folder / "leaflet.css", "leaflet.js": folder / "leaflet.js"}, script


def test_leaflet(draw, live_server):
    picture, statuses = draw(*leaflet_page(line_of("Leaflet", live_server)))
    assert shows(picture) and statuses and set(statuses) <= {200, 404}


def test_openlayers(draw, live_server, libraries):
    lon, lat = products.IN_WEST
    script = f"""
    const map = new ol.Map({{target: "map", layers: [{line_of("OpenLayers", live_server)}],
      view: new ol.View({{center: ol.proj.fromLonLat([{lon}, {lat}]), zoom: {ZOOM}}})}});
    map.once("rendercomplete", () => {{ window.ready = true; }});
    """
    folder = libraries / "ol"
    picture, statuses = draw({"ol.css": folder / "ol.css", "ol.js": folder / "dist" / "ol.js"}, script)
    assert shows(picture) and 200 in statuses


def test_openlayers_reads_ogc_api_tiles(draw, live_server, libraries):
    lon, lat = products.IN_WEST
    address = f"{live_server.url}/tiles/alps/1/ogc/collections/rgb/map/tiles/WebMercatorQuad"
    script = f"""
    const source = new ol.source.OGCMapTile({{url: "{address}", crossOrigin: "anonymous"}});
    const map = new ol.Map({{target: "map", layers: [new ol.layer.Tile({{source}})],
      view: new ol.View({{center: ol.proj.fromLonLat([{lon}, {lat}]), zoom: {ZOOM}}})}});
    source.once("change", () => map.once("rendercomplete", () => {{ window.ready = true; }}));
    """
    folder = libraries / "ol"
    picture, statuses = draw({"ol.css": folder / "ol.css", "ol.js": folder / "dist" / "ol.js"}, script)
    assert shows(picture) and 200 in statuses


def test_maplibre(draw, live_server, libraries):
    lon, lat = products.IN_WEST
    script = f"""
    const map = new maplibregl.Map({{container: "map", center: [{lon}, {lat}], zoom: {ZOOM}, fadeDuration: 0,
      style: {{version: 8, sources: {{}}, layers: []}},
      canvasContextAttributes: {{preserveDrawingBuffer: true}}}});
    map.on("load", () => {{
      {line_of("MapLibre", live_server)}
      map.once("idle", () => {{ window.ready = true; }});
    }});
    """
    folder = libraries / "maplibre-gl" / "dist"
    files = {"maplibre-gl.css": folder / "maplibre-gl.css", "maplibre-gl.js": folder / "maplibre-gl.js"}
    picture, statuses = draw(files, script)
    assert shows(picture) and 200 in statuses


def test_a_key_for_one_site_draws_there_and_nowhere_else(draw, live_server, published, people):
    published.is_public, published.owner = False, people["customer"]
    published.save()
    _, key = MapKey.make(people["customer"], "Website", referrers=[HOST])
    there, _ = draw(*leaflet_page(line_of("Leaflet", live_server, key=key)))
    assert shows(there)
    elsewhere, statuses = draw(*leaflet_page(line_of("Leaflet", live_server, key=key)), "localhost")
    assert not shows(elsewhere) and 200 not in statuses
    admission.tally.flush()
    day = KeyUse.objects.get()
    assert day.answered >= 4 and day.refused >= 4


def test_the_page_use_this_map_is_reached_from_the_map_and_makes_a_key(open_page, published, people):
    page = open_page(person=people["customer"])
    page.get_by_role("link", name="Use this map").click()
    page.get_by_role("heading", name="Use this map").wait_for()
    page.get_by_label("Name").fill("Website")
    page.get_by_role("button", name=re.compile("Make a key")).click()
    made = page.locator("#made").inner_text()
    assert made.startswith("eq_") and made in page.locator("#line-1").inner_text()
    assert page.get_by_role("heading", name="Website").is_visible()


@pytest.mark.parametrize("width", [390, 1600])
def test_the_page_fits_its_window(open_page, published, people, width, tmp_path):
    MapKey.make(people["customer"], "Website of the mountain huts")
    page = open_page("/use/alps/1/", people["customer"], width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not serious_findings(page)
    shots = os.environ.get("SHOTS")
    page.screenshot(path=f"{shots or tmp_path}/use-{width}.png", full_page=True)
