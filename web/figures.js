// Numbers of the report, each marked with where it stands there, and names out of models nobody vouches for.
import { html } from "./base.js";
import { number, say, t } from "./language.js";
import { at } from "./report.js";

// Units that French writes otherwise.
const units = { B: "unit_bytes", KiB: "unit_kib" };

// The number at `path`, times `scale`. What is absent is a dash.
export function Figure({ path, scale = 1, unit, isShort }) {
  const value = at(path);
  if (typeof value !== "number") return html`<span class="blank" aria-label=${t("blank")}>–</span>`;
  return html`<span class="figure"><span data-path=${path} data-scale=${scale === 1 ? undefined : scale}
    >${number(value * scale, isShort)}</span>${unit ? html`<span class="unit"> ${units[unit] ? t(units[unit]) : unit}</span>` : null}</span>`;
}

// Both ends of an interval, "34.0 to 48.8".
export function Interval({ low, high, scale = 1, unit }) {
  if (typeof at(low) !== "number" || typeof at(high) !== "number") return null;
  return html`<span class="interval"><${Figure} path=${low} scale=${scale} /> ${t("to")} <${Figure}
    path=${high} scale=${scale} unit=${unit} /></span>`;
}

// A name of a layer, a file, a board: text and nothing else, in its own direction.
export function Name({ text, code }) {
  const title = String(text).length > 60 ? text : undefined;
  return code ? html`<bdi class="name code" title=${title}>${text}</bdi>` : html`<bdi class="name" title=${title}>${text}</bdi>`;
}

// English words of the compiler in a page that may be French.
export function English({ text }) {
  return html`<span lang="en">${text}</span>`;
}

// A list of the report's sentences.
export function Sentences({ items }) {
  return html`<ul class="sentences">${items.map((item) => html`<li>${withCode(say(item))}</li>`)}</ul>`;
}

// `between backquotes` as code.
export function withCode(text) {
  return text.split("`").map((part, i) => (i % 2 ? html`<code>${part}</code>` : part));
}
