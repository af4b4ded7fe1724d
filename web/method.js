// What was found and how, in sentences: results, what to do, what limits them, steps, tools, files, messages.
import { html } from "./base.js";
import { English, Figure, Name, Sentences, withCode } from "./figures.js";
import { say, t } from "./language.js";
import { at, has, list } from "./report.js";
import { Section } from "./section.js";

export function Findings() {
  const parts = ["results", "recommendations", "limitations"].filter((name) => has("report." + name));
  if (parts.length === 0) return null;
  return html`<${Section} id="findings"><div class="columns">${parts.map((name) => html`<div><h3>${t(name)}</h3><${Sentences} items=${list("report." + name)} /></div>`)}</div></${Section}>`;
}

export function Messages() {
  const said = list("diagnostics");
  if (said.length === 0) return null;
  return html`<${Section} id="messages"><ul class="messages" lang="en">${said.map((one) => html`<li class=${one.severity}>
    <span class="severity">${one.severity}</span> <span class="code kind">${one.kind}</span>
    <p><bdi>${withCode(one.message)}</bdi></p>
    ${one.layer ? html`<p class="second"><bdi>${one.layer}</bdi></p>` : null}
    ${(one.notes || []).map((note) => html`<p class="second"><bdi>${note}</bdi></p>`)}
    ${one.help ? html`<p class="second"><bdi>${withCode(one.help)}</bdi></p>` : null}</li>`)}</ul></${Section}>`;
}

function Options() {
  const options = list("report.options");
  if (options.length === 0) return null;
  return html`<div><h3>${t("options")}</h3><dl class="facts">${options.map((option) => html`<div><dt class="code">${option.name}</dt>
    <dd><bdi class="code">${option.values.join(" ") || t("yes")}</bdi></dd></div>`)}</dl></div>`;
}

function Tools() {
  const tools = list("report.tools");
  return html`<div><h3>${t("tools")}</h3><dl class="facts"><div><dt>nblocks</dt><dd>${at("report.nblocks")}</dd></div>
    ${tools.map((tool) => html`<div><dt class="code">${tool.name}</dt><dd lang="en">${tool.version || t("unknown")}</dd></div>`)}</dl>
    ${has("compile_command") ? html`<pre class="small" tabindex="0" data-scrolls><code>${at("compile_command")}</code></pre>` : null}</div>`;
}

function Files() {
  const files = list("report.files");
  if (files.length === 0) return null;
  return html`<div><h3>${t("files")}</h3><ul class="files">${files.map((file, i) => html`<li><p><${Name} text=${file.file} code /></p>
    <p class="second">${t("role_" + file.role)}${file.format ? ", " + file.format : ""}${file.size_bytes !== null ? html`, <${Figure} path=${`report.files.${i}.size_bytes`} unit="B" />` : null}</p>
    ${file.sha256 ? html`<p class="second code hash">SHA-256 ${file.sha256}</p>` : null}</li>`)}</ul></div>`;
}

export function Method() {
  if (!has("report")) return null;
  return html`<${Section} id="method">
    ${has("report.steps") ? html`<ol class="steps">${list("report.steps").map((step) => html`<li><b>${t("station_" + step.station)}</b> ${withCode(say(step.sentence))}</li>`)}</ol>` : null}
    <div class="columns"><${Options} /><${Tools} /><${Files} /></div>
  </${Section}>`;
}
