/** The pixel inspector: what a place is made of. */

import { $, h } from "../js/dom.js";
import { gettext, number, pgettext } from "../js/i18n.js";
import { day, percent } from "../js/words.js";
import * as api from "./api.js";
import { getMap } from "./sides.js";
import { onDesk, page, state } from "./state.js";

let asked = 0;
let mark = null;

/** Wire clicks on the map and the button. */
export function startPixel() {
  getMap().on("click", ({ latlng }) => {
    if (!getMap().getContainer().classList.contains("drawing-now")) inspect(latlng);
  });
  $("pixel-middle").addEventListener("click", inspectMiddle);
  onDesk(forget);
}

/** Look at the middle of the map. */
export const inspectMiddle = () => inspect(getMap().getCenter());

function forget() {
  asked += 1;
  mark?.remove();
  $("pixel-told").replaceChildren(h("p", { class: "muted" }, gettext("Click the map, or press I for the middle of it.")));
}

async function inspect(place) {
  const turn = ++asked;
  mark?.remove();
  mark = L.circleMarker(place, { radius: 6, weight: 2, fill: false, className: "pixel-mark", interactive: false }).addTo(getMap());
  try {
    const told = await api.pixel(state.desk.build, place);
    if (turn === asked) $("pixel-told").replaceChildren(...describe(told));
  } catch (error) {
    if (turn === asked) $("pixel-told").replaceChildren(h("p", { class: "notice bad" }, error.message));
  }
}

function describe(told) {
  const { values, reflectance, source } = told;
  const bands = (of, digits) => (of ? Object.values(of).map((value) => number(value, digits)).join(" · ") : gettext("no data"));
  const rows = [
    [gettext("Place"), gettext("%(lat)s, %(lon)s", { lat: number(told.lat, 5), lon: number(told.lon, 5) })],
    [gettext("Red · green · blue · NIR"), bands(values, 0)],
    [gettext("Reflectance"), bands(reflectance, 3)],
    [gettext("Class"), told.landcover ? gettext("%(class)s, %(confidence)s", { class: told.landcover, confidence: `${number(told.confidence)} %` }) : gettext("no data")],
    [pgettext("scene", "From"), source ? gettext("%(date)s (no. %(rank)s), %(sure)s", { date: day(source.datetime), rank: source.rank, sure: source.sure }) : gettext("no scene: a hole")],
  ];
  return [
    h("dl", { class: "facts" }, rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    ...probabilities(told.probabilities),
    dates(told.dates, source),
  ];
}

function probabilities(shares) {
  const found = Object.entries(shares);
  if (!found.length) return [];
  const colours = Object.fromEntries(page.classes.map(({ label, colour }) => [label, colour]));
  return [h("h3", {}, gettext("Fused probabilities")), h("ul", { class: "bars" }, found.map(([name, share]) => {
    const bar = h("span", { class: "bar-fill", "aria-hidden": "true" });
    bar.style.width = `${share * 100}%`;
    bar.style.background = colours[name];
    return h("li", {}, h("span", { class: "bar-name" }, name), h("span", { class: "bar-track" }, bar), h("span", { class: "number" }, percent(share)));
  }))];
}

function dates(rows, source) {
  const head = h("tr", {}, [gettext("Date"), gettext("Mask"), gettext("Class"), gettext("Sure")].map((word) => h("th", { scope: "col" }, word)));
  const body = rows.map((row) => h("tr", { class: source && row.scene === source.scene ? "chosen" : "" },
    h("td", { title: row.scene }, day(row.datetime), row.rank ? ` (${row.rank})` : ""), h("td", {}, row.mask),
    h("td", {}, row.landcover || "–"), h("td", {}, row.confidence == null ? "–" : `${number(row.confidence)} %`)));
  return h("table", { class: "scenes" }, h("caption", { class: "visually-hidden" }, gettext("What each date shows here")), h("thead", {}, head), h("tbody", {}, body));
}
