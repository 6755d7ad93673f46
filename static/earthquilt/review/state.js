/** What the workspace knows: the page's own data, the build on the screen, the tile held ahead. */

export const page = JSON.parse(document.getElementById("page-data").textContent);
export const state = { desk: page.desk, ahead: null, skipped: [], busy: false };

const listeners = new Set();

/** Call a function with each build that comes onto the screen. */
export function onDesk(listener) {
  listeners.add(listener);
}

/** Put a build onto the screen. */
export function showDesk(desk) {
  state.desk = desk;
  for (const listener of listeners) listener(desk);
}

/** Whether the entry on the screen waits for this reviewer's verdict. */
export function isOpen() {
  const { entry } = state.desk;
  return Boolean(entry?.mine && !entry.done_at);
}
