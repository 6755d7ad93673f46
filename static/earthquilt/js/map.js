/** The Leaflet map and the one raster layer on it. */

import { addGraticule } from "./graticule.js";
import { gettext } from "./i18n.js";
import { on } from "./store.js";

const TILES_FROM_ZOOM = 6.5;
const EMPTY = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
let map = null;
let raster = null;
let asked = 0;

export const getMap = () => map;

/** Make the map in #map. */
export function makeMap(baseMap) {
  map = L.map("map", { zoomControl: false, minZoom: 2, maxZoom: 18, worldCopyJump: true, zoomSnap: 0.5 });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  L.control.zoom({ position: "topright", zoomInTitle: gettext("Zoom in"), zoomOutTitle: gettext("Zoom out") }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  map.setView([30, 10], 2.5);
  if (baseMap) L.tileLayer(baseMap.url, { attribution: baseMap.attribution, zIndex: 1 }).addTo(map);
  addGraticule(map);
  new ResizeObserver(() => map.invalidateSize()).observe(map.getContainer());
  on("extent", fit);
  return map;
}

/** What the map shows as west,south,east,north; null while that is too much to show single tiles in. */
export function boxInView() {
  if (map.getZoom() < TILES_FROM_ZOOM) return null;
  const bounds = map.getBounds();
  const west = Math.max(L.Util.wrapNum(bounds.getWest(), [-180, 180], true), -180);
  const east = Math.min(west + bounds.getEast() - bounds.getWest(), 180);
  return [west, Math.max(bounds.getSouth(), -90), east, Math.min(bounds.getNorth(), 90)].map((degrees) => degrees.toFixed(4)).join();
}

/** Give the bounds of all tiles, or null where there are none. */
export function extentOf(tiles) {
  return tiles.length ? L.featureGroup(tiles.map((tile) => L.geoJSON(tile.geometry))).getBounds() : null;
}

function fit(extent) {
  if (extent) map.fitBounds(extent, { padding: [12, 12], animate: false });
}

/** Show a layer of a view ("1", "newest") as its TileJSON describes it, or nothing. */
export async function showRaster(campaign, view, layer, opacity) {
  const turn = ++asked;
  const told = campaign && view ? await describe(campaign.slug, view, layer) : null;
  if (turn !== asked) return;
  raster?.remove();
  raster = null;
  if (!told) return;
  const [west, south, east, north] = told.bounds;
  const address = told.tiles[0].replace(/^https?:\/\/[^/]+/, "").replace("{y}", L.Browser.retina ? "{y}@2x" : "{y}");
  raster = L.tileLayer(view.stamp ? `${address}?${view.stamp}` : address, {
    attribution: told.attribution, maxNativeZoom: told.maxzoom, maxZoom: 18, bounds: [[south, west], [north, east]],
    opacity, errorTileUrl: EMPTY, zIndex: 5,
  }).addTo(map);
}

async function describe(slug, view, layer) {
  const response = await fetch(`/tiles/${slug}/${view.word}/${layer}/tilejson.json`);
  return response.ok ? response.json() : null;
}

/** Change how much of the raster shows. */
export function fade(opacity) {
  raster?.setOpacity(opacity);
}
