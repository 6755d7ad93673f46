/** Drawing by keyboard: the map moves under a cross in its middle, Enter sets corners or begins and ends a stroke. */

import { announce } from "../js/dom.js";
import { gettext, ngettext } from "../js/i18n.js";
import { getMap } from "./sides.js";

const LOOK = { className: "defect", weight: 2, interactive: false };
const LEAST_CORNERS = 3;
const SAME_PIXELS = 4;
let corners = [];
let line = null;
let toolNow = () => null;
let give = () => {};
let width = () => 0;

/** Wire the keys: `tool` tells the way that is drawn now, `add` takes a geometry and the brush's metres. */
export function startDrawingByKey(tool, add, metres) {
  [toolNow, give, width] = [tool, add, metres];
  const map = getMap();
  map.getContainer().addEventListener("keydown", press);
  map.on("moveend", () => toolNow()?.way === "brush" && corners.length && place());
}

/** Forget what was begun. */
export function endDrawingByKey() {
  line?.remove();
  corners = [];
  line = null;
}

function press(event) {
  if (event.target !== getMap().getContainer() || !toolNow()) return;
  if (event.key === "Backspace" && corners.length) {
    corners.pop();
    show();
  } else if (event.key === "Enter") {
    (toolNow().way === "polygon" ? corner : stroke)();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

function corner() {
  const map = getMap();
  const last = corners.at(-1);
  const again = last && map.latLngToContainerPoint(last).distanceTo(map.getSize().divideBy(2)) < SAME_PIXELS;
  if (!again) {
    place();
    announce(ngettext("%(count)s corner is set.", "%(count)s corners are set.", corners.length));
  } else if (corners.length < LEAST_CORNERS) {
    announce(gettext("A polygon has three corners at least."));
  } else {
    const ring = corners.map(({ lng, lat }) => [lng, lat]);
    finish({ type: "Polygon", coordinates: [[...ring, ring[0]]] });
  }
}

function stroke() {
  if (!corners.length) {
    place();
    announce(gettext("The stroke has begun."));
    return;
  }
  const points = corners.map(({ lng, lat }) => [lng, lat]);
  finish(points.length > 1 ? { type: "LineString", coordinates: points } : { type: "Point", coordinates: points[0] }, width());
}

function finish(geometry, metres) {
  endDrawingByKey();
  give(geometry, metres);
}

function place() {
  corners.push(getMap().getCenter());
  show();
}

function show() {
  line?.remove();
  line = L.polyline(corners, LOOK).addTo(getMap());
}
