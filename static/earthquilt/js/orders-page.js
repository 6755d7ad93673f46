/** The page of an order: times in the reader's zone, and while something is under way the newest state every few seconds. */

import { localTimes } from "../review/times.js";
import { gettext } from "./i18n.js";
import { follow, renew, say } from "./renew.js";
import { moment } from "./words.js";

const EVERY = 2000;
const PARTS = ["state", "tiles", "deliveries"];
let seen = new Date();

localTimes();
follow({ every: EVERY, moving: () => document.querySelector("[data-moving]"), fresh: take, lost });

function take(page) {
  const before = words();
  seen = new Date();
  document.getElementById("stale").hidden = true;
  for (const id of PARTS) renew(id, page);
  // What can be asked for has changed only where the form comes or goes: what was typed stays.
  if (Boolean(page.getElementById("ask")) !== Boolean(document.getElementById("ask"))) renew("asking", page);
  if (words() !== before) say(words());
}

function words() {
  const done = document.getElementById("finished")?.textContent || "";
  return `${document.querySelector("h1 .badge").lastChild.textContent}: ${done}`;
}

function lost() {
  const stale = document.getElementById("stale");
  stale.textContent = gettext("The server cannot be reached; this is how things were at %(moment)s. It is tried again by itself.", { moment: moment(seen.toISOString()) });
  stale.hidden = false;
}
