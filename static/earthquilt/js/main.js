/** The page: chooses campaign, edition and desk, and keeps everything up to date. */

import * as api from "./api.js";
import { $, announce, h, tell } from "./dom.js";
import { startGrid } from "./grid.js";
import { gettext, ngettext, number } from "./i18n.js";
import { startLayers } from "./layers.js";
import { startList } from "./list.js";
import { boxInView, extentOf, getMap, makeMap } from "./map.js";
import { startNetworks } from "./networks.js";
import { loadOrders, startOrders } from "./orders.js";
import { startPoint } from "./point.js";
import { startPublish } from "./publish.js";
import { startQueue } from "./queue.js";
import { chosenTile, on, set, store } from "./store.js";
import { startTile } from "./tile.js";
import { lookOf } from "./words.js";

const POLL_BUSY = 2000;
const POLL_CALM = 10000;
const REMEMBER = "earthquilt.campaign";
const SETTLED = 250;
let timer = null;
let known = "";

function start() {
  set("page", JSON.parse($("page-data").textContent));
  makeMap(store.page.base_map);
  startGrid();
  startPoint();
  startLayers(store.page.layers);
  startList();
  startTile(refresh);
  startNetworks();
  startOrders(refresh);
  startPublish(refresh);
  startQueue();
  startDesks();
  on("tiles", showBlank);
  on("tiles", sayProgress);
  getMap().on("moveend", () => isLarge() && again(SETTLED));
  $("campaign").addEventListener("change", (event) => chooseCampaign(event.target.value));
  $("edition").addEventListener("change", (event) => chooseView(event.target.value));
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  loadCampaigns();
}

async function loadCampaigns(slugWanted) {
  try {
    set("campaigns", await api.campaigns());
  } catch (error) {
    blank(error.message);
    return;
  }
  const select = $("campaign");
  select.disabled = store.campaigns.length === 0;
  select.replaceChildren(...store.campaigns.map(({ slug, name }) => h("option", { value: slug }, name)));
  if (!store.campaigns.length) {
    select.append(h("option", {}, gettext("No campaign")));
    blank(gettext("There is no campaign that you may see. Sign in, or ask the operator to make one public."));
    return;
  }
  const wanted = slugWanted || new URLSearchParams(location.search).get("campaign") || localStorage.getItem(REMEMBER);
  const first = store.campaigns.find(({ slug }) => slug === wanted) || store.campaigns[0];
  select.value = first.slug;
  await chooseCampaign(first.slug);
}

async function chooseCampaign(slug) {
  localStorage.setItem(REMEMBER, slug);
  set("chosen", null);
  set("view", null);
  set("extent", null);
  set("tiles", []);
  set("campaign", store.campaigns.find((campaign) => campaign.slug === slug));
  known = "";
  await refresh();
}

/** Ask again for all that may have changed, every few seconds and after each action; perhaps for another campaign. */
async function refresh(slugWanted) {
  clearTimeout(timer);
  if (slugWanted && slugWanted !== store.campaign.slug) {
    await loadCampaigns(slugWanted);
    return;
  }
  const slug = store.campaign?.slug;
  if (!slug) return;
  try {
    const [tiles, editions] = await Promise.all([tilesToShow(slug), api.editions(slug), loadOrders()]);
    if (store.campaign.slug !== slug) return;
    set("editions", editions);
    if (!isLarge()) showExtent(tiles);
    set("tiles", tiles);
    showViews();
    tell($("problem"), "");
  } catch (error) {
    tell($("problem"), error.message);
  }
  if (!document.hidden) again(isBusy() ? POLL_BUSY : POLL_CALM);
}

function again(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(refresh, milliseconds);
}

/** Whether a campaign has more tiles than are shown at once: then those in view are, from some zoom on. */
function isLarge() {
  return store.campaign?.tile_count > store.page.most_tiles;
}

