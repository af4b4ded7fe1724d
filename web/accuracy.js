// Float against integer: figures, confusion, and layer by layer.
import { html, useMemo, useState } from "./base.js";
import { Figure, Name } from "./figures.js";
import { t } from "./language.js";
import { Plot } from "./plot.js";
import { at, has, list } from "./report.js";
import { Choice, Section } from "./section.js";
import { Table } from "./table.js";

const metrics = ["acc", "balanced_accuracy", "auc", "cos", "rmse", "mae", "l2r", "nse", "max_abs_error", "mean", "std"];
const sides = ["program", "reference", "x_cross"];

function Metrics({ output }) {
  const path = `outputs.${output}.`;
  const shown = sides.filter((side) => has(path + side));
  const rows = metrics.filter((metric) => shown.some((side) => typeof at(`${path}${side}.${metric}`) === "number"));
  if (rows.length === 0) return null;
  return html`<div class="scroller" tabindex="0" role="region" aria-label=${t("section_accuracy")} data-scrolls><table>
    <thead><tr><th scope="col" class="text">${t("metric")}</th>${shown.map((side) => html`<th scope="col" class="n">${t("side_" + side)}</th>`)}</tr></thead>
    <tbody>${rows.map((metric) => html`<tr><th scope="row" class="text">${t("metric_" + metric)}</th>${shown.map((side) => html`<td class="n"><${Figure}
      path=${`${path}${side}.${metric}`} /></td>`)}</tr>`)}</tbody></table></div>`;
}

function Confusion({ output }) {
  const path = `outputs.${output}.`;
  const shown = ["program", "reference"].filter((side) => has(path + side + ".confusion"));
  const [side, setSide] = useState(shown[0]);
  if (shown.length === 0) return null;
  const counts = at(path + side + ".confusion");
  const most = Math.max(1, ...counts.flat());
  const classes = counts.map((_, i) => i);
  return html`<div class="confusion"><div class="line"><h3>${t("confusion")}</h3>
    ${shown.length > 1 ? html`<${Choice} label=${t("confusion")} value=${side} onChoose=${setSide}
      options=${shown.map((one) => ({ value: one, title: t("side_" + one) }))} />` : null}</div>
    <p class="note">${t("note_confusion")}</p>
    <div class="scroller" tabindex="0" role="region" aria-label=${t("confusion")} data-scrolls><table class="matrix">
      <thead><tr><td></td>${classes.map((one) => html`<th scope="col" class="n">${one}</th>`)}</tr></thead>
      <tbody>${counts.map((row, i) => html`<tr><th scope="row" class="n">${i}</th>${row.map((count, j) => html`<td
        class=${"n" + (count === 0 ? " none" : i === j ? " right" : " wrong")}
        style=${count ? `--part:${Math.max(6, Math.round((100 * count) / most))}%` : undefined}><${Figure} path=${`${path}${side}.confusion.${i}.${j}`} /></td>`)}</tr>`)}</tbody>
    </table></div></div>`;
}

export function Accuracy({ epoch }) {
  const outputs = list("outputs");
  if (!outputs.some((output) => output.program || output.x_cross)) return null;
  return html`<${Section} id="accuracy" note=${t("note_accuracy")}>
    ${outputs.map((output, i) => html`${outputs.length > 1 ? html`<h3>${t("output")} <${Name} text=${output.name} code /></h3>` : null}
      <div class="beside"><${Metrics} output=${i} /><${Confusion} output=${i} /></div>`)}
    <${Gates} />
  </${Section}>`;
}

function Gates() {
  const gates = list("gates");
  if (gates.length === 0) return null;
  return html`<h3>${t("gates")}</h3><dl class="facts">${gates.map((gate, i) => html`<div><dt class="code">${gate.option}</dt>
    <dd class=${gate.is_kept ? "good" : "bad"}>${t(gate.is_kept ? "kept" : "not_kept")}: <${Figure} path=${`gates.${i}.value`} /> ${t("against")} <${Figure} path=${`gates.${i}.limit`} /></dd></div>`)}</dl>`;
}

export function Noise({ epoch }) {
  const layers = list("layers");
  const rows = useMemo(() => layers.map((layer, i) => ({ layer, i })), []);
  if (!layers.some((layer) => "snr_db" in layer)) return null;
  const first = at("first_parting_layer");
  const column = (key) => ({ key, title: t("noise_" + key), value: (row) => row.layer[key], cell: (row) => html`<${Figure} path=${`layers.${row.i}.${key}`} />` });
  return html`<${Section} id="noise" note=${t("note_noise")}>
    <p>${first ? html`${t("part_first")} <${Name} text=${first} code />.` : t("part_never")}</p>
    <${Plot} label=${t("section_noise")} epoch=${epoch} x=${t("layer_number")} y="dB" lines=${[{ at: 20, title: t("parting") }]}
      data=${[layers.map((_, i) => i + 1), layers.map((layer) => layer.snr_db)]} series=${[{ label: "dB", isPoints: layers.length < 80 }]} />
    <${Table} caption=${t("section_noise")} rows=${rows} rowClass=${(row) => (row.layer.name === first ? "first" : undefined)} columns=${[
      { key: "place", title: "#", role: "place", value: (row) => row.i, cell: (row) => html`<span class="place">${row.i + 1}</span>` },
      { key: "name", title: t("layer"), isText: true, role: "naming", value: (row) => row.layer.name,
        cell: (row) => html`<${Name} text=${row.layer.name} /><span class="second">${row.layer.block} <span class="code">${row.layer.output}</span></span>` },
      column("snr_db"), column("rmse"), column("cos")]} />
  </${Section}>`;
}
