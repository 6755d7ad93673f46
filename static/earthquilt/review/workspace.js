/** The workspace: one build on the screen, the next one ready. */

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
  { group: "Verdict", keys: ["A"], words: "approve, and on to the next tile", run: approve },
  { group: "Verdict", keys: ["R"], words: "reject: what is wrong", run: openReject },
  { group: "Verdict", keys: ["Escape"], shown: ["Esc"], words: "end drawing, close the rejection", run: closeReject },
  { group: "Verdict", keys: ["T"], words: "next tile, this one later", run: () => goOn(true) },
  { group: "Verdict", keys: ["G"], words: "give back, to the queue", run: giveBack },
  { group: "Layers", keys: LAYER_KEYS, shown: ["1", "…", "5"], words: "left: mosaic, false colour, landcover, confidence, provenance", run: ({ key }) => chooseLayer("left", key - 1) },
  { group: "Layers", keys: ["6", "7", "8", "9", "0"], shown: ["6", "…", "0"], words: "right: the same", run: ({ key }) => chooseLayer("right", (Number(key) + 4) % 10) },
  { group: "Layers", keys: ["]"], words: "right: next date", run: () => stepDate(1) },
  { group: "Layers", keys: ["["], words: "right: previous date", run: () => stepDate(-1) },
  { group: "Layers", keys: ["M"], words: "cloud masks of the dates", run: toggleMasks },
  { group: "Layers", keys: ["H"], words: "histogram stretch, for the eye only", run: toggleStretch },
  { group: "Compare", keys: ["W"], words: "swipe", run: () => setMode("swipe") },
  { group: "Compare", keys: ["O"], words: "opacity", run: () => setMode("fade") },
  { group: "Compare", keys: ["F"], words: "flicker, on and off", run: toggleFlicker },
  { group: "Compare", keys: ["B"], words: "flicker by hand", run: blink },
  { group: "Compare", keys: ["X"], words: "exchange the sides", run: exchange },
  { group: "Compare", keys: [","], words: "divider to the left, less opacity", run: () => nudge(-5) },
  { group: "Compare", keys: ["."], words: "divider to the right, more opacity", run: () => nudge(5) },
  { group: "Places", keys: ["N"], words: "next hot spot", run: () => step(1) },
  { group: "Places", keys: ["P"], words: "previous hot spot", run: () => step(-1) },
  { group: "Places", keys: ["I"], words: "pixel in the middle", run: inspectMiddle },
  { group: "Places", keys: ["Z"], words: "the whole tile", run: whole },
  { group: "Places", keys: ["+", "="], shown: ["+"], words: "nearer", run: () => getMap().zoomIn() },
  { group: "Places", keys: ["-"], words: "farther", run: () => getMap().zoomOut() },
  { group: "Places", keys: [], shown: ["←", "↑", "→", "↓"], words: "move the map, once it has the focus", run: () => null },
  { group: "Drawing, while rejecting", keys: ["D"], words: "polygon", run: () => use("polygon") },
  { group: "Drawing, while rejecting", keys: ["U"], words: "brush", run: () => use("brush") },
  { group: "Drawing, while rejecting", keys: [], shown: ["↵"], words: "a corner, the stroke's begin and end, at the cross; the same corner twice closes", run: () => null },
  { group: "Drawing, while rejecting", keys: [], shown: ["⌫"], words: "the last corner away", run: () => null },
  { group: "Drawing, while rejecting", keys: ["K"], words: "the hot spot", run: () => use("spot") },
  { group: "Drawing, while rejecting", keys: ["V"], words: "what the map shows", run: () => use("view") },
  { group: "Help", keys: ["?"], words: "this list", run: openHelp },
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
