/** The tiles as a list that the keyboard can walk. */

import { $, h } from "./dom.js";
import { showChosen } from "./grid.js";
import { gettext } from "./i18n.js";
import { on, set, store } from "./store.js";
import { LOOKS, lookOf, percent, stateWords } from "./words.js";

let active = null;

/** Fill the list whenever tiles change. */
export function startList() {
  const list = $("tiles");
  list.addEventListener("keydown", walk);
  list.addEventListener("click", (event) => pick(event.target.closest("li")?.dataset.name));
  list.addEventListener("focus", () => activate(active || store.chosen || shown()[0]?.name));
  for (const look of Object.keys(LOOKS)) $("tiles-filter").append(h("option", { value: look }, LOOKS[look].words));
  $("tiles-filter").addEventListener("change", fill);
  on("tiles chosen", fill);
  on("desk", () => filterFor(store.desk));
}

/** On the review desk, show first what waits for a verdict. */
function filterFor(desk) {
  const wanted = desk === "review" && store.page.user.may_review ? "made" : "";
  if ($("tiles-filter").value !== wanted) $("tiles-filter").value = wanted;
  fill();
}

function shown() {
  const look = $("tiles-filter").value;
  return store.tiles.filter((tile) => !look || lookOf(tile) === look || tile.name === store.chosen);
}

function fill() {
  const rows = shown();
  $("tiles").replaceChildren(...rows.map(row));
  $("tiles-count").textContent = rows.length === store.tiles.length ? `${rows.length}` : gettext("%(shown)s of %(all)s", { shown: rows.length, all: store.tiles.length });
  $("tiles-empty").hidden = rows.length > 0;
  $("tiles-empty").textContent = emptyWords();
  activate(active);
}

function emptyWords() {
  if (store.tiles.length) return gettext("No tile is in this state.");
  return store.campaign?.tile_count > store.page.most_tiles ? gettext("Zoom in to list the tiles in view.") : gettext("This campaign has no tiles yet: order an area to begin.");
}

function row(tile) {
  const look = lookOf(tile);
  return h("li", { role: "option", id: `tile-${tile.name}`, "data-name": tile.name, "aria-selected": tile.name === store.chosen },
    h("span", { class: "name" }, tile.name),
    h("span", { class: `badge ${look}` }, h("span", { class: "glyph", "aria-hidden": "true" }, LOOKS[look].glyph), stateWords(tile)),
    h("span", { class: "share" }, tile.coverage == null ? "" : percent(tile.coverage)));
}

function activate(name) {
  active = shown().some((tile) => tile.name === name) ? name : null;
  for (const item of $("tiles").children) item.classList.toggle("active", item.dataset.name === active);
  if (active) $("tiles").setAttribute("aria-activedescendant", `tile-${active}`);
  else $("tiles").removeAttribute("aria-activedescendant");
  if (active && document.activeElement === $("tiles")) $(`tile-${active}`).scrollIntoView({ block: "nearest" });
}

function walk(event) {
  const names = shown().map((tile) => tile.name);
  const at = names.indexOf(active);
  const moves = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: names.length - 1 };
  if (event.key in moves) activate(names[Math.min(Math.max(moves[event.key], 0), names.length - 1)]);
  else if (event.key === "Enter" || event.key === " ") pick(active);
  else return;
  event.preventDefault();
}

function pick(name) {
  if (!name) return;
  active = name;
  set("chosen", name);
  showChosen();
  $("tile-heading").focus({ preventScroll: false });
}
