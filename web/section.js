// A part of the page under a heading.
import { html } from "./base.js";
import { t } from "./language.js";

export function Section({ id, note, children }) {
  return html`<section id=${id} aria-labelledby=${id + "-title"}>
    <h2 id=${id + "-title"}>${t("section_" + id)}</h2>
    ${note ? html`<p class="note">${note}</p>` : null}
    ${children}
  </section>`;
}

// One of several choices, as buttons side by side.
export function Choice({ label, options, value, onChoose }) {
  return html`<div class="choice" role="group" aria-label=${label}>${options.map((option) => html`<button type="button"
    aria-pressed=${option.value === value ? "true" : "false"}
    onClick=${() => onChoose(option.value)}>${option.title}</button>`)}</div>`;
}
