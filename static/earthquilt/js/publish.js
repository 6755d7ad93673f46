/** Publishing the next edition. */

import * as api from "./api.js";
import { $, announce, tell } from "./dom.js";
import { on, store } from "./store.js";
import { lookOf, moment, plural } from "./words.js";

/** Wire the operator's form, where there is one. */
export function startPublish(refresh) {
  if (!$("publish")) return;
  on("editions tiles", showState);
  $("publish").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    button.disabled = true;
    try {
      const edition = await api.publish(store.campaign.slug);
      const words = `Edition ${edition.number} is published.`;
      announce(words);
      await refresh();
      tell($("publish-message"), words, "good");
    } catch (error) {
      tell($("publish-message"), error.message);
    } finally {
      button.disabled = false;
    }
  });
}

function showState() {
  const newest = store.editions?.[0];
  const count = (look) => store.tiles.filter((tile) => lookOf(tile) === look).length;
  const published = newest ? `Edition ${newest.number} was published ${moment(newest.published_at)}.` : "No edition has been published yet.";
  $("publish-state").textContent = `${published} ${plural(count("approved"), "tile")} approved, ${count("made")} to review, ${count("rejected")} rejected.`;
}
