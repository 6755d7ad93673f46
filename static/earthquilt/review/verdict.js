/** The verdict: approve with one key, reject with what is wrong and what the next build shall do. */

import { $, announce, h, tell } from "../js/dom.js";
import { gettext, ngettext } from "../js/i18n.js";
import { day } from "../js/words.js";
import * as api from "./api.js";
import { drawings, startDraw, stop } from "./draw.js";
import { goOn } from "./moves.js";
import { isOpen, onDesk, page, state } from "./state.js";

/** Wire the form. */
export function startVerdict() {
  $("reason").append(...page.reasons.map(({ value, label }) => h("option", { value }, label)));
  $("approve").addEventListener("click", approve);
  $("reject").addEventListener("click", openReject);
  $("verdict").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!$("reject-fields").hidden) reject();
  });
  for (const id of ["exclude", "start", "end"]) $(id).addEventListener("change", showFollows);
  startDraw(showFollows);
  onDesk(reset);
}

function reset(desk) {
  $("verdict").reset();
  show(false);
  tell($("verdict-message"), "");
  const used = desk.scenes.filter(({ rank }) => rank != null);
  $("exclude").replaceChildren(h("option", { value: "" }, gettext("none")), ...used.map(({ id, datetime, rank }) => h("option", { value: id }, gettext("%(date)s (no. %(rank)s)", { date: day(datetime), rank }))));
  showFollows();
}

function show(open) {
  $("reject-fields").hidden = $("send-reject").hidden = !open;
  $("reject").hidden = open;
  $("reject").setAttribute("aria-expanded", open);
}

/** Open the fields of a rejection. */
export function openReject() {
  if (!isOpen()) return;
  show(true);
  $("reason").focus();
  $("reject-fields").scrollIntoView({ block: "nearest" });
}

/** End drawing, or close them again. */
export function closeReject() {
  if (stop()) return;
  show(false);
  $("tile-heading").focus();
}

/** Approve and go on at once; a refusal is told on the next tile. */
export function approve() {
  if (isOpen()) send({ verdict: "approve" });
}

function reject() {
  const lack = missing();
  if (lack) {
    tell($("verdict-message"), lack[0]);
    lack[1].focus();
    return;
  }
  const second = state.desk.entry.kind === "second";
  const verdict = { verdict: "reject", reason: $("reason").value, words: $("words").value.trim() };
  send(second ? verdict : { ...verdict, ...wishes() });
}

/** What is missing, as a sentence and the field that lacks it. */
function missing() {
  if (!$("reason").value) return [gettext("Say what is wrong."), $("reason")];
  if ($("reason").value === "other" && !$("words").value.trim()) return [gettext("Say in words what is wrong."), $("words")];
  return null;
}

const wishes = () => ({ overrides: asked(), drawings: drawings() });

function asked() {
  const found = [];
  if ($("exclude").value) found.push({ kind: "exclude", scene: $("exclude").value });
  const dates = Object.fromEntries(["start", "end"].filter((id) => $(id).value).map((id) => [id, $(id).value]));
  if (Object.keys(dates).length) found.push({ kind: "dates", ...dates });
  return found;
}

const MASKED = ["cloud", "shadow", "haze"];

function wordsOf(wish) {
  if (wish.kind === "exclude") return gettext("without %(scene)s", { scene: wish.scene });
  const [start, end] = [wish.start || gettext("the campaign's start"), wish.end || gettext("the campaign's end")];
  return gettext("with dates from %(start)s to %(end)s", { start, end });
}

/** Say what the system does after the rejection. */
export function showFollows() {
  const masked = drawings().filter(({ kind }) => MASKED.includes(kind)).length;
  const set = drawings().filter(({ kind }) => kind === "classes").length;
  const parts = [
    ...asked().map(wordsOf),
    masked && ngettext("with the drawn area masked", "with %(count)s drawn areas masked", masked),
    set && ngettext("with the drawn area set to the class you told", "with %(count)s drawn areas set to the class you told", set),
  ].filter(Boolean);
  $("follows").textContent = parts.length
    ? gettext("The tile is built again %(changes)s, and comes back to the queue with the defects shown.", { changes: parts.join(", ") })
    : gettext("The rejection is kept; the tile is not built again by itself.");
}

async function send(verdict) {
  const { entry, revision, tile } = state.desk;
  entry.done_at = "now";
  const sent = entry.kind === "second" ? api.opinion(entry.id, verdict) : api.judge(revision.id, verdict);
  goOn();
  try {
    await sent;
    announce(verdict.verdict === "reject" ? gettext("%(tile)s rejected.", { tile }) : gettext("%(tile)s approved.", { tile }));
  } catch (error) {
    tell($("problem"), gettext("The verdict on %(tile)s was not taken: %(reason)s", { tile, reason: error.message }));
  }
}
