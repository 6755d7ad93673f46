/** Parts of a page that follow what the server says, without taking the keyboard away from anybody. */

import { localTimes } from "../review/times.js";

const TOKENS = /\/deliveries\/[^/\x22]+\/|name=\x22csrfmiddlewaretoken\x22 value=\x22\w+\x22/g;

/** Look again every so often while something moves and the page is seen; `fresh` gets the new document. */
export function follow({ every, moving, fresh, lost }) {
  const look = async () => {
    if (!document.hidden && moving()) {
      try {
        const answer = await fetch(location.href, { credentials: "same-origin" });
        if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
        fresh(new DOMParser().parseFromString(await answer.text(), "text/html"));
        document.dispatchEvent(new Event("renewed"));
      } catch {
        lost();
      }
    }
    setTimeout(look, every);
  };
  setTimeout(look, every);
}

/** Put the newest state of a part in place where it differs; who was in it with the keyboard stays there. */
export function renew(part, page, selector) {
  const old = typeof part === "string" ? document.getElementById(part) : part;
  const fresh = page.querySelector(selector || `#${part}`);
  if (!old || !fresh) return;
  localTimes(fresh);
  if (plain(old) === plain(fresh)) return;
  const held = old.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  const node = document.importNode(fresh, true);
  old.replaceWith(node);
  if (held) [...node.querySelectorAll("a, button, [tabindex]")].find((one) => keyOf(one) === held)?.focus();
}

/** Say something to who listens rather than looks. */
export function say(sentence) {
  const said = document.getElementById("said");
  if (said && said.textContent !== sentence) said.textContent = sentence;
}

// Links to files and the tokens of forms are made anew each time and mean the same.
const plain = (node) => node.outerHTML.replace(TOKENS, "");
const keyOf = (node) => node.id || `${node.tagName} ${(node.getAttribute("href") || "").replace(TOKENS, "")} ${node.textContent}`;
