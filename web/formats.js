// Number formats: those that were tried for the whole model, why one layer has its own, what each value was given.
import { html, useMemo } from "./base.js";
import { English, Figure, Name } from "./figures.js";
import { t } from "./language.js";
import { at, has, list } from "./report.js";
import { Section } from "./section.js";
import { Table } from "./table.js";

function costs(path, rows, isLinked) {
  const figure = (key, label, where, value) => ({ key, title: t(label), value: ({ one }) => value(one), cell: ({ i }) => html`<${Figure} path=${`${path}.${i}.${where}`} />` });
  return [
    isLinked ? figure("flash", "flash_bytes", "flash.total_bytes", (one) => one.flash.total_bytes) : figure("flash", "weights_bytes", "flash.weights_bytes", (one) => one.flash.weights_bytes),
    isLinked ? figure("ram", "ram_bytes", "ram.total_bytes", (one) => one.ram.total_bytes) : figure("ram", "arena_bytes", "ram.arena_bytes", (one) => one.ram.arena_bytes),
    figure("instructions", "instructions", "instructions", (one) => one.instructions),
    ...(rows.some(({ one }) => (one.latency_ms_estimated ?? null) !== null) ? [figure("latency_ms", "latency_ms", "latency_ms_estimated", (one) => one.latency_ms_estimated)] : []),
  ];
}

export function Frontier() {
  const choices = list("formats.choices");
  const rows = useMemo(() => choices.map((one, i) => ({ one, i })), []);
  if (rows.length === 0) return null;
  const chosen = at("formats.chosen");
  return html`<${Section} id="frontier" note=${t("note_frontier")}>
    <${Table} caption=${t("section_frontier")} rows=${rows} rowClass=${({ i }) => (i === chosen ? "first" : undefined)} columns=${[
      { key: "name", title: t("formats"), isText: true, value: ({ one }) => one.name,
        cell: ({ one, i }) => html`${one.name}${i === chosen ? html` <span class="badge">${t("chosen")}</span>` : null}${one.is_on_front && i !== chosen ? html` <span class="badge quiet">${t("front")}</span>` : null}` },
      { key: "value", title: at("formats.metric"), value: ({ one }) => one.value, cell: ({ i }) => html`<${Figure} path=${`formats.choices.${i}.value`} />` },
      { key: "drop", title: t("points_lost"), value: ({ one }) => one.drop_points, cell: ({ i }) => html`<${Figure} path=${`formats.choices.${i}.drop_points`} />` },
      ...costs("formats.choices", rows, choices.some((one) => one.flash.total_bytes !== null)),
      { key: "fits", title: t("fits"), isText: true, value: ({ one }) => (one.fits ? 0 : 1), cell: ({ one }) => t(one.fits ? "yes" : "no") }]} />
  </${Section}>`;
}

export function Explanation() {
  const alternatives = list("alternatives");
  const rows = useMemo(() => alternatives.map((one, i) => ({ one, i })), []);
  if (rows.length === 0) return null;
  const values = list("values");
  return html`<${Section} id="explanation">
    <p><${Name} text=${at("layer.name")} code /> (${at("layer.block")}): ${at("layer.format")}, <${English} text=${at("reason")} /></p>
    <${Table} caption=${t("section_explanation")} rows=${rows} rowClass=${({ one }) => (one.is_chosen ? "first" : undefined)} columns=${[
      { key: "format", title: t("format"), isText: true, value: ({ one }) => one.format, cell: ({ one }) => html`${one.format}${one.is_chosen ? html` <span class="badge">${t("chosen")}</span>` : null}` },
      { key: "error", title: t("output_error"), value: ({ one }) => one.output_error, cell: ({ i }) => html`<${Figure} path=${`alternatives.${i}.output_error`} />` },
      ...(has("metric") ? [{ key: "value", title: at("metric"), value: ({ one }) => one.value, cell: ({ i }) => html`<${Figure} path=${`alternatives.${i}.value`} />` }] : []),
      ...costs("alternatives", rows, alternatives.some((one) => one.flash.total_bytes !== null))]} />
    ${values.length > 0 ? html`<${Values} path="values" />` : null}
    ${has("stays_float") ? html`<ul class="sentences">${list("stays_float").map((why) => html`<li><${English} text=${why} /></li>`)}</ul>` : null}
  </${Section}>`;
}

// Layers by what integers do to them, of `explain` without a layer.
export function LayerFormats() {
  const layers = list("layers");
  const rows = useMemo(() => layers.map((one, i) => ({ one, i })), []);
  if (!layers.some((layer) => "int8_error" in layer)) return null;
  const column = (key, title, value) => ({ key, title, value: ({ one }) => value(one), cell: ({ i }) => html`<${Figure} path=${`layers.${i}.${key}`} />` });
  return html`<${Section} id="layer_formats" note=${t("note_layer_formats")}>
    <${Table} caption=${t("section_layer_formats")} rows=${rows} columns=${[
      { key: "name", title: t("layer"), isText: true, value: ({ one }) => one.name, cell: ({ one }) => html`<${Name} text=${one.name} /><span class="second">${one.block}</span>` },
      { key: "format", title: t("format"), isText: true, value: ({ one }) => one.format, cell: ({ one }) => one.format },
      column("int8_error", t("error_of", "int8"), (one) => one.int8_error), column("int16_error", t("error_of", "int16"), (one) => one.int16_error),
      ...["int8", "int16", "float32"].map((format) => column(format + ".instructions", t("instructions_of", format), (one) => one[format].instructions))]} />
  </${Section}>`;
}

function Values({ path }) {
  const rows = useMemo(() => list(path).map((one, i) => ({ one, i })), []);
  const column = (key, label, value) => ({ key, title: t(label), value: ({ one }) => value(one), cell: ({ i }) => html`<${Figure} path=${`${path}.${i}.${key}`} />` });
  return html`<${Table} caption=${t("section_quantization")} rows=${rows} columns=${[
    { key: "value", title: t("value"), isText: true, value: ({ one }) => one.value, cell: ({ one }) => html`<${Name} text=${one.value} /><span class="second">${one.block}</span>` },
    { key: "dtype", title: t("format"), isText: true, value: ({ one }) => one.dtype, cell: ({ one }) => one.dtype },
    column("snr_db", "noise_snr_db", (one) => one.snr_db), column("cos", "noise_cos", (one) => one.cos),
    column("reach.0", "least", (one) => one.reach[0]), column("reach.1", "most", (one) => one.reach[1]),
    { key: "reason", title: t("why"), isText: true, value: ({ one }) => one.reason, cell: ({ one }) => html`<span class="second wide" lang="en">${one.reason}</span>` }]} />`;
}

export function Quantization() {
  if (!has("quantization")) return null;
  return html`<${Section} id="quantization" note=${t("note_quantization")}><${Values} path="quantization" /></${Section}>`;
}
