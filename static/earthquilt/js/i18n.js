/** Sentences in the reader's language, from the page's catalogue; in English where a page has none. */

const catalogue = globalThis.django;

/** The reader's language, for Intl. */
export const language = document.documentElement.lang || "en";

const fill = (sentence, values) => sentence.replace(/%\((\w+)\)s/g, (whole, name) => (name in values ? String(values[name]) : whole));

/** A sentence; `values` are put in for its %(name)s. */
export const gettext = (sentence, values = {}) => fill(catalogue?.gettext?.(sentence) ?? sentence, values);

/** The form of a sentence that fits a count, which is also its %(count)s unless `values` write it otherwise. */
export function ngettext(one, many, count, values = {}) {
  const sentence = catalogue?.ngettext?.(one, many, count) ?? (count === 1 ? one : many);
  return fill(sentence, { count: number(count), ...values });
}

/** A sentence or word that means one thing here and another elsewhere. */
export const pgettext = (context, sentence, values = {}) => fill(catalogue?.pgettext?.(context, sentence) ?? sentence, values);

/** Mark a word of a table for translation, which happens where it is shown. */
export const gettext_noop = (sentence) => sentence;

/** A number with so many decimals as the reader writes it, without marks between thousands. */
export const number = (value, digits = 0) => value.toLocaleString(language, { useGrouping: false, minimumFractionDigits: digits, maximumFractionDigits: digits });
