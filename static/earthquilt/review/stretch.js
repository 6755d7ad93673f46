/** A histogram stretch for the eye only: 2nd to 98th percentile of what is on the screen, by band. */

import { $ } from "../js/dom.js";
import { getMap, isCategorical } from "./sides.js";

const LOW = 0.02;
const HIGH = 0.98;
const SAMPLE = 48;
let on = false;

/** Switch the stretch. */
export function toggleStretch() {
  on = !on;
  $("stretch").setAttribute("aria-pressed", on);
  refreshStretch();
}

/** Wire the button. */
export function startStretch() {
  $("stretch").addEventListener("click", toggleStretch);
  getMap().on("moveend", refreshStretch);
}

/** Count again what is on the screen, where the stretch is on. */
export function refreshStretch() {
  for (const side of ["left", "right"]) {
    const pane = getMap().getPane(side);
    const bands = on && !isCategorical(side) ? histogram(pane) : null;
    pane.style.filter = bands ? `url(#stretch-${side})` : "";
    if (bands) ["R", "G", "B"].forEach((band, index) => bend(side, band, bands[index]));
  }
}

function bend(side, band, counts) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const [low, high] = [LOW, HIGH].map((share) => percentile(counts, share * total) / 255);
  const slope = 1 / Math.max(high - low, 4 / 255);
  const curve = document.querySelector(`#stretch-${side} feFunc${band}`);
  curve.setAttribute("slope", slope.toFixed(4));
  curve.setAttribute("intercept", (-low * slope).toFixed(4));
}

function percentile(counts, wanted) {
  let sum = 0;
  for (let value = 0; value < 256; value++) {
    sum += counts[value];
    if (sum >= wanted) return value;
  }
  return 255;
}

/** Values of the pictures on the screen, 3 x 256 counts, or null where there are none. */
function histogram(pane) {
  const frame = getMap().getContainer().getBoundingClientRect();
  const seen = [...pane.querySelectorAll("img.leaflet-tile-loaded")].filter((picture) => {
    const box = picture.getBoundingClientRect();
    return box.right > frame.left && box.left < frame.right && box.bottom > frame.top && box.top < frame.bottom;
  });
  const counts = [0, 1, 2].map(() => new Uint32Array(256));
  const pen = Object.assign(document.createElement("canvas"), { width: SAMPLE, height: SAMPLE }).getContext("2d", { willReadFrequently: true });
  for (const picture of seen) {
    pen.clearRect(0, 0, SAMPLE, SAMPLE);
    pen.drawImage(picture, 0, 0, SAMPLE, SAMPLE);
    const { data } = pen.getImageData(0, 0, SAMPLE, SAMPLE);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] === 255) counts.forEach((band, index) => band[data[at + index]]++);
    }
  }
  return counts[0].some((count) => count) ? counts : null;
}
