// What each layer takes.
import { html, useMemo } from "./base.js";
import { English, Figure, Name } from "./figures.js";
import { say, t } from "./language.js";
import { at, list } from "./report.js";
import { Section } from "./section.js";
import { Table } from "./table.js";

const numbers = [
  ["macs", "macs"],
  ["instructions", "instructions"],
  ["cycles_estimated", "cycles_column"],
  ["cycles_share", "share"],
  ["cycles_per_mac", "cycles_per_mac"],
  ["energy_uj_estimated", "energy_uj"],
  ["weights_bytes", "weights_bytes"],
];

function Share({ path }) {
  const value = at(path);
  if (typeof value !== "number") return html`<${Figure} path=${path} />`;
  return html`<span class="share"><i aria-hidden="true" style=${`width:calc(2.4rem * ${Math.min(1, value)} + 1px)`}></i><${Figure} path=${path} scale=${100} unit="%" /></span>`;
}

export function Layers() {
  const layers = list("layers");
  const is = (key) => layers.some((layer) => layer[key] !== undefined && layer[key] !== null);
  const rows = useMemo(() => layers.map((layer, i) => ({ layer, i })), []);
  if (!is("kernel")) return null;
  // Of a model that was quantized here: why a layer's values have their numbers.
  const reasons = new Map(list("quantization").map((value) => [value.layer, value.reason]));
  const columns = [
    { key: "place", title: "#", role: "place", value: (row) => row.i, cell: (row) => html`<span class="place">${row.i + 1}</span>` },
    { key: "name", title: t("layer"), isText: true, role: "naming", value: (row) => row.layer.name,
      cell: (row) => html`<${Name} text=${row.layer.name} /><span class="second">${row.layer.block} <span class="code">${row.layer.output}</span></span>` },
    ...numbers.filter(([key]) => is(key)).map(([key, label]) => ({
      key, title: t(label), value: (row) => row.layer[key],
      cell: (row) => key === "cycles_share" ? html`<${Share} path=${`layers.${row.i}.${key}`} />`
        : html`<${Figure} path=${`layers.${row.i}.${key}`} />` })),
    { key: "format", title: t("format"), isText: true, value: (row) => row.layer.format,
      cell: (row) => html`${row.layer.format}${reasons.has(row.layer.name) ? html`<span class="second" lang="en">${reasons.get(row.layer.name)}</span>` : null}` },
    { key: "kernel", title: t("kernel_and_why"), isText: true, value: (row) => row.layer.kernel,
      cell: (row) => html`<${Name} text=${row.layer.kernel} code /><span class="second wide">${say(row.layer.why)}</span>` },
  ];
  return html`<${Section} id="layers" note=${t("note_layers")}>
    <${Table} caption=${t("section_layers")} columns=${columns} rows=${rows} />
  </${Section}>`;
}

// Of `time`: functions.
export function Functions() {
  const functions = list("functions");
  const rows = useMemo(() => functions.map((one, i) => ({ one, i })), []);
  if (functions.length === 0) return null;
  const column = (key, label) => ({ key, title: t(label), value: (row) => row.one[key],
    cell: (row) => key === "cycles_share" ? html`<${Share} path=${`functions.${row.i}.${key}`} />`
      : html`<${Figure} path=${`functions.${row.i}.${key}`} />` });
  return html`<${Section} id="functions" note=${t("note_functions")}>
    <${Table} caption=${t("section_functions")} rows=${rows} columns=${[
      { key: "name", title: t("function"), isText: true, value: (row) => row.one.name,
        cell: (row) => row.one.name ? html`<${Name} text=${row.one.name} code />` : html`<${English} text="(none)" />` },
      column("instructions", "instructions"), column("cycles_estimated", "cycles_column"), column("cycles_share", "share"),
      column("stall_cycles_estimated", "waiting"), column("energy_uj_estimated", "energy_uj")]} />
  </${Section}>`;
}
