/** Publishing an edition and taking one back; times in the reader's own zone. */

import { ask } from "../js/api.js";
import { $, tell } from "../js/dom.js";
import { localTimes } from "./times.js";

localTimes();
$("campaign")?.addEventListener("change", () => $("choose").requestSubmit());
const slug = $("publish")?.dataset.campaign;

$("publish")?.addEventListener("submit", (event) => act(event, `campaigns/${slug}/editions/`, {}));
for (const form of document.querySelectorAll("[data-withdraw]")) {
  form.addEventListener("submit", (event) => {
    const words = form.querySelector("input").value;
    act(event, `campaigns/${slug}/editions/${form.dataset.withdraw}/withdraw/`, { words });
  });
}

async function act(event, address, body) {
  event.preventDefault();
  const button = event.target.querySelector("button");
  button.disabled = true;
  try {
    await ask(address, body);
    location.reload();
  } catch (error) {
    tell($("message"), error.message);
    button.disabled = false;
  }
}
