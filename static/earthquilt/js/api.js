/** The only module that talks to the API and knows its shapes. */

import { gettext } from "./i18n.js";

/** A refusal, with the server's sentence. */
export class ApiError extends Error {
  constructor(status, message, field) {
    super(message);
    Object.assign(this, { status, field });
  }
}

function csrfToken() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] || "";
}

/** Ask the API; gives the decoded JSON or throws an ApiError with one sentence. */
export async function ask(path, body) {
  const options = { headers: { Accept: "application/json" }, credentials: "same-origin" };
  if (body !== undefined) {
    options.method = "POST";
    const isForm = body instanceof FormData;
    options.body = isForm ? body : JSON.stringify(body);
    Object.assign(options.headers, { "X-CSRFToken": csrfToken() }, isForm ? {} : { "Content-Type": "application/json" });
  }
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch {
    throw new ApiError(0, gettext("The server cannot be reached; check the connection."));
  }
  const content = await response.json().catch(() => null);
  if (response.ok) return content;
  const refusal = content?.error;
  throw new ApiError(response.status, refusal?.message || gettext("The server answered %(status)s.", { status: response.status }), refusal?.field);
}

async function all(path) {
  const rows = [];
  for (let next = path; next; ) {
    const page = await ask(next);
    rows.push(...(page.results || page));
    next = page.next ? page.next.split("/api/")[1] : null;
  }
  return rows;
}

export const campaigns = () => all("campaigns/");
export const editions = (slug) => ask(`campaigns/${slug}/editions/`);
export const publish = (slug) => ask(`campaigns/${slug}/editions/`, {});
export const estimate = (slug, area) => ask("orders/estimate/", { campaign: slug, ...area });
/** Read an area on the server, from {file}, {bbox} or {place, km}: its geometry and what was repaired. */
export function readArea(given) {
  const form = new FormData();
  for (const [name, value] of Object.entries(given)) form.append(name, value);
  return ask("areas/", form);
}

export const places = (name) => ask(`places/?name=${encodeURIComponent(name)}`);
export const place = (slug, area, dates) => ask("orders/", { campaign: slug, ...area, ...dates });
export const judge = (revision, verdict) => ask("reviews/", { revision, ...verdict });

export const queue = (slug, most) => ask(`queue/?campaign=${slug}&limit=${most}`);

/** Take the likeliest trouble of a campaign, or null where nobody else left any. */
export async function takeNext(slug) {
  return (await ask("queue/next/", { campaign: slug })).entry;
}

/** The tiles of a campaign, all or those that meet a box (west,south,east,north), as rows with their GeoJSON geometry. */
export async function tiles(slug, box) {
  const collection = await ask(`campaigns/${slug}/tiles/${box ? `?bbox=${box}` : ""}`);
  return collection.features.map(({ properties, geometry }) => ({ ...properties, geometry }));
}

/** One tile with its scenes and figures. */
export const tile = (slug, name) => ask(`campaigns/${slug}/tiles/${name}/`);

/** What a view shows under a point, or null where it has no data. */
export async function point(slug, view, lon, lat) {
  try {
    const response = await fetch(`/tiles/${slug}/${view}/point?lon=${lon}&lat=${lat}`);
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** Orders on a campaign, the newest first. */
export async function orders(slug) {
  return (await all("orders/?limit=500")).filter((order) => order.campaign === slug);
}
