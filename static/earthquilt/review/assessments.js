/** Asking for an assessment, and waiting for its sample. */

import { ask } from "../js/api.js";
import { $, tell } from "../js/dom.js";
import { localTimes } from "./times.js";

const LOOK_AGAIN_MS = 3000;

localTimes();
if (document.querySelector("[data-reload]")) setTimeout(() => location.reload(), LOOK_AGAIN_MS);

$("new")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [points, least] = [Number($("points").value), Number($("least").value)];
  const order = $("order").value ? Number($("order").value) : null;
  try {
    const made = await ask("assessments/", { campaign: $("campaign").value, order, points, least });
    location.href = `/review/accuracy/${made.id}/`;
  } catch (error) {
    tell($("message"), error.message);
  }
});
