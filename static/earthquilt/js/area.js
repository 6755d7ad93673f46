/** The area of interest: drawn, taken from the map, or read from a file, a box or the name of a place. */

import { places, readArea } from "./api.js";
import { $, announce, h, tell } from "./dom.js";
import { gettext } from "./i18n.js";
import { getMap } from "./map.js";
import { chosenTile, on } from "./store.js";

const HINTS = {
  polygon: gettext("Click the corners one by one; click the first again to close. Escape ends the drawing."),
  rectangle: gettext("Drag from corner to corner. Escape ends the drawing."),
};
const MOST_BYTES = 8 * 2 ** 20;
const SUGGEST_MS = 300;

let shape = null;
let drawing = null;
let reading = 0;
let waiting = 0;
let changed = () => {};

/** Wire the tools; `whenChanged` gets {aoi} or {tiles}, or null, and a sentence where a file was no use. */
export function startArea(whenChanged) {
  changed = whenChanged;
  for (const button of document.querySelectorAll("[data-draw]")) button.addEventListener("click", () => draw(button.dataset.draw));
  $("area-clear").addEventListener("click", () => clearArea());
  $("area-tile").addEventListener("click", () => showArea(chosenTile().geometry, { tiles: [chosenTile().name] }));
  on("chosen tiles", () => showTileButton(chosenTile()));
  $("area-file").addEventListener("change", readFile);
  $("area-read").addEventListener("click", readWritten);
  for (const id of ["area-place", "area-km", "area-bbox"]) $(id).addEventListener("keydown", (event) => event.key === "Enter" && readWritten(event));
  $("area-place").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(suggest, SUGGEST_MS);
  });
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
  $("area-tile").textContent = tile ? gettext("Tile %(name)s", { name: tile.name }) : "";
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
  reading += 1;
  tell($("area-repairs"), "");
  shape = L.geoJSON(geometry, { style: { className: "area", color: null, weight: 2.5, fillOpacity: 0.12 }, interactive: false }).addTo(getMap());
  $("area-clear").hidden = false;
  announce(gettext("Area taken over."));
  changed(area, "");
}

/** Take the area away again. */
export function clearArea({ keepFile = false } = {}) {
  reading += 1;
  tell($("area-repairs"), "");
  shape?.remove();
  shape = null;
  $("area-clear").hidden = true;
  if (!keepFile) $("area-file").value = "";
  changed(null, "");
}

function readFile(event) {
  const file = event.target.files[0];
  if (!file) return null;
  if (file.size > MOST_BYTES) {
    clearArea();
    return changed(null, gettext("%(file)s is larger than %(most)s MB; simplify the outline first.", { file: file.name, most: MOST_BYTES / 2 ** 20 }));
  }
  return read({ file }, file.name);
}

function readWritten(event) {
  event.preventDefault();
  const bbox = $("area-bbox").value.trim();
  const place = $("area-place").value.trim();
  if (place) return read({ place, km: $("area-km").value || 50 }, place);
  if (bbox) return read({ bbox }, bbox);
  return changed(null, gettext("Write the name of a city, or west,south,east,north in degrees."));
}

/** Have the server read an area, show it, and tell what was repaired. */
async function read(given, name) {
  stopDrawing();
  clearArea({ keepFile: true });
  const mine = (reading += 1);
  $("estimate").textContent = gettext("Reading %(name)s …", { name });
  try {
    const { geometry, kind, repairs } = await readArea(given);
    if (mine !== reading) return;
    showArea(geometry);
    tell($("area-repairs"), [given.place ? `${kind}.` : "", ...repairs].filter(Boolean).join(" "), "info");
    getMap().fitBounds(shape.getBounds(), { padding: [40, 40], maxZoom: 11, animate: false });
  } catch (error) {
    if (mine === reading) changed(null, error.message);
  }
}

async function suggest() {
  const name = $("area-place").value.trim();
  if (name.length < 3) return;
  const found = await places(name).catch(() => []);
  if (name === $("area-place").value.trim()) $("area-places").replaceChildren(...found.map(({ label }) => h("option", { value: label })));
}
