/** Estimating, placing and following orders. */

import * as api from "./api.js";
import { clearArea, startArea } from "./area.js";
import { $, announce, h, tell } from "./dom.js";
import { gettext, ngettext } from "./i18n.js";
import { getMap } from "./map.js";
import { on, set, store } from "./store.js";
import { figure, moment, orderWords, percent, whole } from "./words.js";

const HINT = gettext("Draw an area or choose a file to see what it would take.");
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
  $("estimate").textContent = problem || (area ? gettext("Estimating …") : HINT);
  if (!area || !store.campaign) return;
  try {
    const answer = await api.estimate(store.campaign.slug, area);
    if (area !== geometry) return;
    $("estimate").textContent = estimateWords(answer);
    $("order-place").disabled = !store.page.user.may_order || Boolean(answer.quota?.problem);
    tell($("order-message"), answer.quota?.problem);
    if (!store.page.user.may_order) tell($("order-message"), gettext("This account may look but not order; sign in as a customer."), "warn");
  } catch (error) {
    $("estimate").classList.add("bad");
    $("estimate").textContent = error.message;
  }
}

function estimateWords({ area_km2: km2, tiles, share_built: built, price, expected_hours: hours, quota }) {
  const names = tiles.length > 6 ? `${tiles.slice(0, 6).join(", ")} …` : tiles.join(", ");
  const size = ngettext("%(area)s km² on %(count)s tile (%(names)s); %(share)s of them have a mosaic already.",
    "%(area)s km² on %(count)s tiles (%(names)s); %(share)s of them have a mosaic already.", tiles.length, { area: whole(km2), names, share: percent(built, 0) });
  return [size, costs(price), ready(hours), left(quota)].filter(Boolean).join(" ");
}

/** What the organisation has left this month, where something limits it. */
function left(quota) {
  if (!quota) return "";
  const limited = [[quota.km2, "km²"], [quota.orders, gettext("orders")]].filter(([figure]) => figure.limit != null);
  if (!limited.length) return "";
  const words = limited.map(([figure, unit]) => gettext("%(left)s of %(limit)s %(unit)s", { left: whole(figure.left), limit: whole(figure.limit), unit }));
  const values = { organisation: quota.organisation, figures: words.join(", "), moment: moment(quota.renews_at) };
  return gettext("Left of %(organisation)s's quota until %(moment)s: %(figures)s.", values);
}

const costs = (price) => (price ? gettext("Price: %(amount)s %(currency)s.", { ...price, amount: figure(price.amount) }) : "");

function ready(hours) {
  if (!hours) return "";
  if (hours < 1) return ngettext("Expected in %(count)s minute.", "Expected in %(count)s minutes.", Math.max(1, Math.round(hours * 60)));
  if (hours < 48) return ngettext("Expected in %(count)s hour.", "Expected in %(count)s hours.", Math.round(hours));
  return ngettext("Expected in %(count)s day.", "Expected in %(count)s days.", Math.round(hours / 24));
}

async function place(event) {
  event.preventDefault();
  $("order-place").disabled = true;
  try {
    const order = await api.place(store.campaign.slug, area, ownDates());
    clearArea();
    await refreshAll(order.campaign);
    tell($("order-message"), gettext("Order %(number)s is placed; its progress is shown below.", { number: order.id }), "good");
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
  const bar = h("progress", { max: 1, value: share, "aria-label": gettext("Progress of order %(number)s", { number: order.id }) });
  return h("li", {},
    h("div", { class: "top" },
      h("button", { type: "button", onclick: () => showOnMap(order), title: gettext("Show on the map") }, gettext("Order %(number)s", { number: order.id })),
      h("span", { class: `badge order-${order.status}` }, h("span", { class: "glyph", "aria-hidden": "true" }, MARKS[order.status]), h("span", {}, orderWords(order.status)))),
    bar,
    h("p", { class: "line" }, ngettext("%(finished)s of %(count)s tile finished · placed %(time)s", "%(finished)s of %(count)s tiles finished · placed %(time)s", tiles,
      { finished, time: moment(order.created_at) })),
    h("p", { class: "line" }, h("a", { href: `/orders/${order.id}/` }, order.status === "ready" ? gettext("Tiles and files") : gettext("Tiles"))),
    order.status_text ? h("p", { class: order.status === "failed" ? "notice bad" : "notice info" }, order.status_text) : null);
}

function showOnMap(order) {
  const bounds = order.aoi && L.geoJSON(order.aoi).getBounds();
  if (bounds?.isValid()) getMap().fitBounds(bounds, { padding: [40, 40], maxZoom: 11, animate: false });
}

/** Say aloud when an order has moved. */
function follow(order) {
  const line = ngettext("Order %(number)s: %(state)s, %(finished)s of %(count)s tile finished.", "Order %(number)s: %(state)s, %(finished)s of %(count)s tiles finished.",
    order.tiles.length, { number: order.id, state: orderWords(order.status), finished: order.progress.finished });
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
