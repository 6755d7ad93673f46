/** The page "Use this map": its buttons copy the line beside them. */

import { gettext } from "./i18n.js";

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const line = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(line.textContent);
      document.getElementById("copied").textContent = gettext("Copied.");
      button.textContent = gettext("Copied");
    } catch {
      // Without the right to the clipboard the line is selected, so that one key copies it.
      getSelection().selectAllChildren(line);
    }
  });
}
