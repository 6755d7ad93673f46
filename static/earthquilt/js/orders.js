/** Estimating, placing and following orders. */

import * as api from "./api.js";
import { clearArea, startArea } from "./area.js";
import { $, announce, h, tell } from "./dom.js";
import { gettext } from "./i18n.js";
import { getMap } from "./map.js";
import { on, set, store } from "./store.js";
import { moment, percent, plural, whole } from "./words.js";

const HINT = "Draw an area or choose a file to see what it would take.";
const MARKS = { placed: "…", running: "▸", ready: "✓", failed: "!", cancelled: "×" };
let area = null;
let refreshAll = () => {};
const known = new Map();

/** Wire the order desk, where there is one (it needs somebody signed in). */
export function startOrders(refresh) {
  if (!$("order")) return;
  refreshAll = refresh;
  startArea(takeArea);
  $("order").addEventListener("submit", place);
  on("campaign", () => area && takeArea(area, ""));
  on("orders", showOrders);
}

async function takeArea(geometry, problem) {
  area = geometry;
  $("order-place").disabled = true;
  tell($("order-message"), "");
  $("estimate").classList.toggle("bad", Boolean(problem));
  $("estimate").textContent = problem || (area ? "Estimating …" : HINT);
  if (!area || !store.campaign) return;
  try {
    const answer = await api.estimate(store.campaign.slug, area);
    if (area !== geometry) return;
    $("estimate").textContent = estimateWords(answer);
    $("order-place").disabled = !store.page.user.may_order || Boolean(answer.quota?.problem);
    tell($("order-message"), answer.quota?.problem);
    if (!store.page.user.may_order) tell($("order-message"), "This account may look but not order; sign in as a customer.", "warn");
  } catch (error) {
    $("estimate").classList.add("bad");
    $("estimate").textContent = error.message;
  }
}

function estimateWords({ area_km2: km2, tiles, share_built: built, price, expected_hours: hours, quota }) {
  const names = tiles.length > 6 ? `${tiles.slice(0, 6).join(", ")} …` : tiles.join(", ");
  return `${whole(km2)} km² on ${plural(tiles.length, "tile")} (${names}); ${percent(built, 0)} of them have a mosaic already.${costs(price)}${ready(hours)}${left(quota)}`;
}

/** What the organisation has left this month, where something limits it. */
function left(quota) {
  if (!quota) return "";
  const limited = [[quota.km2, "km²"], [quota.orders, gettext("orders")]].filter(([figure]) => figure.limit != null);
  if (!limited.length) return "";
  const words = limited.map(([figure, unit]) => gettext("%(left)s of %(limit)s %(unit)s", { left: whole(figure.left), limit: whole(figure.limit), unit }));
  const values = { organisation: quota.organisation, figures: words.join(", "), moment: moment(quota.renews_at) };
  return ` ${gettext("Left of %(organisation)s's quota until %(moment)s: %(figures)s.", values)}`;
}

const costs = (price) => (price ? ` Price: ${price.amount} ${price.currency}.` : "");

function ready(hours) {
  if (!hours) return "";
  if (hours < 1) return ` Expected in ${plural(Math.max(1, Math.round(hours * 60)), "minute")}.`;
  return hours < 48 ? ` Expected in ${plural(Math.round(hours), "hour")}.` : ` Expected in ${plural(Math.round(hours / 24), "day")}.`;
}

async function place(event) {
  event.preventDefault();
  $("order-place").disabled = true;
  try {
    const order = await api.place(store.campaign.slug, area, ownDates());
    clearArea();
    await refreshAll(order.campaign);
    tell($("order-message"), `Order ${order.id} is placed; its progress is shown below.`, "good");
  } catch (error) {
    tell($("order-message"), error.message);
    $("order-place").disabled = !area;
  }
}

function ownDates() {
  const given = [["start", $("order-start").value], ["end", $("order-end").value]].filter(([, value]) => value);
  return Object.fromEntries(given);
}

function showOrders(orders) {
  $("orders").replaceChildren(...orders.map(card));
  $("orders-count").textContent = orders.length || "";
  $("orders-empty").hidden = orders.length > 0;
  for (const order of orders) follow(order);
}

function card(order) {
  const { finished, tiles, share } = order.progress;
  const bar = h("progress", { max: 1, value: share, "aria-label": `Progress of order ${order.id}` });
  return h("li", {},
    h("div", { class: "top" },
      h("button", { type: "button", onclick: () => showOnMap(order), title: "Show on the map" }, `Order ${order.id}`),
      h("span", { class: `badge order-${order.status}` }, h("span", { class: "glyph", "aria-hidden": "true" }, MARKS[order.status]), h("span", {}, order.status))),
    bar,
    h("p", { class: "line" }, `${finished} of ${plural(tiles, "tile")} finished · placed ${moment(order.created_at)}`),
    h("p", { class: "line" }, h("a", { href: `/orders/${order.id}/` }, order.status === "ready" ? "Tiles and files" : "Tiles")),
    order.status_text ? h("p", { class: order.status === "failed" ? "notice bad" : "notice info" }, order.status_text) : null);
}

function showOnMap(order) {
  const bounds = order.aoi && L.geoJSON(order.aoi).getBounds();
  if (bounds?.isValid()) getMap().fitBounds(bounds, { padding: [40, 40], maxZoom: 11, animate: false });
}

/** Say aloud when an order has moved. */
function follow(order) {
  const line = `Order ${order.id}: ${order.status}, ${order.progress.finished} of ${plural(order.tiles.length, "tile")} finished.`;
  if (known.has(order.id) && known.get(order.id) !== line) announce(line);
  known.set(order.id, line);
}

/** Fetch the orders of the campaign that this visitor may see. */
export async function loadOrders() {
  if (!$("orders") || !store.campaign) return;
  const slug = store.campaign.slug;
  const rows = await api.orders(slug);
  if (store.campaign.slug === slug) set("orders", rows);
}
