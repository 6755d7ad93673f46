/** The workspace: one build on the screen, the next one ready. */

import { gettext } from "../js/i18n.js";
import { use } from "./draw.js";
import { startHead } from "./head.js";
import { openHelp, startKeys } from "./keys.js";
import { begin, giveBack, goOn, startMoves } from "./moves.js";
import { inspectMiddle, startPixel } from "./pixel.js";
import { blink, chooseLayer, exchange, getMap, nudge, setMode, startSides, stepDate, toggleFlicker, toggleMasks, whole } from "./sides.js";
import { startSpots, step } from "./spots.js";
import { page, showDesk } from "./state.js";
import { refreshStretch, startStretch, toggleStretch } from "./stretch.js";
import { approve, closeReject, openReject, startVerdict } from "./verdict.js";

const LAYER_KEYS = ["1", "2", "3", "4", "5"];

const KEYS = [
  { group: gettext("Verdict"), keys: ["A"], words: gettext("approve, and on to the next tile"), run: approve },
  { group: gettext("Verdict"), keys: ["R"], words: gettext("reject: what is wrong"), run: openReject },
  { group: gettext("Verdict"), keys: ["Escape"], shown: ["Esc"], words: gettext("end drawing, close the rejection"), run: closeReject },
  { group: gettext("Verdict"), keys: ["T"], words: gettext("next tile, this one later"), run: () => goOn(true) },
  { group: gettext("Verdict"), keys: ["G"], words: gettext("give back, to the queue"), run: giveBack },
  { group: gettext("Layers"), keys: LAYER_KEYS, shown: ["1", "…", "5"], words: gettext("left: mosaic, false colour, landcover, confidence, provenance"), run: ({ key }) => chooseLayer("left", key - 1) },
  { group: gettext("Layers"), keys: ["6", "7", "8", "9", "0"], shown: ["6", "…", "0"], words: gettext("right: the same"), run: ({ key }) => chooseLayer("right", (Number(key) + 4) % 10) },
  { group: gettext("Layers"), keys: ["]"], words: gettext("right: next date"), run: () => stepDate(1) },
  { group: gettext("Layers"), keys: ["["], words: gettext("right: previous date"), run: () => stepDate(-1) },
  { group: gettext("Layers"), keys: ["M"], words: gettext("cloud masks of the dates"), run: toggleMasks },
  { group: gettext("Layers"), keys: ["H"], words: gettext("histogram stretch, for the eye only"), run: toggleStretch },
  { group: gettext("Compare"), keys: ["W"], words: gettext("swipe"), run: () => setMode("swipe") },
  { group: gettext("Compare"), keys: ["O"], words: gettext("opacity"), run: () => setMode("fade") },
  { group: gettext("Compare"), keys: ["F"], words: gettext("flicker, on and off"), run: toggleFlicker },
  { group: gettext("Compare"), keys: ["B"], words: gettext("flicker by hand"), run: blink },
  { group: gettext("Compare"), keys: ["X"], words: gettext("exchange the sides"), run: exchange },
  { group: gettext("Compare"), keys: [","], words: gettext("divider to the left, less opacity"), run: () => nudge(-5) },
  { group: gettext("Compare"), keys: ["."], words: gettext("divider to the right, more opacity"), run: () => nudge(5) },
  { group: gettext("Places"), keys: ["N"], words: gettext("next hot spot"), run: () => step(1) },
  { group: gettext("Places"), keys: ["P"], words: gettext("previous hot spot"), run: () => step(-1) },
  { group: gettext("Places"), keys: ["I"], words: gettext("pixel in the middle"), run: inspectMiddle },
  { group: gettext("Places"), keys: ["Z"], words: gettext("the whole tile"), run: whole },
  { group: gettext("Places"), keys: ["+", "="], shown: ["+"], words: gettext("nearer"), run: () => getMap().zoomIn() },
  { group: gettext("Places"), keys: ["-"], words: gettext("farther"), run: () => getMap().zoomOut() },
  { group: gettext("Places"), keys: [], shown: ["←", "↑", "→", "↓"], words: gettext("move the map, once it has the focus"), run: () => null },
  { group: gettext("Drawing, while rejecting"), keys: ["D"], words: gettext("polygon"), run: () => use("polygon") },
  { group: gettext("Drawing, while rejecting"), keys: ["U"], words: gettext("brush"), run: () => use("brush") },
  { group: gettext("Drawing, while rejecting"), keys: [], shown: ["↵"], words: gettext("a corner, the stroke's begin and end, at the cross; the same corner twice closes"), run: () => null },
  { group: gettext("Drawing, while rejecting"), keys: [], shown: ["⌫"], words: gettext("the last corner away"), run: () => null },
  { group: gettext("Drawing, while rejecting"), keys: ["K"], words: gettext("the hot spot"), run: () => use("spot") },
  { group: gettext("Drawing, while rejecting"), keys: ["V"], words: gettext("what the map shows"), run: () => use("view") },
  { group: gettext("Help"), keys: ["?"], words: gettext("this list"), run: openHelp },
];

startSides(refreshStretch);
startStretch();
startPixel();
startSpots();
startMoves();
startVerdict();
startHead();
startKeys(KEYS);
showDesk(page.desk);
begin();
