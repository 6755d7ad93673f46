/** The Leaflet map and the one raster layer on it. */

import { addGraticule } from "./graticule.js";
import { on, store } from "./store.js";

const EMPTY = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
let map = null;
let raster = null;

export const getMap = () => map;

/** Make the map in #map. */
export function makeMap(baseMap) {
  map = L.map("map", { zoomControl: false, minZoom: 2, maxZoom: 18, worldCopyJump: true, zoomSnap: 0.5 });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  L.control.zoom({ position: "topright" }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  map.setView([30, 10], 2.5);
  if (baseMap) L.tileLayer(baseMap.url, { attribution: baseMap.attribution, zIndex: 1 }).addTo(map);
  addGraticule(map);
  new ResizeObserver(() => map.invalidateSize()).observe(map.getContainer());
  on("campaign", fitCampaign);
  return map;
}

/** Bring all tiles of the campaign into view. */
export function fitCampaign() {
  const bounds = store.campaign?.bounds;
  if (bounds) map.fitBounds([[bounds[1], bounds[0]], [bounds[3], bounds[2]]], { padding: [30, 30], animate: false });
}

/** Show a layer of a view ("1", "newest"), or nothing. */
export function showRaster(campaign, view, layer, opacity) {
  raster?.remove();
  raster = null;
  if (!campaign || !view || !layer) return;
  const retina = L.Browser.retina ? "@2x" : "";
  raster = L.tileLayer(`/tiles/${campaign.slug}/${view.word}/${layer}/{z}/{x}/{y}${retina}.webp?${view.stamp || ""}`, {
    attribution: campaign.attribution, maxNativeZoom: campaign.maxZoom, maxZoom: 20, opacity, errorTileUrl: EMPTY,
    bounds: campaign.bounds && [[campaign.bounds[1], campaign.bounds[0]], [campaign.bounds[3], campaign.bounds[2]]],
    zIndex: 5, className: layer === "landcover" || layer === "provenance" ? "categories" : "",
  }).addTo(map);
}

/** Change how much of the raster shows. */
export function fade(opacity) {
  raster?.setOpacity(opacity);
}
