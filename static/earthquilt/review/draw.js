/** Drawing defects: polygons, a brush, the hot spot or what the map shows. */

import { $, announce, h } from "../js/dom.js";
import { gettext, number } from "../js/i18n.js";
import { endDrawingByKey, startDrawingByKey } from "./draw-by-key.js";
import { getMap } from "./sides.js";
import { chosenSpot } from "./spots.js";
import { onDesk, page } from "./state.js";

const LOOK = { className: "defect", weight: 2, interactive: false };
let drawn = [];
let marks = null;
let tool = null;
let stroke = null;
let changed = () => {};

/** Wire the tools; calls back when what is drawn changes. */
export function startDraw(onChange) {
  changed = onChange;
  marks = L.layerGroup().addTo(getMap());
  $("defect-kind").append(...page.defects.map(({ value, label }) => h("option", { value }, label)));
  $("defect-class").append(...page.classes.map(({ label }, index) => h("option", { value: index + 1 }, label)));
  $("defect-kind").addEventListener("change", () => ($("defect-class-label").hidden = $("defect-kind").value !== "classes"));
  for (const button of document.querySelectorAll("[data-draw]")) button.addEventListener("click", () => use(button.dataset.draw));
  getMap().on("draw:created", ({ layer }) => add(layer.toGeoJSON().geometry));
  getMap().on("draw:drawstop", () => setTimeout(stop));
  $("brush-width").addEventListener("input", showWidth);
  getMap().getContainer().addEventListener("pointerdown", beginStroke, true);
  startDrawingByKey(() => tool, add, brushMetres);
  onDesk(clear);
}

/** Begin one of the ways to draw: "polygon", "brush", "spot" or "view". */
export function use(way) {
  if ($("reject-fields").hidden) return;
  const again = tool?.way === way;
  stop();
  if (again) return;
  if (way === "spot" || way === "view") {
    const bounds = way === "spot" ? chosenSpot() : getMap().getBounds();
    if (bounds) add(L.rectangle(bounds).toGeoJSON().geometry);
    else announce(gettext("No hot spot is chosen: press N."));
    return;
  }
  begin(way);
}

function begin(way) {
  tool = { way, handler: way === "polygon" ? new L.Draw.Polygon(getMap(), { shapeOptions: LOOK, showArea: false }) : null };
  tool.handler?.enable();
  if (way === "brush") getMap().dragging.disable();
  getMap().getContainer().classList.add("drawing-now");
  $("brush-label").hidden = way !== "brush";
  showWidth();
  press(way);
  $("drawing").hidden = false;
  $("drawing").textContent = way === "polygon" ? gettext("Click corner by corner; the first corner closes it. By keyboard: arrows move the map under the cross, Enter sets a corner, Enter once more closes it. Esc ends.")
    : gettext("Paint over the defect. By keyboard: Enter begins and ends, arrows move the map under the cross. Esc ends.");
  $("cross").hidden = false;
  getMap().getContainer().focus();
}

/** End drawing; tells whether anything was under way. */
export function stop() {
  if (!tool) return false;
  const { handler } = tool;
  tool = stroke = null;
  endDrawingByKey();
  handler?.disable();
  getMap().dragging.enable();
  getMap().getContainer().classList.remove("drawing-now");
  $("brush-label").hidden = $("drawing").hidden = $("cross").hidden = true;
  press(null);
  return true;
}

function press(way) {
  for (const button of document.querySelectorAll("[data-draw][aria-pressed]")) button.setAttribute("aria-pressed", button.dataset.draw === way);
}

/** The brush in metres on the ground: its width on the screen at this zoom. */
function brushMetres() {
  const map = getMap();
  const middle = map.getSize().divideBy(2);
  const across = middle.add([Number($("brush-width").value), 0]);
  return Math.max(Math.round(map.distance(map.containerPointToLatLng(middle), map.containerPointToLatLng(across))), 20);
}

function showWidth() {
  $("brush-words").textContent = gettext("%(metres)s m", { metres: number(brushMetres()) });
}

function beginStroke(event) {
  if (tool?.way !== "brush" || event.target.closest(".leaflet-control")) return;
  event.preventDefault();
  event.stopPropagation();
  const map = getMap();
  const place = (one) => map.mouseEventToLatLng(one);
  stroke = { points: [place(event)], line: L.polyline([place(event)], { ...LOOK, weight: Number($("brush-width").value), opacity: 0.5 }).addTo(map) };
  const move = (next) => {
    stroke.points.push(place(next));
    stroke.line.addLatLng(place(next));
  };
  const end = () => {
    removeEventListener("pointermove", move);
    const { points, line } = stroke;
    line.remove();
    const coordinates = points.map(({ lng, lat }) => [lng, lat]);
    const geometry = points.length > 1 ? { type: "LineString", coordinates } : { type: "Point", coordinates: coordinates[0] };
    add(geometry, brushMetres());
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
}

function add(geometry, width) {
  const kind = $("defect-kind").value;
  const one = { kind, geometry, ...(width && { width }), ...(kind === "classes" && { code: Number($("defect-class").value) }) };
  one.layer = L.geoJSON(geometry, { style: width ? { ...LOOK, weight: pixels(width), opacity: 0.5, lineCap: "round" } : LOOK, pointToLayer: (_, place) => L.circle(place, { ...LOOK, radius: width / 2 }) }).addTo(marks);
  drawn.push(one);
  refresh();
  announce(gettext("%(what)s drawn.", { what: wordsOf(one) }));
}

const pixels = (metres) => (metres / brushMetres()) * Number($("brush-width").value);
const labelOf = (kind) => page.defects.find(({ value }) => value === kind).label;
const wordsOf = ({ kind, code }) => (code ? gettext("%(defect)s: %(class)s", { defect: labelOf(kind), class: page.classes[code - 1].label }) : labelOf(kind));

function refresh() {
  $("defects").replaceChildren(...drawn.map((one) => h("li", {}, h("span", {}, wordsOf(one)),
    h("button", { type: "button", class: "plain", "aria-label": gettext("Remove %(what)s", { what: wordsOf(one) }), onclick: () => remove(one) }, gettext("Remove")))));
  changed();
}

function remove(one) {
  one.layer.remove();
  drawn = drawn.filter((other) => other !== one);
  refresh();
}

function clear(desk) {
  stop();
  marks.clearLayers();
  drawn = [];
  const old = desk.reviews.flatMap(({ defects }) => defects);
  for (const { geometry, kind } of old) L.geoJSON(geometry, { style: { ...LOOK, className: `defect old ${kind}`, dashArray: "5 5", fill: false } }).addTo(marks);
  refresh();
}

/** What was drawn, as the API takes it. */
export const drawings = () => drawn.map(({ layer, ...one }) => one);

/** Go to an area that was drawn before. */
export function goTo(geometry) {
  getMap().fitBounds(L.geoJSON(geometry).getBounds(), { animate: false, padding: [60, 60], maxZoom: 14 });
}

