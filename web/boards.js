// Boards beside each other: price or energy against latency, and all of them in a table.
import { html, useMemo, useState } from "./base.js";
import { Axes, Chart, logTicks, logarithmic, placedLabels } from "./chart.js";
import { English, Figure, Interval, Name } from "./figures.js";
import { t } from "./language.js";
import { at, list } from "./report.js";
import { Choice, Section } from "./section.js";
import { Table } from "./table.js";

const measures = {
  price: { value: (row) => row.price && row.price.amount, path: "price.amount", title: "price" },
  energy: { value: (row) => row.energy_uj_estimated, path: "energy_uj_estimated", title: "energy_uj" },
};

function nameOf(row) {
  return row.model + (row.format ? ", " + row.format : "");
}

// The currency that most prices are in: others are not on the same scale.
function usualCurrency(rows) {
  const counts = {};
  for (const row of rows) if (row.price) counts[row.price.currency] = (counts[row.price.currency] || 0) + 1;
  return Object.keys(counts).sort((one, other) => counts[other] - counts[one])[0];
}

// Of points sorted by x, those that no other beats in both.
function frontOf(points) {
  const front = [];
  for (const point of [...points].sort((one, other) => one.x - other.x || one.y - other.y))
    if (front.length === 0 || point.y < front[front.length - 1].y) front.push(point);
  return front;
}

function Scatter({ rows }) {
  const currency = usualCurrency(rows.map(({ row }) => row));
  const known = (name) => rows.filter(({ row }) => row.fits && row.latency_ms_estimated > 0 && measures[name].value(row) > 0 &&
    (name !== "price" || row.price.currency === currency));
  const offered = Object.keys(measures).filter((name) => known(name).length > 1);
  const [chosen, setChosen] = useState(offered.includes("price") ? "price" : offered[0]);
  if (offered.length === 0) return null;
  const name = offered.includes(chosen) ? chosen : offered[0];
  const measure = measures[name];
  const all = known(name).map(({ row, i }) => ({ row, i, text: row.board, r: 6, x: row.latency_ms_estimated, y: measure.value(row) }));
  const front = frontOf(all);
  const onFront = new Set(front.map((point) => point.i));
  // By latency, for the arrow keys; those of the line are drawn last.
  const points = [...all].sort((one, other) => one.x - other.x);
  const drawn = points.map((_, k) => k).sort((one, other) => onFront.has(points[one].i) - onFront.has(points[other].i));
  const range = (values) => [Math.min(...values) / 1.35, Math.max(...values) * 1.35];
  const [x0, x1] = range(points.map((point) => point.x)), [y0, y1] = range(points.map((point) => point.y));
  const draw = (width, active, marks) => {
    const left = 50, right = width - 6, top = 26, bottom = 320;
    const x = logarithmic(x0, x1, left, right), y = logarithmic(y0, y1, bottom, top);
    for (const point of points) [point.px, point.py] = [x(point.x), y(point.y)];
    const line = front.map((point, k) => (k === 0 ? `M${point.px},${point.py}` : `H${point.px} V${point.py}`)).join(" ");
    return html`<${Axes} left=${left} right=${right} top=${top} bottom=${bottom}
        x=${{ scale: x, ticks: logTicks(x0, x1, width < 500 ? 4 : 9), title: t("latency_ms") }}
        y=${{ scale: y, ticks: logTicks(y0, y1, 8), title: name === "price" ? `${t("price")}, ${currency}` : t(measure.title) }} />
      <path class="front" d=${line} />
      ${drawn.map((k) => [k, points[k]]).map(([k, point]) => html`<g ...${marks(k)}><circle class=${onFront.has(point.i) ? "best" : "other"} cx=${point.px} cy=${point.py} r=${onFront.has(point.i) ? 6 : 4.5} /></g>`)}
      ${placedLabels(front, width, top).map((label) => html`<text class="label" aria-hidden="true" x=${label.x} y=${label.y}>${label.text}</text>`)}`;
  };
  const readout = (k) => {
    const path = `rows.${points[k].i}.`;
    return html`<b><${Name} text=${points[k].row.board} /></b> <${Figure} path=${path + "latency_ms_estimated"} unit="ms" />, <${Figure}
      path=${path + measure.path} unit=${name === "price" ? currency : "µJ"} isShort />${onFront.has(points[k].i) ? html` · ${t("on_line")}` : null}`;
  };
  return html`${offered.length > 1 ? html`<${Choice} label=${t("against_latency")} value=${name} onChoose=${setChosen}
      options=${offered.map((one) => ({ value: one, title: t("axis_" + one) }))} />` : null}
    <${Chart} label=${t("section_boards") + ": " + t(measure.title)} height=${360} count=${points.length} draw=${draw} readout=${readout} />
    <p class="note">${t("note_scatter")}</p>`;
}

