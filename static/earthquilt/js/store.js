/** What the page knows, and who wants to hear when it changes. */

const listeners = new Map();

export const store = { page: null, campaigns: [], campaign: null, view: null, tiles: [], chosen: null, desk: "map" };

/** Call a function whenever one of these names is set. */
export function on(names, listener) {
  for (const name of names.split(" ")) listeners.set(name, [...(listeners.get(name) || []), listener]);
}

/** Set a value and tell the listeners. */
export function set(name, value) {
  store[name] = value;
  for (const listener of listeners.get(name) || []) listener(value);
}

/** The chosen tile's row, or null. */
export function chosenTile() {
  return store.tiles.find((tile) => tile.name === store.chosen) || null;
}
