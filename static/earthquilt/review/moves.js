/** From tile to tile: holds what is on the screen, and one tile ahead with its pictures. */

import { $, announce, tell } from "../js/dom.js";
import { gettext, number } from "../js/i18n.js";
import { moment } from "../js/words.js";
import * as api from "./api.js";
import { firstPictures, getMap } from "./sides.js";
import { isOpen, onDesk, showDesk, state } from "./state.js";

const RENEW_MS = 60_000;
let begun = 0;
let looking = null;

/** Wire the buttons, take the first tile, keep the holds. */
export function startMoves() {
  $("next").addEventListener("click", () => goOn(true));
  $("give-back").addEventListener("click", giveBack);
  getMap().on("layeradd", noteShown);
  onDesk(showHold);
  addEventListener("popstate", () => open(Number(location.pathname.split("/")[2]), false));
  addEventListener("pagehide", () => api.giveBack(held()));
  setInterval(() => document.hidden || renew(), RENEW_MS);
}

const held = () => [isOpen() && state.desk.entry.id, state.ahead?.desk.entry.id].filter(Boolean);

/** Hold what the page opened with, if it waits and nobody holds it, and load the next ahead. */
export async function begin() {
  const { entry } = state.desk;
  if (entry && !entry.done_at && !entry.held_by) await hold(entry.id);
  await lookAhead();
}

async function hold(id) {
  try {
    state.desk.entry = await api.take(id);
  } catch (error) {
    tell($("problem"), error.message, "warn");
  }
  showHold(state.desk);
}

async function renew() {
  for (const id of held()) {
    try {
      await api.renew(id);
    } catch (error) {
      if (error.status === 409) lose(id, error.message);
    }
  }
}

function lose(id, sentence) {
  if (state.ahead?.desk.entry.id === id) {
    state.ahead = null;
    lookAhead();
    return;
  }
  state.desk.entry.mine = false;
  showHold(state.desk);
  tell($("problem"), sentence, "warn");
}

/** Take the next tile and load its figures and pictures, so that it is there at once; one at a time. */
export function lookAhead() {
  looking ??= takeAhead().finally(() => (looking = null));
  return looking;
}

async function takeAhead() {
  if (state.ahead) return;
  $("ahead").textContent = "";
  try {
    const entry = await api.takeNext([...state.skipped, ...held()]);
    if (!entry) {
      $("ahead").textContent = gettext("No other tile waits.");
      return;
    }
    const desk = await api.desk(entry.build);
    state.ahead = { desk, pictures: load(firstPictures(desk)) };
    tellReady(state.ahead);
  } catch (error) {
    tell($("problem"), error.message);
  }
}

async function tellReady(ahead) {
  await Promise.all(ahead.pictures.map((picture) => picture.decode().catch(() => null)));
  if (state.ahead !== ahead) return;
  $("ahead").textContent = gettext("%(tile)s is ready.", { tile: ahead.desk.tile });
  document.body.dataset.ahead = ahead.desk.build;
}

function load(addresses) {
  return addresses.map((address) => Object.assign(new Image(), { src: address }));
}

/** Show the next tile; where this one was not judged, it is left for later. */
export async function goOn(skipping = false) {
  begun = performance.now();
  if (skipping && isOpen()) {
    state.skipped.push(state.desk.entry.id);
    api.release(state.desk.entry.id).catch(() => null);
  }
  if (!state.ahead) await lookAhead();
  const { ahead } = state;
  state.ahead = null;
  if (!ahead) {
    tell($("problem"), state.skipped.length ? gettext("Only tiles that you skipped are left.") : gettext("The queue is empty: nothing waits for a verdict."), "good");
    return;
  }
  history.pushState({}, "", `/review/${ahead.desk.build}/`);
  tell($("problem"), "");
  showDesk(ahead.desk);
  announce(gettext("%(tile)s, priority %(priority)s.", { tile: ahead.desk.tile, priority: number(ahead.desk.entry.priority) }));
  lookAhead();
}

async function open(build) {
  begun = performance.now();
  try {
    showDesk(await api.desk(build));
  } catch (error) {
    tell($("problem"), error.message);
  }
}

/** Give the tile back to the queue and go to the queue's page. */
export async function giveBack() {
  await Promise.all(held().map((id) => api.release(id).catch(() => null)));
  location.href = "/review/";
}

/** Say who holds the tile, and until when. */
function showHold(desk) {
  const { entry } = desk;
  $("give-back").hidden = !isOpen();
  if (!entry || entry.done_at) tell($("hold"), "");
  else if (entry.mine) tell($("hold"), gettext("Held for you until %(time)s; it stays while this page is open.", { time: moment(entry.held_until) }), "info");
  else if (entry.held_by) tell($("hold"), gettext("%(person)s holds this tile until %(time)s: you can look, not judge.", { person: entry.held_by, time: moment(entry.held_until) }), "warn");
  else tell($("hold"), gettext("Nobody holds this tile."), "info");
  $("verdict").hidden = !isOpen();
  $("verdict-closed").hidden = isOpen();
  $("verdict-closed").textContent = closedWords(desk);
}

function closedWords({ entry, revision, newest_build: newest, build }) {
  if (!revision) return gettext("There is no revision of this build yet.");
  if (newest !== build) return gettext("A newer build of this tile is there: its revision is what is judged.");
  if (entry?.held_by && !entry.mine) return gettext("%(person)s is looking at it.", { person: entry.held_by });
  if (revision.review_status === "approved") return gettext("Revision %(number)s is approved.", { number: revision.number });
  if (revision.review_status === "rejected") return gettext("Revision %(number)s is rejected.", { number: revision.number });
  return gettext("It waits for no verdict of yours.");
}

/** Keep how long it took from the key to the pictures on the screen. */
function noteShown({ layer }) {
  if (layer.options?.pane !== "left" || layer.options.zIndex !== 1) return;
  layer.once("load", () => requestAnimationFrame(() => {
    document.body.dataset.shown = state.desk.build;
    document.body.dataset.shownMs = (performance.now() - begun).toFixed(0);
  }));
}

