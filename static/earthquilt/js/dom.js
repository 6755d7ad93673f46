/** Small helpers for the page. */

export const $ = (id) => document.getElementById(id);

/** Make an element: attributes, listeners (onclick ...), then children; text is always escaped. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Show a sentence in a notice, or hide the notice when there is none. */
export function tell(notice, sentence, kind = "bad") {
  if (!notice) return;
  notice.hidden = !sentence;
  notice.textContent = sentence || "";
  notice.className = `notice ${kind}`;
}

let lastSaid = "";

/** Say something to who listens rather than looks; the same sentence once only. */
export function announce(sentence) {
  if (sentence && sentence !== lastSaid) $("announcer").textContent = lastSaid = sentence;
}
