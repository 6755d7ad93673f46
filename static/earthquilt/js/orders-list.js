/** The list of orders: times in the reader's zone, filters that act at once, and the newest figures while something moves. */

import { localTimes } from "../review/times.js";
import { gettext } from "./i18n.js";
import { follow, renew, say } from "./renew.js";
import { moment } from "./words.js";

const EVERY = 4000;
const list = () => document.getElementById("list");
const filters = document.getElementById("filters");

localTimes();
filters?.addEventListener("change", () => show(address(), { push: true }));
filters?.addEventListener("submit", (event) => {
  event.preventDefault();
  show(address(), { push: true });
});
addEventListener("popstate", () => location.reload());
follow({ every: EVERY, moving: () => list().querySelector("[data-moving]"), fresh: (page) => take(page), lost });

function address() {
  const asked = new URLSearchParams([...new FormData(filters)].filter(([, value]) => value));
  return asked.size ? `?${asked}` : location.pathname;
}

/** Fetch another selection and put it in place of this one; without an answer, say so and keep what is there. */
async function show(where, { push }) {
  list().setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(where, { credentials: "same-origin" });
    if (answer.redirected || answer.status >= 500) throw new Error(String(answer.status));
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (push) history.pushState({}, "", where);
    take(page);
    say(list().querySelector("p")?.textContent || "");
  } catch {
    lost();
  } finally {
    list().removeAttribute("aria-busy");
  }
}

function take(page) {
  const before = states();
  document.getElementById("stale").hidden = true;
  renew("list", page);
  const quota = document.querySelector(".quota");
  if (quota) renew(quota, page, ".quota");
  const moved = states().filter(([number, state]) => before.some(([other, was]) => other === number && was !== state));
  if (moved.length) say(moved.map(([number, state]) => gettext("Order %(number)s: %(state)s.", { number, state })).join(" "));
}

function states() {
  return [...document.querySelectorAll("[data-order]")].map((row) => [row.dataset.order, row.querySelector("h2 .badge").lastChild.textContent]);
}

let seen = new Date();
function lost() {
  const stale = document.getElementById("stale");
  stale.textContent = gettext("The server cannot be reached; this is how things were at %(moment)s. It is tried again by itself.", { moment: moment(seen.toISOString()) });
  stale.hidden = false;
}
document.addEventListener("renewed", () => {
  seen = new Date();
});