/** The tiles to show, and the chosen one wherever it lies. */
async function tilesToShow(slug) {
  if (!isLarge()) return api.tiles(slug);
  const box = boxInView();
  const tiles = box ? await api.tiles(slug, box) : [];
  const chosen = chosenTile();
  return chosen && !tiles.some((tile) => tile.name === chosen.name) ? [...tiles, chosen] : tiles;
}

function isBusy() {
  const working = ["waiting", "working", "blending"];
  const open = ["placed", "running"];
  return store.tiles.some((tile) => working.includes(lookOf(tile))) || (store.orders || []).some((order) => open.includes(order.status));
}

/** Show all tiles where the campaign is new or has grown. */
function showExtent(tiles) {
  if (tiles.length !== store.tiles.length) set("extent", extentOf(tiles));
}

/** Offer the editions, and the newest revisions to those who may see them. */
function showViews() {
  const words = store.editions.map(({ number }) => ({ word: String(number), label: gettext("Edition %(number)s", { number }) }));
  if (store.page.user.sees_newest) words.unshift({ word: "newest", label: gettext("Newest revisions") });
  const select = $("edition");
  const key = JSON.stringify([store.campaign.slug, words]);
  if (key !== known) {
    known = key;
    select.replaceChildren(...(words.length ? words : [{ word: "", label: gettext("Not published") }]).map(({ word, label }) => h("option", { value: word }, label)));
    select.disabled = words.length === 0;
  }
  if (!words.some(({ word }) => word === select.value)) select.value = words[0]?.word || "";
  chooseView(select.value);
}

function chooseView(word) {
  const stamp = word === "newest" ? stampOfNewest() : "";
  const view = word ? { word, stamp } : null;
  if (JSON.stringify(view) !== JSON.stringify(store.view)) set("view", view);
  const edition = /^\d+$/.test(word) ? word : "";
  $("use").hidden = !edition;
  $("use-link").href = `/use/${store.campaign.slug}/${edition}/`;
  showBlank();
}

/** What changes when the newest revisions do; of a large campaign, which is not known as a whole, every minute. */
function stampOfNewest() {
  if (isLarge()) return Math.floor(Date.now() / 60000);
  return store.tiles.reduce((sum, tile) => sum + (tile.revision?.id || 0), 0);
}

function showBlank() {
  const { campaign, tiles, view } = store;
  if (!campaign) return;
  if (view || store.page.user.sees_newest) blank("");
  else if (isLarge() && !tiles.length) blank(gettext("Zoom in to see single tiles: this campaign has %(count)s.", { count: number(campaign.tile_count) }));
  else blank(tiles.length ? gettext("Nothing has been published yet; the grid shows how far each tile is.") : gettext("Nothing has been ordered in this campaign yet."));
}

function blank(sentence) {
  $("blank").hidden = !sentence;
  $("blank").firstElementChild.textContent = sentence;
}

function sayProgress(tiles) {
  const working = tiles.filter((tile) => ["waiting", "working", "blending"].includes(lookOf(tile))).length;
  if (tiles.length && working) announce(ngettext("%(count)s tile under way.", "%(count)s tiles under way.", working));
}

function startDesks() {
  for (const link of document.querySelectorAll("[data-desk]:is(a)")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      history.pushState({}, "", link.href);
      openDesk(link.dataset.desk);
    });
  }
  addEventListener("popstate", () => openDesk(location.pathname.split("/")[1] || "map"));
  openDesk(store.page.desk);
}

function openDesk(desk) {
  document.querySelector("main").dataset.desk = desk;
  document.title = `${store.page.titles[desk]} · Earthquilt`;
  for (const link of document.querySelectorAll("nav [data-desk]")) {
    if (link.dataset.desk === desk) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  for (const block of document.querySelectorAll("[data-desks]")) block.hidden = !block.dataset.desks.split(" ").includes(desk);
  set("desk", desk);
}

start();
