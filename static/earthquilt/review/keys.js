/** Single keys for everything, listed under ?. */

import { $, h } from "../js/dom.js";

const REMEMBER = "earthquilt.review.keys";
let table = [];

/** Take the keys: rows of {keys, group, words, run}. */
export function startKeys(rows) {
  table = rows;
  $("keys-on").checked = localStorage.getItem(REMEMBER) !== "off";
  $("keys-on").addEventListener("change", () => localStorage.setItem(REMEMBER, $("keys-on").checked ? "on" : "off"));
  $("help-keys").replaceChildren(...[...new Set(rows.map(({ group }) => group))].map(section));
  $("open-help").addEventListener("click", openHelp);
  document.addEventListener("keydown", press);
}

/** Open the list of keys. */
export function openHelp() {
  $("help").showModal();
}

function section(group) {
  const rows = table.filter((row) => row.group === group);
  return h("section", {}, h("h3", {}, group), h("dl", {}, rows.flatMap(({ shown, keys, words }) => [
    h("dt", {}, (shown || keys).map((key) => h("kbd", {}, key))), h("dd", {}, words)])));
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || $("help").open) return;
  if (event.target.closest("input:not([type=range], [type=checkbox]), textarea, select, .leaflet-draw-tooltip")) return;
  if (!$("keys-on").checked && event.key !== "?") return;
  const row = table.find(({ keys }) => keys.includes(event.key) || keys.includes(event.key.toUpperCase()) && event.key.length === 1 && !event.shiftKey);
  if (!row) return;
  event.preventDefault();
  row.run(event);
}
