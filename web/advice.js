// What `advise` found: ways to build the model that keep all limits, the best first; what is out, and what would let it in.
import { html, useMemo } from "./base.js";
import { Figure, Interval, Name, Sentences, withCode } from "./figures.js";
import { say, t } from "./language.js";
import { at, has, list } from "./report.js";
import { Scatter } from "./scatter.js";
import { Section } from "./section.js";
import { Table } from "./table.js";

// Answers that are shown in full; the rest stands in a table.
const shown = 5;

const limits = [["max_latency_ms", "ms"], ["max_energy_mj", "mJ"], ["max_price", null], ["min_value", null], ["max_drop_points", null], ["max_cpu_share", null],
  ["reserve_ram_bytes", "B"], ["reserve_flash_bytes", "B"]];

const measures = {
  price: { value: (row) => row.price, path: "price", currency: () => at("advice.currency") },
  energy: { value: (row) => row.energy_uj_estimated, path: "energy_uj_estimated" },
};

function Fact({ label, children }) {
  return html`<div><dt>${t(label)}</dt><dd>${children}</dd></div>`;
}

function formatOf(entry) {
  return `advice.formats.${entry.format}.`;
}

function Entry({ entry, path }) {
  const format = formatOf(entry);
  return html`<li class="entry"><div class="line"><h3>${withCode(say(entry.title))}</h3>${entry.is_on_front ? html`<span class="badge">${t("front")}</span>` : null}</div>
    <dl class="figures">
      <${Fact} label="tile_latency"><b><${Figure} path=${path + "latency_ms_estimated"} unit="ms" /></b><span class="second"><${Interval} low=${path + "latency_ms_low"} high=${path + "latency_ms_high"} /></span></${Fact}>
      <${Fact} label="tile_energy"><b><${Figure} path=${path + "energy_uj_estimated"} scale=${1e-3} unit="mJ" /></b><span class="second"><${Interval} low=${path + "energy_uj_low"} high=${path + "energy_uj_high"} scale=${1e-3} /></span></${Fact}>
      <${Fact} label="tile_flash"><b><${Figure} path=${path + "flash.total_bytes"} unit="B" /></b></${Fact}>
      <${Fact} label="tile_ram"><b><${Figure} path=${path + "ram.total_bytes"} unit="B" /></b></${Fact}>
      ${has(path + "cost_basis.duty_cycle.average_mw") ? html`<${Fact} label="average_power"><b><${Figure} path=${path + "cost_basis.duty_cycle.average_mw.typical"} isShort unit="mW" /></b><span class="second"><${Interval} low=${path + "cost_basis.duty_cycle.average_mw.low"} high=${path + "cost_basis.duty_cycle.average_mw.high"} /></span></${Fact}>` : null}
      ${has(path + "cost_basis.duty_cycle.battery_days") ? html`<${Fact} label="battery_life"><b><${Figure} path=${path + "cost_basis.duty_cycle.battery_days.typical"} isShort unit="d" /></b><span class="second"><${Interval} low=${path + "cost_basis.duty_cycle.battery_days.low"} high=${path + "cost_basis.duty_cycle.battery_days.high"} /></span></${Fact}>` : null}
      <${Fact} label="price"><b><${Figure} path=${path + "price"} isShort unit=${at("advice.currency")} /></b>${entry.price_low < entry.price_high ? html`<span class="second"><${Interval} low=${path + "price_low"} high=${path + "price_high"} /></span>` : null}</${Fact}>
      ${has("advice.metric") ? html`<div><dt>${at("advice.metric")}</dt><dd><b><${Figure} path=${format + "value"} /></b><span class="second"><${Interval} low=${format + "value_low"} high=${format + "value_high"} /></span></dd></div>` : null}
    </dl>
    ${entry.steps.length > 0 ? html`<${Sentences} items=${entry.steps} />` : null}
    ${entry.on_board ? html`<p class="note">${t("on_its_board")}: <${Figure} path=${path + "on_board.samples"} /> ${t("samples")}${typeof entry.on_board.value === "number"
      ? html`, ${at("advice.metric")} <${Figure} path=${path + "on_board.value"} />` : null}${typeof entry.on_board.samples_equal_to_host === "number"
      ? html`; <${Figure} path=${path + "on_board.samples_equal_to_host"} /> ${t("as_on_host")}` : null}</p>` : null}
    <pre tabindex="0" data-scrolls><code>${entry.command}</code></pre></li>`;
}

