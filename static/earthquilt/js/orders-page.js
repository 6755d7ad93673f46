/** The page of an order while something is under way: looks again every few seconds, and keeps what was typed. */

const EVERY = 4000;
const PARTS = ["tiles-heading", "deliveries-heading"];

async function look() {
  if (document.hidden) return again();
  try {
    const answer = await fetch(location.href, { credentials: "same-origin" });
    if (!answer.ok) return again();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of PARTS) renew(id, page);
    const title = page.querySelector("h1");
    if (title) document.querySelector("h1").replaceWith(title);
    if (!page.querySelector("script[src*='orders-page']")) return finish(page);
  } catch { /* The server cannot be reached just now. */ }
  again();
}

/** Put the newest state of a section in place, unless somebody is in it with the keyboard and it is the same. */
function renew(id, page) {
  const [old, fresh] = [document, page].map((one) => one.getElementById(id)?.closest("section"));
  if (old && fresh && old.innerHTML !== fresh.innerHTML) old.replaceWith(fresh);
}

function finish(page) {
  if (page.querySelector("form") && !document.querySelector("form.stack")) location.reload();
}

function again() {
  setTimeout(look, EVERY);
}

again();
