/** Labelling points blind: two pictures, six keys. */

import { ask } from "../js/api.js";
import { $, announce, h, tell } from "../js/dom.js";
import { gettext, number } from "../js/i18n.js";
import { day } from "../js/words.js";

const page = JSON.parse($("page-data").textContent);
const NEAR_PIXELS = 40;
const FAR_PIXELS = 240;
const METRES_OF_A_DEGREE = 111_320;
const desks = new Map();
const maps = {};
let waiting = [];
let past = [];
let point = null;
let date = -1;
let far = false;
let done = 0;
let sending = Promise.resolve();

function start() {
  for (const id of ["near", "false"]) {
    maps[id] = { map: L.map(id, { zoomControl: false, attributionControl: false, zoomSnap: 0.25, zoomAnimation: false, fadeAnimation: false, maxZoom: 20 }), layers: L.layerGroup() };
    maps[id].layers.addTo(maps[id].map);
    new ResizeObserver(() => maps[id].map.invalidateSize({ animate: false })).observe($(id));
  }
  $("choices").replaceChildren(...page.classes.map(({ label, colour }, index) => {
    const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.background = colour;
    return h("button", { type: "button", onclick: () => give(index + 1) }, h("kbd", {}, String(index + 1)), swatch, label);
  }));
  $("unknown").addEventListener("click", () => give(null));
  $("back").addEventListener("click", back);
  $("date").addEventListener("click", nextDate);
  $("context").addEventListener("click", nearer);
  document.addEventListener("keydown", press);
  goOn();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const key = event.key.toLowerCase();
  const acts = { 0: () => give(null), z: back, d: nextDate, c: nearer };
  if (key >= "1" && key <= "6") give(Number(key));
  else if (acts[key]) acts[key]();
  else return;
  event.preventDefault();
}

async function goOn() {
  try {
    if (waiting.length < 2) await refill();
    await show(waiting.shift() || null);
  } catch (error) {
    tell($("message"), error.message);
  }
}

async function refill() {
  const known = new Set([point, ...waiting, ...past].filter(Boolean).map(({ id }) => id));
  const found = await ask(`assessments/${page.assessment}/points/`, {});
  waiting.push(...found.filter(({ id }) => !known.has(id)));
  for (const { build } of waiting) layersOf(build);
}

function layersOf(build) {
  if (!desks.has(build)) desks.set(build, ask(`desk/${build}/`));
  return desks.get(build);
}

async function show(next) {
  point = next;
  date = -1;
  $("done").hidden = Boolean(next);
  if (!next) {
    $("point-heading").textContent = gettext("No point is left");
    $("point-where").textContent = "";
    tell($("done"), gettext("All points are labelled, or others look at the rest."), "good");
    return;
  }
  $("point-heading").textContent = gettext("Point %(number)s", { number: next.number });
  $("point-where").textContent = gettext("%(lat)s, %(lon)s in %(tile)s", { lat: number(next.lat, 5), lon: number(next.lon, 5), tile: next.tile });
  await draw();
  document.body.dataset.point = next.number;
  announce(gettext("Point %(number)s.", { number: next.number }));
}

async function draw() {
  const here = point;
  const desk = await layersOf(here.build);
  if (here !== point) return;
  const dated = desk.scenes.filter(({ layers }) => layers.rgb);
  const scene = date < 0 ? null : dated[date % dated.length];
  const address = (name) => (scene ? scene.layers[name] : desk.layers.find((layer) => layer.name === name)?.address);
  const dateOf = scene && day(scene.datetime);
  const titles = {
    near: scene ? gettext("True colour of %(date)s", { date: dateOf }) : gettext("True colour of the mosaic"),
    false: scene ? gettext("False colour of %(date)s", { date: dateOf }) : gettext("False colour of the mosaic"),
  };
  for (const [id, name] of [["near", "rgb"], ["false", "nir"]]) {
    $(`${id}-words`).textContent = titles[id];
    const { map, layers } = maps[id];
    map.fitBounds(square((far ? FAR_PIXELS : NEAR_PIXELS) * page.resolution), { animate: false });
    layers.clearLayers();
    if (address(name)) layers.addLayer(L.tileLayer(address(name), { maxZoom: 20, maxNativeZoom: 14 }));
    layers.addLayer(L.rectangle(square(page.resolution), { color: "#00e5ff", weight: 2, fill: false, interactive: false }));
  }
}

/** A square of so many metres around the point. */
function square(metres) {
  const up = metres / 2 / METRES_OF_A_DEGREE;
  const across = up / Math.cos((point.lat * Math.PI) / 180);
  return [[point.lat - up, point.lon - across], [point.lat + up, point.lon + across]];
}

async function give(label) {
  if (!point) return;
  const given = point;
  past.push(given);
  done += 1;
  $("progress").value = done;
  // One after the other, so that of two labels of a point the later one counts.
  sending = sending.catch(() => null).then(() => ask(`assessments/${page.assessment}/label/`, { point: given.id, label }));
  const sent = sending;
  goOn();
  try {
    await sent;
    tell($("message"), "");
  } catch (error) {
    tell($("message"), error.message);
  }
}

function back() {
  const last = past.pop();
  if (!last) return;
  if (point) waiting.unshift(point);
  done -= 1;
  $("progress").value = done;
  show(last);
}

function nextDate() {
  if (!point) return;
  date += 1;
  draw();
}

function nearer() {
  if (!point) return;
  far = !far;
  draw();
}

start();
