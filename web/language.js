// Languages: labels of the page, sentences of the report, numbers.
import { labels } from "./labels.js";

export const languages = ["en", "fr"];

const preferred = (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2));
let current = preferred.find((tag) => languages.includes(tag)) || "en";

export function language() {
  return current;
}

export function useLanguage(name) {
  current = name;
  document.documentElement.lang = name;
}

// A label of the page, with {0}, {1}, ... replaced.
export function t(key, ...words) {
  const text = labels[key] ? labels[key][current] : key;
  return text.replace(/\{(\d)\}/g, (_, place) => words[place]);
}

// A sentence of the report.
export function say(sentence) {
  if (!sentence) return "";
  return typeof sentence === "string" ? sentence : sentence[current] || sentence.en;
}

const formats = new Map();

function format(options) {
  const key = current + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.NumberFormat(current, options));
  return formats.get(key);
}

// Whole numbers in full, others to four digits; `isShort` leaves zeros at the end out.
export function number(value, isShort) {
  const size = Math.abs(value);
  if (Number.isInteger(value)) return format({ maximumFractionDigits: 0 }).format(value);
  if (size >= 1000) return format({ maximumFractionDigits: 0 }).format(value);
  if (size > 0 && size < 1e-4) return format({ notation: "scientific", maximumSignificantDigits: 4 }).format(value);
  return format(isShort ? { maximumSignificantDigits: 4 } : { minimumSignificantDigits: 4, maximumSignificantDigits: 4 }).format(value);
}

// Of an axis: short.
export function tick(value) {
  return format({ maximumSignificantDigits: 3, notation: Math.abs(value) >= 1e5 ? "compact" : "standard" }).format(value);
}
