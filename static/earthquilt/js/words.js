/** Words and marks for states, and how figures are written. */

import { gettext, language, number } from "./i18n.js";

export const LOOKS = {
  idle: { glyph: "·", words: gettext("not asked for"), fill: null },
  waiting: { glyph: "…", words: gettext("waiting"), fill: "url(#fill-waiting)" },
  working: { glyph: "▸", words: gettext("being built"), fill: "url(#fill-working)" },
  blending: { glyph: "≈", words: gettext("waiting for its neighbours"), fill: "url(#fill-blending)" },
  made: { glyph: "+", words: gettext("to review"), fill: null, dash: "1 6" },
  approved: { glyph: "✓", words: gettext("approved"), fill: null, dash: "12 3" },
  rejected: { glyph: "✗", words: gettext("rejected"), fill: "url(#fill-rejected)" },
  failed: { glyph: "!", words: gettext("failed"), fill: "url(#fill-failed)" },
  empty: { glyph: "∅", words: gettext("no land or no data"), fill: "url(#fill-empty)" },
};

const ORDERS = {
  placed: gettext("placed"), running: gettext("running"), ready: gettext("ready"), failed: gettext("failed"), cancelled: gettext("cancelled"),
};

/** The state of an order in words. */
export const orderWords = (status) => ORDERS[status] || status;

const CLASSES = {
  water: gettext("water"), grass: gettext("grass"), tree: gettext("tree"), "residential building": gettext("residential building"),
  "industrial or commercial building": gettext("industrial or commercial building"), barren: gettext("barren"),
};

/** A landcover class as the map's servers name it, in words. */
export const classWords = (name) => CLASSES[name] || name;

const STAGES = {
  scene_list: gettext("being built: choosing scenes"), agree: gettext("being built: choosing scenes with its neighbours"),
  fetch: gettext("being built: fetching scenes"), mask: gettext("being built: masking clouds"), compose: gettext("being built: composing"),
  fill: gettext("being built: filling holes from older dates"), classify: gettext("being built: classifying"), done: gettext("being built: done"),
};

/** The mark that stands for a tile's state. */
export function lookOf(tile) {
  if (tile.status === "wanted") return "waiting";
  if (tile.status === "building") return "working";
  if (tile.status !== "composite") return tile.status in LOOKS ? tile.status : "idle";
  if (!tile.revision || tile.pending) return "blending";
  return { approved: "approved", rejected: "rejected" }[tile.review] || "made";
}

/** The state in words, with the stage of a build under way. */
export function stateWords(tile) {
  return (tile.status === "building" && STAGES[tile.stage]) || LOOKS[lookOf(tile)].words;
}

const IS_ENGLISH = language.split("-")[0] === "en";

export const percent = (share, digits = 1) => (share == null ? "–" : `${number(share * 100, digits)} %`);
export const figure = (value, digits = 2) => (value == null ? "–" : number(Number(value), digits));

/** A whole number, its thousands apart as the reader does it; in English by spaces, which no reader takes for a decimal mark. */
export function whole(value) {
  const written = Math.round(value).toLocaleString(language);
  return IS_ENGLISH ? written.replaceAll(",", " ") : written;
}

export const day = (text) => (text ? text.slice(0, 10) : "–");

// In English as in ISO 8601, which reads the same on both sides of the Atlantic.
const CLOCK = new Intl.DateTimeFormat(IS_ENGLISH ? "sv-SE" : language, { dateStyle: "short", timeStyle: "short" });
const ZONE = new Intl.DateTimeFormat(IS_ENGLISH ? "en-GB" : language, { timeZoneName: "short" });

/** Date and time in the reader's own zone, which is named. */
export function moment(text) {
  if (!text) return "–";
  const when = new Date(text);
  return `${CLOCK.format(when)} ${ZONE.formatToParts(when).find(({ type }) => type === "timeZoneName").value}`;
}
