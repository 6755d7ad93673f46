/** What the workspace asks of the server. */

import { ask } from "../js/api.js";
import { gettext } from "../js/i18n.js";

export const desk = (build) => ask(`desk/${build}/`);
export const take = (entry) => ask(`queue/${entry}/take/`, {});
export const renew = (entry) => ask(`queue/${entry}/renew/`, {});
export const release = (entry) => ask(`queue/${entry}/release/`, {});
export const judge = (revision, verdict) => ask("reviews/", { revision, ...verdict });
export const opinion = (entry, verdict) => ask(`queue/${entry}/opinion/`, verdict);

/** Take the next tile, or null where nothing is left. */
export async function takeNext(skip) {
  return (await ask("queue/next/", { skip })).entry;
}

/** What a place of a build is made of. */
export async function pixel(build, { lat, lng }) {
  const response = await fetch(`/review/${build}/pixel/?lon=${lng}&lat=${lat}`).catch(() => null);
  if (!response) throw new Error(gettext("The server cannot be reached; check the connection."));
  const content = await response.json();
  if (!response.ok) throw new Error(content.error.message);
  return content;
}

/** Give entries back while the page goes away. */
export function giveBack(entries) {
  const token = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";
  for (const entry of entries) {
    fetch(`/api/queue/${entry}/release/`, { method: "POST", keepalive: true, headers: { "X-CSRFToken": token } }).catch(() => null);
  }
}
