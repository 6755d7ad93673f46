/** Times in the reader's own zone. */

import { moment } from "../js/words.js";

/** Write every <time> of the page so. */
export function localTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) time.textContent = moment(time.dateTime);
}
