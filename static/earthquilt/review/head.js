/** The head of the panel: which tile, why it ranks where it does, what was said before. */

import { $, h } from "../js/dom.js";
import { gettext, number } from "../js/i18n.js";
import { figure, moment, percent } from "../js/words.js";
import { goTo } from "./draw.js";
import { onDesk, page } from "./state.js";

const labels = Object.fromEntries(page.defects.map(({ value, label }) => [value, label]));

const STATES = {
  approved: ["approved", "✓", gettext("approved")], rejected: ["rejected", "✗", gettext("rejected")], unreviewed: ["made", "+", gettext("to review")],
};

/** Fill the head with each build that comes. */
export function startHead() {
  onDesk(show);
}

function show(desk) {
  const { tile, campaign, revision, entry, figures } = desk;
  $("tile-heading").textContent = tile;
  document.title = `${tile} · ${gettext("Review")} · Earthquilt`;
  const [look, glyph, words] = STATES[revision?.review_status] || ["blending", "≈", gettext("waiting for its neighbours")];
  $("tile-state").className = `badge ${look}`;
  $("tile-state").replaceChildren(h("span", { class: "glyph", "aria-hidden": "true" }, glyph), entry?.kind === "second" ? gettext("second opinion") : words);
  const shown = [gettext("%(campaign)s, build %(number)s", { campaign: campaign.name, number: desk.build_number }), revision && gettext("revision %(number)s", { number: revision.number }),
    gettext("coverage %(share)s", { share: percent(figures.coverage, 2) }), gettext("seam score %(figure)s", { figure: figure(figures.seam_score) })];
  $("tile-where").textContent = shown.filter(Boolean).join(" · ");
  $("priority").textContent = entry ? number(entry.priority) : "–";
  $("grounds").replaceChildren(...(entry?.grounds || []).map(ground));
  $("history-link").href = `/review/history/${campaign.slug}/${tile}/`;
  $("past").replaceChildren(...desk.reviews.map(past));
  $("past-empty").hidden = desk.reviews.length > 0;
}

/** A figure, what it counts and out of how many points. */
function ground({ title, words, points, most }) {
  const bar = h("span", { class: "bar-fill", "aria-hidden": "true" });
  bar.style.width = `${(points / most) * 100}%`;
  return h("li", { class: points ? "" : "calm" }, h("span", {}, title), h("b", { class: "number" }, words),
    h("span", { class: "bar-track" }, bar), h("span", { class: "number muted" }, gettext("%(points)s of %(most)s", { points: number(points), most })));
}

function past({ verdict, revision, reviewer, reason, words, at, successor, defects }) {
  const what = verdict === "approve" ? gettext("Revision %(number)s approved", { number: revision }) : gettext("Revision %(number)s rejected: %(reason)s", { number: revision, reason });
  const told = successor ? gettext("%(verdict)s, answered by build %(build)s", { verdict: what, build: successor }) : what;
  const places = defects.map(({ kind, asks, geometry, words: said }) => h("li", {}, h("button", { type: "button", class: "plain", onclick: () => goTo(geometry) },
    [labels[kind], asks, said].filter(Boolean).join(" · "))));
  return h("li", {}, h("p", {}, told), words ? h("p", {}, words) : "", places.length ? h("ul", { class: "drawn" }, places) : "",
    h("p", { class: "muted small" }, `${reviewer}, `, h("time", { datetime: at }, moment(at))));
}
