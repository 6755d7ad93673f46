/** Meridians and parallels, so that an empty map still tells where it is. */

import { number, pgettext } from "./i18n.js";

const STEPS = [30, 20, 10, 5, 2, 1, 0.5, 0.25, 0.1, 0.05];
const MOST_LINES = 9;
const LONGITUDE = [pgettext("compass", "E"), pgettext("compass", "W")];
const LATITUDE = [pgettext("compass", "N"), pgettext("compass", "S")];

function label(value, letters) {
  const [positive, negative] = letters;
  const size = Math.abs(value);
  return `${number(size, [0, 1, 2].find((digits) => Math.abs(size - Number(size.toFixed(digits))) < 1e-6) ?? 2)}°${value > 0 ? positive : value < 0 ? negative : ""}`;
}

function stepFor(span) {
  return STEPS.findLast((step) => span / step <= MOST_LINES) || STEPS[0];
}

function line(points, group) {
  L.polyline(points, { className: "graticule", weight: 1, opacity: 0.7, interactive: false, pane: "graticule" }).addTo(group);
}

function text(at, words, group) {
  const icon = L.divIcon({ className: "degree", html: words, iconSize: null, iconAnchor: [-3, 14] });
  L.marker(at, { icon, interactive: false, keyboard: false, pane: "graticule" }).addTo(group);
}

/** Keep lines and labels on the map, whatever it shows. */
export function addGraticule(map) {
  map.createPane("graticule").style.zIndex = 150;
  const group = L.layerGroup().addTo(map);
  const draw = () => {
    group.clearLayers();
    const bounds = map.getBounds();
    const step = stepFor(Math.max(bounds.getEast() - bounds.getWest(), 0.2));
    const [south, north] = [Math.max(bounds.getSouth(), -85), Math.min(bounds.getNorth(), 85)];
    for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) {
      line([[south, lon], [north, lon]], group);
      text([south, lon], label(((lon + 540) % 360) - 180, LONGITUDE), group);
    }
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
      line([[lat, bounds.getWest()], [lat, bounds.getEast()]], group);
      text([lat, bounds.getWest()], label(lat, LATITUDE), group);
    }
  };
  map.on("moveend", draw);
  draw();
}
