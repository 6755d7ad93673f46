/** Layer switch, opacity, legend. */

import { $, h } from "./dom.js";
import { number } from "./i18n.js";
import { fade, showRaster } from "./map.js";
import { on, store } from "./store.js";
import { LOOKS } from "./words.js";

let layer = "rgb";
let opacity = 1;

/** Fill the card on the map and follow the campaign and the view. */
export function startLayers(layers) {
  $("layer-list").replaceChildren(...layers.map(entry));
  $("layers-toggle").addEventListener("click", toggle);
  $("opacity").addEventListener("input", (event) => {
    opacity = event.target.value / 100;
    $("opacity-value").textContent = `${number(Number(event.target.value))} %`;
    fade(opacity);
  });
  $("state-legend").replaceChildren(...Object.entries(LOOKS).map(([look, { glyph, words }]) =>
    h("li", {}, h("span", { class: `badge ${look}` }, h("span", { class: "glyph", "aria-hidden": "true" }, glyph)), words)));
  on("view", refresh);
  showLegend();
}

function entry({ name, title }) {
  const input = h("input", { type: "radio", name: "layer", value: name, onchange: () => choose(name) });
  input.checked = name === layer;
  return h("li", {}, h("label", {}, input, title));
}

function toggle() {
  const open = $("layers").classList.toggle("open");
  $("layers-toggle").setAttribute("aria-expanded", open);
}

function choose(name) {
  layer = name;
  showLegend();
  refresh();
}

function refresh() {
  showRaster(store.campaign, store.view, layer, opacity);
}

function showLegend() {
  const { legend, title } = store.page.layers.find((item) => item.name === layer);
  const heading = h("h3", {}, title);
  if (!legend.length) $("legend").replaceChildren();
  else if (layer === "confidence") $("legend").replaceChildren(heading, ...ramp(legend));
  else $("legend").replaceChildren(heading, h("ul", { class: "legend-list" }, legend.map(swatch)));
}

function swatch({ label, colour }) {
  const patch = h("span", { class: "swatch", "aria-hidden": "true" });
  patch.style.background = colour;
  return h("li", {}, patch, label);
}

function ramp(legend) {
  const bar = h("span", { class: "ramp", "aria-hidden": "true" });
  bar.style.background = `linear-gradient(90deg, ${legend.map(({ label, colour }) => `${colour} ${label.replace(" ", "")}`)})`;
  const [first, last] = [legend[0], legend.at(-1)];
  return [bar, h("p", { class: "ramp-labels" }, h("span", {}, first.label), h("span", {}, last.label))];
}
