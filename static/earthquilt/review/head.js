/** The head of the panel: which tile, why it ranks where it does, what was said before. */

import { $, h } from "../js/dom.js";
import { figure, moment, percent } from "../js/words.js";
import { goTo } from "./draw.js";
import { onDesk, page } from "./state.js";

const labels = Object.fromEntries(page.defects.map(({ value, label }) => [value, label]));

const STATES = {
  approved: ["approved", "✓", "approved"], rejected: ["rejected", "✗", "rejected"], unreviewed: ["made", "+", "to review"],
};

/** Fill the head with each build that comes. */
export function startHead() {
  onDesk(show);
}

function show(desk) {
  const { tile, campaign, revision, entry, figures } = desk;
  $("tile-heading").textContent = tile;
  document.title = `${tile} · Review · Earthquilt`;
  const [look, glyph, words] = STATES[revision?.review_status] || ["blending", "≈", "waiting for its neighbours"];
  $("tile-state").className = `badge ${look}`;
  $("tile-state").replaceChildren(h("span", { class: "glyph", "aria-hidden": "true" }, glyph), entry?.kind === "second" ? "second opinion" : words);
  const shown = [`${campaign.name}, build ${desk.build_number}`, revision && `revision ${revision.number}`,
    `coverage ${percent(figures.coverage, 2)}`, `seam score ${figure(figures.seam_score)}`];
  $("tile-where").textContent = shown.filter(Boolean).join(" · ");
  $("priority").textContent = entry ? entry.priority.toFixed(0) : "–";
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
    h("span", { class: "bar-track" }, bar), h("span", { class: "number muted" }, `${points.toFixed(0)} of ${most}`));
}

function past({ verdict, revision, reviewer, reason, words, at, successor, defects }) {
  const what = verdict === "approve" ? "approved" : `rejected: ${reason}`;
  const answer = successor ? `, answered by build ${successor}` : "";
  const places = defects.map(({ kind, asks, geometry, words: said }) => h("li", {}, h("button", { type: "button", class: "plain", onclick: () => goTo(geometry) },
    [labels[kind], asks, said].filter(Boolean).join(" · "))));
  return h("li", {}, h("p", {}, `Revision ${revision} ${what}${answer}`), words ? h("p", {}, words) : "", places.length ? h("ul", { class: "drawn" }, places) : "",
    h("p", { class: "muted small" }, `${reviewer}, `, h("time", { datetime: at }, moment(at))));
}
