/** What two editions show differently, on a map: one layer of changes over one of the editions. */

import { $, h, tell } from "../js/dom.js";
import { gettext } from "../js/i18n.js";

const EMPTY = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
const MOST_ZOOM = 17;
const page = JSON.parse($("page-data").textContent);
const [west, south, east, north] = page.bounds;
const shown = { change: null, below: null };

const map = L.map("map", { zoomControl: false, minZoom: 1, maxZoom: MOST_ZOOM, zoomSnap: 0.5 });
map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
L.control.zoom({ zoomInTitle: gettext("Zoom in"), zoomOutTitle: gettext("Zoom out") }).addTo(map);
L.control.scale({ imperial: false, position: "topright" }).addTo(map);
if (page.base_map) L.tileLayer(page.base_map.url, { attribution: page.base_map.attribution, zIndex: 1 }).addTo(map);
map.fitBounds([[south, west], [north, east]], { animate: false });
new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
$("shown").addEventListener("change", show);
$("shown").addEventListener("submit", (event) => event.preventDefault());
show();

function show() {
  const chosen = new FormData($("shown"));
  const change = page.layers.find(({ name }) => name === chosen.get("change"));
  const below = page.editions.find(({ number }) => number === chosen.get("below"));
  draw("below", below?.address, { zIndex: 2, attribution: page.attribution, opacity: change ? 0.55 : 1 });
  draw("change", change?.address, { zIndex: 3, className: "changes" });
  $("legend").replaceChildren(...(change?.legend || []).map(({ label, colour }) => {
    const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = colour;
    return h("li", {}, swatch, label);
  }));
}

function draw(what, address, options) {
  shown[what]?.remove();
  shown[what] = address ? L.tileLayer(address, { bounds: [[south, west], [north, east]], maxNativeZoom: page.last_zoom, maxZoom: MOST_ZOOM, errorTileUrl: EMPTY, ...options }) : null;
  if (!shown[what]) return;
  shown[what].on("loading", () => tell($("message"), ""));
  if (what === "change") {
    shown[what].on("tileerror", () => tell($("message"), gettext("A part of the map cannot be drawn at this zoom: look from nearer.")));
    shown[what].on("load", () => (document.body.dataset.changes = new FormData($("shown")).get("change")));
  }
  shown[what].addTo(map);
}
