/** What the raster shows under a click: class, confidence and the date of the scene, in one line. */

import * as api from "./api.js";
import { $ } from "./dom.js";
import { gettext, number } from "./i18n.js";
import { getMap } from "./map.js";
import { on, store } from "./store.js";
import { classWords, day } from "./words.js";

let asked = 0;

/** Answer clicks on the map, and forget the answer when something else is looked at. */
export function startPoint() {
  getMap().on("click", ({ latlng }) => ask(latlng.wrap()));
  on("campaign view", forget);
}

async function ask({ lat, lng }) {
  const turn = ++asked;
  if (!store.view || getMap().getContainer().classList.contains("drawing-now")) return;
  const told = await api.point(store.campaign.slug, store.view.word, lng, lat);
  if (turn === asked) show(told ? gettext("%(lat)s, %(lon)s: %(what)s", { lat: number(lat, 4), lon: number(lng, 4), what: describe(told) }) : "");
}

function describe({ landcover, confidence, scene, filled_from }) {
  const kind = landcover && `${classWords(landcover.class)}${confidence == null ? "" : ` (${number(confidence)} %)`}`;
  const date = filled_from ? gettext("filled from %(date)s, an older date", { date: filled_from }) : scene?.datetime && gettext("scene of %(date)s", { date: day(scene.datetime) });
  return [kind || gettext("no landcover"), date].filter(Boolean).join(" · ");
}

function forget() {
  asked += 1;
  show("");
}

function show(sentence) {
  $("pixel").hidden = !sentence;
  $("pixel").textContent = sentence;
}
