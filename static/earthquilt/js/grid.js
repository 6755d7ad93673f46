/** The tile grid on the map, marked by state. */

import { $ } from "./dom.js";
import { getMap } from "./map.js";
import { on, set, store } from "./store.js";
import { LOOKS, lookOf, stateWords } from "./words.js";

const LABELS_FROM_ZOOM = 7;
let group = null;
let patches = new Map();

/** Draw the grid whenever tiles change, and follow the choice. */
export function startGrid() {
  group = L.featureGroup().addTo(getMap());
  on("tiles", draw);
  on("chosen", restyle);
  getMap().on("zoomend", showLabels);
  $("show-grid").addEventListener("change", (event) => {
    if (event.target.checked) group.addTo(getMap());
    else group.remove();
  });
}

function style(tile) {
  const look = LOOKS[lookOf(tile)];
  const chosen = tile.name === store.chosen;
  return {
    color: null, weight: chosen ? 3.5 : 1.8, dashArray: chosen ? null : look.dash || "5 4", opacity: 1,
    fill: true, fillColor: look.fill || "transparent", fillOpacity: !look.fill ? 0 : tile.revision ? 0.35 : 0.75,
    className: `patch ${lookOf(tile)}${chosen ? " chosen" : ""}`,
  };
}

function draw(tiles) {
  group.clearLayers();
  patches = new Map(tiles.map((tile) => [tile.name, patch(tile)]));
  showLabels();
}

function patch(tile) {
  const layer = L.geoJSON(tile.geometry, { style: style(tile), bubblingMouseEvents: true }).addTo(group);
  layer.on("click", () => set("chosen", tile.name));
  layer.on("mouseover", () => readout(tile));
  layer.on("mouseout", () => readout(null));
  const label = document.createElement("span");
  label.className = lookOf(tile);
  label.textContent = LOOKS[lookOf(tile)].glyph;
  const words = document.createElement("span");
  words.append(label, ` ${tile.name}`);
  layer.bindTooltip(words, { permanent: true, direction: "center", className: "tile-label", interactive: false });
  return layer;
}

function restyle() {
  draw(store.tiles);
  patches.get(store.chosen)?.bringToFront();
}

function showLabels() {
  const show = getMap().getZoom() >= LABELS_FROM_ZOOM;
  for (const layer of patches.values()) {
    if (show) layer.openTooltip();
    else layer.closeTooltip();
  }
}

function readout(tile) {
  const line = $("readout");
  line.hidden = !tile;
  if (tile) line.textContent = [tile.name, stateWords(tile), tile.status_text].filter(Boolean).join(" · ");
}

/** Bring the chosen tile into view, if it is out of it. */
export function showChosen() {
  const bounds = patches.get(store.chosen)?.getBounds();
  if (bounds && !getMap().getBounds().intersects(bounds.pad(-0.2))) getMap().panTo(bounds.getCenter());
}
