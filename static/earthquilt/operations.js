/** Times of the operators' page in the reader's zone, also after each look. */

import { localTimes } from "./review/times.js";

localTimes();
document.addEventListener("htmx:afterSwap", (event) => localTimes(event.target));
