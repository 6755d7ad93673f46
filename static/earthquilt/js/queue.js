/** What waits for a verdict on the campaign, the likeliest trouble first, and taking the next of it. */

import * as api from "./api.js";
import { $, h, tell } from "./dom.js";
import { gettext, number } from "./i18n.js";
import { on, store } from "./store.js";
import { moment } from "./words.js";

const MOST = 8;

/** Wire the reviewer's block, where there is one. */
export function startQueue() {
  if (!$("queue-block")) return;
  $("queue-next").addEventListener("click", take);
  on("tiles desk", refresh);
}

async function refresh() {
  if (store.desk !== "review" || !store.campaign) return;
  try {
    const { count, results } = await api.queue(store.campaign.slug, MOST);
    $("queue-progress").href = `/review/progress/${store.campaign.slug}/`;
    $("queue-count").textContent = count || "";
    $("queue-next").disabled = !count;
    $("queue-empty").hidden = count > 0;
    $("queue").replaceChildren(...results.map(row));
  } catch (error) {
    tell($("queue-message"), error.message);
  }
}

function row(entry) {
  const why = entry.grounds.filter(({ points }) => points >= 0.5).slice(0, 2).map(({ title, words }) => `${title} ${words}`);
  const holder = entry.mine ? gettext("held for you") : entry.held_by && gettext("held by %(person)s until %(time)s", { person: entry.held_by, time: moment(entry.held_until) });
  const told = [entry.kind === "second" ? gettext("second opinion") : "", holder, ...why].filter(Boolean);
  return h("li", { class: entry.held_by && !entry.mine ? "held" : "" },
    h("a", { href: `/review/${entry.build}/` }, entry.tile),
    h("span", { class: "number", title: gettext("priority, of 100") }, number(entry.priority)),
    h("span", { class: "muted small" }, told.join(" · ") || gettext("nothing stands out")));
}

async function take() {
  $("queue-next").disabled = true;
  try {
    const entry = await api.takeNext(store.campaign.slug);
    if (entry) location.href = `/review/${entry.build}/`;
    else tell($("queue-message"), gettext("All that waits is held by others."), "info");
  } catch (error) {
    tell($("queue-message"), error.message);
  } finally {
    $("queue-next").disabled = false;
  }
}
