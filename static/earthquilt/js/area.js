/** The area of interest: drawn, taken from the map, or read from a file. */

import { $, announce } from "./dom.js";
import { getMap } from "./map.js";
import { chosenTile, on } from "./store.js";

const HINTS = {
  polygon: "Click the corners one by one; click the first again to close. Escape ends the drawing.",
  rectangle: "Drag from corner to corner. Escape ends the drawing.",
};
const MOST_BYTES = 6 * 2 ** 20;

let shape = null;
let drawing = null;
let changed = () => {};

/** Wire the tools; `whenChanged` gets {aoi} or {tiles}, or null, and a sentence where a file was no use. */
export function startArea(whenChanged) {
  changed = whenChanged;
  for (const button of document.querySelectorAll("[data-draw]")) button.addEventListener("click", () => draw(button.dataset.draw));
  $("area-clear").addEventListener("click", () => clearArea());
  $("area-tile").addEventListener("click", () => showArea(chosenTile().geometry, { tiles: [chosenTile().name] }));
  on("chosen tiles", () => showTileButton(chosenTile()));
  $("area-file").addEventListener("change", readFile);
  getMap().on(L.Draw.Event.CREATED, ({ layer }) => {
    stopDrawing();
    showArea(layer.toGeoJSON().geometry);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && stopDrawing());
}

function draw(kind) {
  const again = drawing?.kind === kind;
  stopDrawing();
  if (again) return;
  if (kind === "view") {
    showArea(outlineOfView());
    return;
  }
  const Tool = kind === "polygon" ? L.Draw.Polygon : L.Draw.Rectangle;
  drawing = { kind, tool: new Tool(getMap(), { shapeOptions: { className: "area", color: null, weight: 2.5 }, showArea: false }) };
  drawing.tool.enable();
  getMap().getContainer().classList.add("drawing-now");
  mark();
}

function stopDrawing() {
  drawing?.tool.disable();
  drawing = null;
  getMap().getContainer().classList.remove("drawing-now");
  mark();
}

function showTileButton(tile) {
  $("area-tile").hidden = !tile;
  $("area-tile").textContent = tile ? `Tile ${tile.name}` : "";
}

function mark() {
  for (const button of document.querySelectorAll("[data-draw]")) {
    if (button.dataset.draw !== "view") button.setAttribute("aria-pressed", drawing?.kind === button.dataset.draw);
  }
  $("drawing").hidden = !drawing;
  $("drawing").textContent = drawing ? HINTS[drawing.kind] : "";
}

function outlineOfView() {
  const bounds = getMap().getBounds();
  const [west, south, east, north] = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
  return { type: "Polygon", coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] };
}

/** Show an area on the map and tell about it, as what the API takes. */
export function showArea(geometry, area = { aoi: geometry }) {
  shape?.remove();
  shape = L.geoJSON(geometry, { style: { className: "area", color: null, weight: 2.5, fillOpacity: 0.12 }, interactive: false }).addTo(getMap());
  $("area-clear").hidden = false;
  announce("Area taken over.");
  changed(area, "");
}

/** Take the area away again. */
export function clearArea() {
  shape?.remove();
  shape = null;
  $("area-clear").hidden = true;
  $("area-file").value = "";
  changed(null, "");
}

async function readFile(event) {
  const file = event.target.files[0];
  if (!file) return;
  stopDrawing();
  try {
    const geometry = geometryOf(file.size > MOST_BYTES ? null : JSON.parse(await file.text()), file);
    showArea(geometry);
    const bounds = shape.getBounds();
    if (bounds.isValid()) getMap().fitBounds(bounds, { padding: [40, 40], maxZoom: 11, animate: false });
  } catch (error) {
    clearArea();
    changed(null, error instanceof SyntaxError ? `${file.name} is not JSON: ${error.message}.` : error.message);
  }
}

/** Find the one geometry of a GeoJSON file; several polygons become one multipolygon. */
export function geometryOf(content, file) {
  if (!content) throw new Error(`${file.name} is larger than ${MOST_BYTES / 2 ** 20} MB; simplify the outline first.`);
  const geometries = content.type === "FeatureCollection" ? (content.features || []).map((item) => item.geometry)
    : content.type === "Feature" ? [content.geometry] : [content];
  const found = geometries.filter((item) => item && typeof item.type === "string" && Array.isArray(item.coordinates));
  if (!found.length) throw new Error(`${file.name} holds no GeoJSON geometry.`);
  if (found.length === 1) return found[0];
  if (found.some((item) => !item.type.endsWith("Polygon"))) throw new Error(`${file.name} holds other things than polygons; an area is made of polygons only.`);
  return { type: "MultiPolygon", coordinates: found.flatMap((item) => (item.type === "Polygon" ? [item.coordinates] : item.coordinates)) };
}
