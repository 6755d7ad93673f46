/** Which networks the campaign is built with. */

import { $, h } from "./dom.js";
import { pgettext } from "./i18n.js";
import { on, store } from "./store.js";

const MARK = "@sha256:";

/** Tell the networks of the campaign whenever another is chosen. */
export function startNetworks() {
  on("campaign", show);
}

function show(campaign) {
  const pins = Object.entries(campaign?.settings.networks || {});
  $("networks").replaceChildren(...pins.flatMap(row));
  $("networks-unpinned").hidden = pins.length > 0;
}

function row([name, pin]) {
  const [version, hash] = pin.split(MARK);
  const own = pin !== store.page.shipped_networks[name];
  return [
    h("dt", { translate: "no" }, name),
    h("dd", { title: hash ? `SHA-256 ${hash}` : null }, version, hash ? h("span", { class: "muted mono" }, ` ${hash.slice(0, 8)}`) : "",
      own ? h("span", { class: "role" }, pgettext("network", "own")) : ""),
  ];
}
