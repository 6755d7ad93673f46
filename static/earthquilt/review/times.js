/** Times in the reader's own zone. */

import { moment } from "../js/words.js";

/** Write every <time> of the page, or of a part of it, so. */
export function localTimes(part = document) {
  for (const time of part.querySelectorAll("time[datetime]")) time.textContent = moment(time.dateTime);
}
