/** Words and marks for states, and how figures are written. */

export const LOOKS = {
  idle: { glyph: "·", words: "not asked for", fill: null },
  waiting: { glyph: "…", words: "waiting", fill: "url(#fill-waiting)" },
  working: { glyph: "▸", words: "being built", fill: "url(#fill-working)" },
  blending: { glyph: "≈", words: "waiting for its neighbours", fill: "url(#fill-blending)" },
  made: { glyph: "+", words: "to review", fill: null, dash: "1 6" },
  approved: { glyph: "✓", words: "approved", fill: null, dash: "12 3" },
  rejected: { glyph: "✗", words: "rejected", fill: "url(#fill-rejected)" },
  failed: { glyph: "!", words: "failed", fill: "url(#fill-failed)" },
  empty: { glyph: "∅", words: "no land or no data", fill: "url(#fill-empty)" },
};

const STAGES = {
  scene_list: "choosing scenes", agree: "choosing scenes with its neighbours", fetch: "fetching scenes", mask: "masking clouds",
  compose: "composing", fill: "filling holes from older dates", classify: "classifying", done: "done",
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
  const words = LOOKS[lookOf(tile)].words;
  return tile.status === "building" && STAGES[tile.stage] ? `${words}: ${STAGES[tile.stage]}` : words;
}

export const percent = (share, digits = 1) => (share == null ? "–" : `${(share * 100).toFixed(digits)} %`);
export const figure = (value, digits = 2) => (value == null ? "–" : Number(value).toFixed(digits));
export const whole = (value) => Math.round(value).toLocaleString("en").replaceAll(",", " ");
export const day = (text) => (text ? text.slice(0, 10) : "–");

const CLOCK = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
const ZONE = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

/** Date and time in the reader's own zone, which is named. */
export function moment(text) {
  if (!text) return "–";
  const when = new Date(text);
  return `${CLOCK.format(when)} ${ZONE.formatToParts(when).find(({ type }) => type === "timeZoneName").value}`;
}

export const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
