/** Hot spots: the places to look at, one after the other. */

import { $, announce, h } from "../js/dom.js";
import { gettext, number } from "../js/i18n.js";
import { getMap } from "./sides.js";
import { onDesk, state } from "./state.js";

const MOST_ZOOM = 13;
let at = -1;
let marks = null;

/** Wire the buttons. */
export function startSpots() {
  marks = L.layerGroup().addTo(getMap());
  $("spot-on").addEventListener("click", () => step(1));
  $("spot-back").addEventListener("click", () => step(-1));
  onDesk(show);
}

function show({ spots }) {
  at = -1;
  marks.clearLayers();
  $("spots-count").textContent = spots.length || "";
  $("spots-empty").hidden = spots.length > 0;
  $("spots").replaceChildren(...spots.map((spot, index) => h("li", {}, h("button", { type: "button", class: "plain", onclick: () => go(index) },
    h("span", {}, spot.words), h("span", { class: "number muted" }, gettext("%(hectares)s ha", { hectares: number(spot.hectares) }))))));
  for (const { box: [west, south, east, north], kind } of spots) {
    marks.addLayer(L.rectangle([[south, west], [north, east]], { className: `spot ${kind}`, weight: 1.5, fill: false, interactive: false }));
  }
}

/** The ground of the chosen spot, or null. */
export function chosenSpot() {
  const spot = state.desk.spots[at];
  return spot ? [[spot.box[1], spot.box[0]], [spot.box[3], spot.box[2]]] : null;
}

/** Go to the next or previous spot. */
export function step(by) {
  const { length } = state.desk.spots;
  if (length) go((at + by + length + (at < 0 && by < 0 ? 1 : 0)) % length);
}

function go(index) {
  at = index;
  const spot = state.desk.spots[index];
  const [west, south, east, north] = spot.box;
  getMap().fitBounds([[south, west], [north, east]], { maxZoom: MOST_ZOOM, animate: false, padding: [60, 60] });
  [...$("spots").children].forEach((item, number) => item.classList.toggle("chosen", number === index));
  $("spots").children[index].scrollIntoView({ block: "nearest" });
  announce(gettext("Hot spot %(number)s of %(all)s: %(what)s, %(hectares)s hectares.", {
    number: index + 1, all: state.desk.spots.length, what: spot.words, hectares: number(spot.hectares),
  }));
}
