/** The two sides of the comparison on one map: swipe, opacity, flicker, masks. */

import { $, h } from "../js/dom.js";
import { gettext } from "../js/i18n.js";
import { day } from "../js/words.js";
import { onDesk, page, state } from "./state.js";

const EMPTY = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
const FLICKER_MS = 600;
const SIDES = ["left", "right"];
const sides = { left: { value: "rgb" }, right: { value: "landcover" } };
let map = null;
let mode = "swipe";
const amounts = { swipe: 50, fade: 50, flicker: 0 };
let timer = null;
let masks = false;
let changed = () => {};

export const getMap = () => map;
export const isCategorical = (side) => Boolean(sides[side].choice?.categorical);

/** Make the map and wire the strip above it; calls back when what is shown changes. */
export function startSides(onChange) {
  changed = onChange;
  sides.right.value = new URLSearchParams(location.search).get("right") || sides.right.value;
  map = L.map("map", { zoomControl: false, minZoom: 5, maxZoom: 18, zoomSnap: 0.5, zoomAnimation: false, fadeAnimation: false, keyboardPanDelta: 120 });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  L.control.zoom({ position: "topright", zoomInTitle: gettext("Zoom in"), zoomOutTitle: gettext("Zoom out") }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright" }).addTo(map);
  SIDES.forEach((side, index) => (map.createPane(side).style.zIndex = 210 + index));
  if (page.base_map) L.tileLayer(page.base_map.url, { attribution: page.base_map.attribution, zIndex: 1 }).addTo(map);
  new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
  map.on("move zoom resize", arrange);
  for (const side of SIDES) $(side).addEventListener("change", () => choose(side, $(side).value));
  $("exchange").addEventListener("click", exchange);
  $("mask").addEventListener("click", toggleMasks);
  $("whole").addEventListener("click", whole);
  $("compare").addEventListener("submit", (event) => event.preventDefault());
  for (const button of document.querySelectorAll("[data-mode]")) button.addEventListener("click", () => setMode(button.dataset.mode));
  $("amount").addEventListener("input", () => setAmount(Number($("amount").value)));
  startDivider();
  onDesk(show);
}

/** The choices of a build: its layers, then the dated scenes in true and false colour and as landcover. */
export function choicesOf(desk) {
  const layers = desk.layers.map(({ name, title, address, categorical }) => ({ value: name, title, address, categorical }));
  const titles = { rgb: gettext("true colour"), nir: gettext("false colour"), landcover: gettext("landcover") };
  const scenes = desk.scenes.flatMap((scene) => Object.keys(titles).filter((name) => scene.layers[name]).map((name) => ({
    value: `${scene.key}:${name}`, title: scene.rank
      ? gettext("%(date)s %(layer)s (no. %(rank)s)", { date: day(scene.datetime), layer: titles[name], rank: scene.rank })
      : gettext("%(date)s %(layer)s", { date: day(scene.datetime), layer: titles[name] }),
    address: scene.layers[name], mask: scene.layers.mask, categorical: name === "landcover", scene,
  })));
  const others = desk.others.flatMap(({ key, number, layers: there }) => Object.keys(there).map((name) => ({
    value: `rev${key}:${name}`, title: gettext("Revision %(number)s %(layer)s", { number, layer: titles[name] }), address: there[name], categorical: name === "landcover",
  })));
  return { layers, scenes, others };
}

const allOf = (desk) => Object.values(choicesOf(desk)).flat();

function show(desk) {
  map.fitBounds(boundsOf(desk), { animate: false, padding: [8, 8] });
  const { layers, scenes, others } = choicesOf(desk);
  const all = allOf(desk);
  for (const side of SIDES) {
    const options = ({ value, title }) => h("option", { value }, title);
    $(side).replaceChildren(h("optgroup", { label: gettext("Tile") }, layers.map(options)), h("optgroup", { label: gettext("Dates") }, scenes.map(options)),
      ...(others.length ? [h("optgroup", { label: gettext("Other revisions") }, others.map(options))] : []));
    const wanted = all.find(({ value }) => value === sides[side].value) || all.find(({ value }) => value === "rgb") || all[0];
    draw(side, wanted);
  }
  arrange();
}

export const boundsOf = ({ bounds: [west, south, east, north] }) => L.latLngBounds([south, west], [north, east]);

function choose(side, value) {
  const choice = allOf(state.desk).find((one) => one.value === value);
  if (choice) draw(side, choice);
}

function draw(side, choice) {
  sides[side].layer?.remove();
  sides[side].mask?.remove();
  Object.assign(sides[side], { layer: null, mask: null, choice });
  if (!choice) return;
  sides[side].value = choice.value;
  $(side).value = choice.value;
  $(`side-${side}`).textContent = choice.title;
  sides[side].layer = tiles(choice.address, side, 1).on("load", changed).addTo(map);
  sides[side].mask = masks && choice.mask ? tiles(choice.mask, side, 2).addTo(map) : null;
}

function tiles(address, pane, zIndex) {
  return L.tileLayer(address, { pane, zIndex, maxZoom: 18, maxNativeZoom: 14, bounds: boundsOf(state.desk), errorTileUrl: EMPTY, keepBuffer: 4 });
}

/** The addresses of the map tiles that a build shows first, as the map will ask for them. */
export function firstPictures(desk) {
  const bounds = boundsOf(desk);
  const zoom = map._getBoundsCenterZoom(bounds, { padding: [8, 8] });
  const level = Math.round(zoom.zoom);
  const middle = map.project(zoom.center, zoom.zoom);
  const half = map.getSize().divideBy(2);
  const scale = map.getZoomScale(level, zoom.zoom);
  const box = L.bounds(middle.subtract(half).multiplyBy(scale), middle.add(half).multiplyBy(scale));
  const wanted = SIDES.map((side) => allOf(desk).find(({ value }) => value === sides[side].value));
  return wanted.filter(Boolean).flatMap(({ address }) => addressesIn(address, box, level, bounds));
}

function addressesIn(address, box, z, bounds) {
  const found = [];
  for (let x = Math.floor(box.min.x / 256); x <= Math.floor(box.max.x / 256); x++) {
    for (let y = Math.floor(box.min.y / 256); y <= Math.floor(box.max.y / 256); y++) {
      const corner = L.point(x, y).multiplyBy(256);
      const ground = L.latLngBounds(map.unproject(corner, z), map.unproject(corner.add([256, 256]), z));
      if (ground.overlaps(bounds)) found.push(L.Util.template(address, { z, x, y }));
    }
  }
  return found;
}

/** Exchange left and right. */
export function exchange() {
  const [left, right] = SIDES.map((side) => sides[side].value);
  choose("left", right);
  choose("right", left);
  changed();
}

/** Show the tile's n-th layer on a side. */
export function chooseLayer(side, index) {
  const layer = choicesOf(state.desk).layers[index];
  if (layer) choose(side, layer.value);
}

/** Go to the next or previous date on the right. */
export function stepDate(step) {
  const dates = choicesOf(state.desk).scenes.filter(({ value }) => value.endsWith(":rgb"));
  if (!dates.length) return;
  const at = dates.findIndex(({ value }) => value === sides.right.value);
  choose("right", dates[(at + step + dates.length + (at < 0 && step < 0 ? 1 : 0)) % dates.length].value);
}

/** Show or hide the cloud masks of dated scenes. */
export function toggleMasks() {
  masks = !masks;
  $("mask").setAttribute("aria-pressed", masks);
  for (const side of SIDES) draw(side, sides[side].choice);
}

/** The whole tile. */
export function whole() {
  map.fitBounds(boundsOf(state.desk), { animate: false, padding: [8, 8] });
}

/** Compare by "swipe", "fade" or "flicker". */
export function setMode(wanted) {
  mode = wanted;
  clearInterval(timer);
  timer = null;
  for (const button of document.querySelectorAll("[data-mode]")) button.setAttribute("aria-pressed", button.dataset.mode === mode);
  $("amount-words").textContent = { swipe: gettext("Divider"), fade: gettext("Opacity of the right"), flicker: gettext("Flicker") }[mode];
  $("amount").disabled = mode === "flicker";
  $("amount").value = amounts[mode];
  if (mode === "flicker" && !matchMedia("(prefers-reduced-motion: reduce)").matches) timer = setInterval(blink, FLICKER_MS);
  arrange();
}

/** Flicker by hand: show the other side. */
export function blink() {
  if (mode !== "flicker") setMode("flicker");
  amounts.flicker = amounts.flicker ? 0 : 100;
  arrange();
}

/** Stop or begin flickering. */
export const toggleFlicker = () => setMode(mode === "flicker" ? "swipe" : "flicker");

/** Move the divider, or change the opacity of the right. */
export function nudge(step) {
  if (mode !== "flicker") setAmount(Math.min(Math.max(amounts[mode] + step, 0), 100));
}

function setAmount(value) {
  amounts[mode] = value;
  $("amount").value = value;
  arrange();
}

function arrange() {
  const [left, right] = SIDES.map((side) => map.getPane(side));
  const size = map.getSize();
  const corner = map.containerPointToLayerPoint([0, 0]);
  const end = corner.add(size);
  const at = mode === "swipe" ? corner.x + (size.x * amounts.swipe) / 100 : null;
  left.style.clip = at == null ? "" : `rect(${corner.y}px, ${at}px, ${end.y}px, ${corner.x}px)`;
  right.style.clip = at == null ? "" : `rect(${corner.y}px, ${end.x}px, ${end.y}px, ${at}px)`;
  right.style.opacity = mode === "fade" ? amounts.fade / 100 : mode === "flicker" ? amounts.flicker / 100 : 1;
  $("divider").hidden = mode !== "swipe";
  $("divider").style.left = `${amounts.swipe}%`;
  $("side-left").classList.toggle("off", mode === "flicker" && amounts.flicker > 0);
  $("side-right").classList.toggle("off", mode === "flicker" && amounts.flicker === 0);
}

function startDivider() {
  const move = (event) => {
    const box = map.getContainer().getBoundingClientRect();
    setAmount(Math.min(Math.max(((event.clientX - box.left) / box.width) * 100, 0), 100));
  };
  $("divider").addEventListener("pointerdown", (event) => {
    event.preventDefault();
    $("divider").setPointerCapture(event.pointerId);
    $("divider").addEventListener("pointermove", move);
  });
  $("divider").addEventListener("pointerup", () => $("divider").removeEventListener("pointermove", move));
}