// Entries of a list from one on, in a table.
function Entries({ of, from, title }) {
  const rows = useMemo(() => list(of).map((entry, i) => ({ entry, path: `${of}.${i}.` })).slice(from), []);
  if (rows.length === 0) return null;
  const isOut = rows.some(({ entry }) => !entry.fits || entry.breaches.length > 0);
  const figure = (key, label, where, value, scale = 1) => ({ key, title: t(label), value: ({ entry }) => value(entry), cell: ({ path }) => html`<${Figure} path=${path + where} scale=${scale} isShort />` });
  return html`<h3>${title}</h3><${Table} caption=${title} rows=${rows} columns=${[
    { key: "board", title: t("board"), isText: true, role: "naming", value: ({ entry }) => entry.board,
      cell: ({ entry }) => html`<${Name} text=${entry.board} /><span class="second">${[entry.format_name, t("way_" + entry.way)].filter(Boolean).join(", ")}</span>` },
    figure("latency", "latency_ms", "latency_ms_estimated", (entry) => entry.latency_ms_estimated),
    figure("energy", "energy_mj", "energy_uj_estimated", (entry) => entry.energy_uj_estimated, 1e-3),
    figure("price", "price", "price", (entry) => entry.price),
    figure("flash", "flash_bytes", "flash.total_bytes", (entry) => entry.flash.total_bytes),
    figure("ram", "ram_bytes", "ram.total_bytes", (entry) => entry.ram.total_bytes),
    { key: "value", title: at("advice.metric"), value: ({ entry }) => at(formatOf(entry) + "value"), cell: ({ entry }) => html`<${Figure} path=${formatOf(entry) + "value"} />` },
    { key: "why", title: t("why_out"), isText: true, value: ({ entry }) => (entry.fits ? 1 : 0),
      cell: ({ entry, path }) => entry.fits
        ? entry.breaches.map((breach, k) => html`<span class="second"><span class="code">--${breach.bound}</span> <${Figure} path=${`${path}breaches.${k}.value`} isShort /> ${t("against")} <${Figure} path=${`${path}breaches.${k}.limit`} isShort /></span>`)
        : (entry.misfits || []).map((misfit, k) => html`<span class="second">+<${Figure} path=${`${path}misfits.${k}.excess_bytes`} unit="B" /> <bdi>${misfit.memory}</bdi></span>`) }].filter((column) => (column.key !== "why" || isOut) && (column.key !== "value" || has("advice.metric")))} />`;
}

export function Advice() {
  if (!has("advice")) return null;
  const ranked = list("advice.ranked"), others = list("advice.others");
  const asked = limits.filter(([key]) => typeof at("advice.limits." + key) === "number" && at("advice.limits." + key) !== 0);
  const entries = [...ranked.map((row, i) => ({ row, text: row.board, path: `advice.ranked.${i}.` })), ...others.map((row, i) => ({ row, text: row.board, path: `advice.others.${i}.` }))];
  return html`<${Section} id="advice">
    ${has("advice.summary") ? html`<div class="lead">${list("advice.summary").map((one) => html`<p>${withCode(say(one))}</p>`)}</div>` : null}
    ${asked.length > 0 ? html`<h3>${t("asked_for")}</h3><dl class="facts narrow">${asked.map(([key, unit]) => html`<${Fact} label=${"limit_" + key}><${Figure}
      path=${"advice.limits." + key} isShort unit=${key === "max_price" ? at("advice.currency") : unit} /></${Fact}>`)}</dl>` : null}
    ${ranked.length > 0 ? html`<ol class="entries">${ranked.slice(0, shown).map((entry, i) => html`<${Entry} entry=${entry} path=${`advice.ranked.${i}.`} />`)}</ol>` : null}
    <${Scatter} label=${t("section_advice")} measures=${measures} entries=${entries} />
    <div class="columns">${[["relaxations", "would_help"], ["ruled_out", "ruled_out"]].filter(([key]) => has("advice." + key)).map(([key, label]) => html`<div><h3>${t(label)}</h3><${Sentences}
      items=${list("advice." + key).map((one) => one.text)} /></div>`)}</div>
    <${Entries} of="advice.ranked" from=${shown} title=${t("also_keep")} />
    <${Entries} of="advice.others" from=${0} title=${t("others")} />
  </${Section}>`;
}