export function Boards() {
  const all = list("rows");
  const programs = list("programs");
  const [program, setProgram] = useState(0);
  const rows = useMemo(() => all.map((row, i) => ({ row, i })).filter(({ row }) => programs.length < 2 ||
    (row.file === programs[program].file && row.format === programs[program].format)), [program]);
  if (all.length === 0) return null;
  const reasons = [];
  const mark = (reason) => {
    if (!reasons.includes(reason)) reasons.push(reason);
    return reasons.indexOf(reason) + 1;
  };
  for (const { row } of rows) for (const reason of Object.values(row.blanks || {})) mark(reason);
  const figure = (key, label, column, options = {}) => ({ key, title: t(label), value: (entry) => options.value ? options.value(entry.row) : entry.row[key],
    cell: (entry) => {
      const reason = entry.row.blanks && entry.row.blanks[column];
      const path = `rows.${entry.i}.${options.path || key}`;
      if (typeof at(path) !== "number")
        return reason ? html`<span class="blank">– <sup><a href=${"#reason-" + mark(reason)} title=${reason}>${mark(reason)}</a></sup></span>` : html`<${Figure} path=${path} />`;
      return html`<${Figure} path=${path} scale=${options.scale || 1} isShort=${options.isShort} />${options.after ? options.after(entry) : null}`;
    } });
  const interval = (stem, scale) => (entry) => html`<span class="second n"><${Interval} low=${`rows.${entry.i}.${stem}_low`} high=${`rows.${entry.i}.${stem}_high`} scale=${scale} /></span>`;
  const columns = [
    { key: "board", title: t("board"), isText: true, role: "naming", value: ({ row }) => row.board,
      cell: ({ row }) => html`<${Name} text=${row.board} />${row.is_on_front ? html` <span class="badge" title=${t("front_means")}>${t("front")}</span>` : null}<span class="second">${row.core}</span>` },
    { key: "fits", title: t("fits"), isText: true, value: ({ row }) => (row.fits ? 0 : 1),
      cell: ({ row, i }) => row.fits ? html`<span class="good">${t("yes")}</span>` : html`<span class="bad">${t("no")}</span>${row.misfits.map((misfit, k) => html`<span class="second">+<${Figure}
        path=${`rows.${i}.misfits.${k}.excess_bytes`} unit="B" /> <bdi>${misfit.memory}</bdi></span>`)}` },
    figure("latency_ms_estimated", "latency_ms", "latency", { after: interval("latency_ms") }),
    figure("energy_uj_estimated", "energy_mj", "energy", { scale: 1e-3, after: interval("energy_uj", 1e-3) }),
    figure("price", "price", "price", { path: "price.amount", isShort: true, value: (row) => row.price && row.price.amount,
      after: ({ row, i }) => html` ${row.price.currency}<span class="second">${t("of_" + row.price.of)}${row.price.quantity ? html`, <${Figure} path=${`rows.${i}.price.quantity`} />` : null}</span>` }),
    figure("cycles_estimated", "cycles_column", "cycles", { after: ({ row }) => row.cost_basis && row.cost_basis.assumptions.length > 0
      ? html`<span title=${row.cost_basis.assumptions.join("; ")}> ~</span>` : null }),
    figure("flash", "flash_bytes", "cycles", { path: "flash.total_bytes", value: (row) => row.flash.total_bytes }),
    figure("ram", "ram_bytes", "cycles", { path: "ram.total_bytes", value: (row) => row.ram.total_bytes }),
  ];
  return html`<${Section} id="boards" note=${t("note_boards")}>
    ${programs.length > 1 ? html`<${Choice} label=${t("program")} value=${program} onChoose=${setProgram}
      options=${programs.map((one, i) => ({ value: i, title: nameOf(one) }))} />` : null}
    <${Scatter} key=${program} rows=${rows} />
    <${Table} caption=${t("section_boards")} columns=${columns} rows=${rows} />
    ${reasons.length > 0 ? html`<ol class="reasons">${reasons.map((reason, i) => html`<li id=${"reason-" + (i + 1)}><${English} text=${reason} /></li>`)}</ol>` : null}
    ${rows.some(({ row }) => row.cost_basis && row.cost_basis.assumptions.length > 0) ? html`<p class="note">~ ${t("note_assumed")}</p>` : null}
  </${Section}>`;
}
