/** Publishing the next edition. */

import * as api from "./api.js";
import { $, announce, tell } from "./dom.js";
import { gettext, ngettext } from "./i18n.js";
import { on, store } from "./store.js";
import { lookOf, moment } from "./words.js";

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
      const words = gettext("Edition %(number)s is published.", { number: edition.number });
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
  const published = newest ? gettext("Edition %(number)s was published %(time)s.", { number: newest.number, time: moment(newest.published_at) }) : gettext("No edition has been published yet.");
  const tiles = ngettext("%(count)s tile approved, %(made)s to review, %(rejected)s rejected.", "%(count)s tiles approved, %(made)s to review, %(rejected)s rejected.",
    count("approved"), { made: count("made"), rejected: count("rejected") });
  const isLarge = store.campaign?.tile_count > store.page.most_tiles;
  $("publish-state").textContent = isLarge ? published : `${published} ${tiles}`;
}
