/** The verdict: approve with one key, reject with what is wrong and what the next build shall do. */

import { $, announce, h, tell } from "../js/dom.js";
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
  $("exclude").replaceChildren(h("option", { value: "" }, "none"), ...used.map(({ id, datetime, rank }) => h("option", { value: id }, `${day(datetime)} (no. ${rank})`)));
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
  if (!$("reason").value) return ["Say what is wrong.", $("reason")];
  if ($("reason").value === "other" && !$("words").value.trim()) return ["Say in words what is wrong.", $("words")];
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

const DONE = {
  cloud: "masked", shadow: "masked", haze: "masked", classes: "set to the class you told",
};

/** Say what the system does after the rejection. */
export function showFollows() {
  const parts = asked().map((wish) => (wish.kind === "exclude" ? `without ${wish.scene}` : `with dates from ${wish.start || "the campaign's start"} to ${wish.end || "the campaign's end"}`));
  for (const done of new Set(Object.values(DONE))) {
    const count = drawings().filter(({ kind }) => DONE[kind] === done).length;
    if (count) parts.push(`with ${count === 1 ? "the drawn area" : `${count} drawn areas`} ${done}`);
  }
  $("follows").textContent = parts.length ? `The tile is built again ${parts.join(", ")}, and comes back to the queue with the defects shown.` : "The rejection is kept; the tile is not built again by itself.";
}

async function send(verdict) {
  const { entry, revision, tile } = state.desk;
  entry.done_at = "now";
  const sent = entry.kind === "second" ? api.opinion(entry.id, verdict) : api.judge(revision.id, verdict);
  goOn();
  try {
    await sent;
    announce(`${tile} ${verdict.verdict === "reject" ? "rejected" : "approved"}.`);
  } catch (error) {
    tell($("problem"), `The verdict on ${tile} was not taken: ${error.message}`);
  }
}
