/** Details of the chosen tile, and the reviewer's verdict on its revision. */

import * as api from "./api.js";
import { $, announce, h, tell } from "./dom.js";
import { gettext, ngettext, pgettext } from "./i18n.js";
import { chosenTile, on, set, store } from "./store.js";
import { LOOKS, day, figure, lookOf, moment, percent, stateWords } from "./words.js";

let shown = "";
let refreshAll = () => {};

/** Show details whenever another tile is chosen or the chosen one changes. */
export function startTile(refresh) {
  refreshAll = refresh;
  on("chosen tiles view", show);
  $("tile-close").addEventListener("click", () => set("chosen", null));
  $("verdict").addEventListener("submit", judge);
  $("verdict-kind").append(...store.page.reasons.map(({ value, label }) => h("option", { value }, label)));
}

const keyOf = (tile) => `${store.campaign.slug}/${tile.name} `;

async function show() {
  const tile = chosenTile();
  $("tile-heading").textContent = tile ? tile.name : gettext("No tile chosen");
  $("tile-hint").hidden = Boolean(tile);
  $("tile-details").hidden = $("tile-close").hidden = !tile;
  showVerdict(tile);
  if (!tile) return;
  const key = keyOf(tile) + JSON.stringify({ ...tile, geometry: null });
  if (key === shown) return;
  if (!shown.startsWith(keyOf(tile))) $("tile-details").replaceChildren(h("p", { class: "muted" }, gettext("Loading …")));
  shown = key;
  try {
    const details = await api.tile(store.campaign.slug, tile.name);
    if (key === shown) {
      $("tile-details").replaceChildren(...describe(details));
      window.htmx.process($("tile-details"));
    }
  } catch (error) {
    shown = "";
    $("tile-details").replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message));
  }
}

function describe(tile) {
  const look = lookOf(tile);
  const troubles = new Set([tile.status_text, tile.rejection, ...tile.warnings].filter(Boolean));
  return [
    h("p", { class: `badge ${look}` }, h("span", { class: "glyph", "aria-hidden": "true" }, LOOKS[look].glyph), stateWords(tile)),
    ...[...troubles].map((sentence) => h("p", { class: `notice ${look === "failed" ? "bad" : "warn"}` }, sentence)),
    facts(tile),
    ...scenes(tile.scenes),
    ...more(tile),
  ];
}

/** How the scenes were chosen and what has happened, each fetched when it is opened; for those who see everything. */
function more(tile) {
  if (!store.page.user.sees_newest) return [];
  return [fetched(tile, "scene-list", gettext("How the scenes were chosen")), fetched(tile, "history", gettext("History"))];
}

function fetched(tile, name, title) {
  const address = `/review/${store.campaign.slug}/${tile.name}/${name}/`;
  const rows = { "hx-get": address, "hx-trigger": "toggle from:closest details once" };
  return h("details", { class: `more ${name}` }, h("summary", {}, title), h("div", rows, gettext("Loading …")));
}

function facts(tile) {
  const rows = [
    [gettext("Revision"), tile.revision?.number ?? pgettext("build or revision", "none yet")],
    [gettext("Build"), tile.build?.number ?? pgettext("build or revision", "none yet")],
    [gettext("Coverage"), percent(tile.coverage, 2)],
    ...(tile.fill ? [[gettext("Holes"), gettext("%(share)s filled from %(dates)s", { share: percent(tile.fill.share, 2), dates: olderDays(tile.fill) })]] : []),
    [gettext("Residual cloud"), percent(tile.residual_cloud, 2)],
    [gettext("Seam score"), figure(tile.seam_score)],
    [gettext("Changed"), moment(tile.changed_at)],
  ];
  return h("dl", { class: "facts" }, rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
}

/** The dates that show in holes, each once. */
function olderDays(fill) {
  return [...new Set(fill.scenes.map((scene) => day(scene.datetime)))].sort().join(", ");
}

function scenes(rows) {
  const used = rows.filter((scene) => scene.rank != null);
  const others = rows.filter((scene) => scene.rank == null);
  const parts = [h("h3", {}, used.length ? ngettext("%(count)s scene used", "%(count)s scenes used", used.length) : gettext("No scenes chosen yet"))];
  if (used.length) parts.push(table(used));
  if (others.length) parts.push(h("details", { class: "more" }, h("summary", {}, ngettext("%(count)s not used, and why", "%(count)s not used, and why", others.length)), table(others)));
  return parts;
}

function table(rows) {
  const head = h("tr", {}, ["", gettext("Date"), pgettext("share", "Clear"), gettext("Why")].map((word) => h("th", { scope: "col" }, word)));
  return h("table", { class: "scenes" }, h("thead", {}, head), h("tbody", {}, rows.map(sceneRow)));
}

function sceneRow(scene) {
  const chip = h("span", { class: "chip" }, scene.rank ?? "");
  if (scene.rank) chip.style.background = store.page.rank_colours[(scene.rank - 1) % store.page.rank_colours.length];
  return h("tr", { class: scene.rank == null ? "unused" : "", title: scene.id },
    h("td", { class: "rank" }, scene.rank ? chip : ""), h("td", {}, day(scene.datetime)),
    h("td", {}, percent(scene.clear_share)), h("td", {}, why(scene)));
}

/** The reason, and how much came of a scene that was fetched only where it was needed. */
function why(scene) {
  const partial = scene.partial == null ? "" : gettext("partial: %(share)s of it fetched", { share: percent(scene.partial) });
  return [scene.reason, partial].filter(Boolean).join("; ");
}

function showVerdict(tile) {
  const open = Boolean(store.page.user.may_review && tile?.revision && tile.status === "composite" && tile.review === "unreviewed");
  $("verdict").hidden = !open;
  if (!open || $("verdict").dataset.revision === String(tile.revision.id)) return;
  $("verdict").dataset.revision = tile.revision.id;
  $("verdict-of").textContent = gettext("revision %(number)s of %(tile)s", { number: tile.revision.number, tile: tile.name });
  $("verdict-words").value = $("verdict-kind").value = "";
  tell($("verdict-message"), "");
}

/** What is missing in a verdict, as a sentence and the field that lacks it. */
function missing(verdict, reason, words) {
  if (verdict === "approve") return null;
  if (!reason) return [gettext("Say what is wrong with the revision."), $("verdict-kind")];
  if (reason === "other" && !words) return [gettext("Say in words what is wrong."), $("verdict-words")];
  return null;
}

async function judge(event) {
  event.preventDefault();
  const verdict = event.submitter?.value === "reject" ? "reject" : "approve";
  const [reason, words] = [verdict === "reject" ? $("verdict-kind").value : "", $("verdict-words").value.trim()];
  const lack = missing(verdict, reason, words);
  if (lack) {
    tell($("verdict-message"), lack[0]);
    lack[1].focus();
    return;
  }
  for (const button of event.target.querySelectorAll("button")) button.disabled = true;
  try {
    await api.judge(Number($("verdict").dataset.revision), { verdict, reason, words });
    announce(verdict === "reject" ? gettext("%(tile)s rejected.", { tile: store.chosen }) : gettext("%(tile)s approved.", { tile: store.chosen }));
    await refreshAll();
    $("tile-heading").focus();
  } catch (error) {
    tell($("verdict-message"), error.message);
  } finally {
    for (const button of event.target.querySelectorAll("button")) button.disabled = false;
  }
}
