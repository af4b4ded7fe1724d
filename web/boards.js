// Boards beside each other: price or energy against latency, and all of them in a table.
import { html, useMemo, useState } from "./base.js";
import { English, Figure, Interval, Name } from "./figures.js";
import { t } from "./language.js";
import { at, list } from "./report.js";
import { Scatter } from "./scatter.js";
import { Choice, Section } from "./section.js";
import { Table } from "./table.js";

function nameOf(row) {
  return row.model + (row.format ? ", " + row.format : "");
}

// Of `compare`: what boards are held against latency by.
const measures = {
  price: { value: (row) => row.price && row.price.amount, path: "price.amount", currency: (row) => row.price.currency },
  energy: { value: (row) => row.energy_uj_estimated, path: "energy_uj_estimated" },
};

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
  // Of --period and --battery: what the rows have, each an interval.
  const duty = (row, stem) => row.cost_basis && row.cost_basis.duty_cycle && row.cost_basis.duty_cycle[stem];
  const isAsked = rows.some(({ row }) => row.cost_basis && row.cost_basis.duty_cycle);
  const duties = ["average_mw", "current_ma", "battery_days"]
    .filter((stem) => (stem === "average_mw" ? isAsked : rows.some(({ row }) => duty(row, stem))))
    .map((stem) => {
      const path = (i, end) => `rows.${i}.cost_basis.duty_cycle.${stem}.${end}`;
      return figure(stem, "column_" + stem, "duty", { path: `cost_basis.duty_cycle.${stem}.typical`, isShort: true,
        value: (row) => duty(row, stem) && duty(row, stem).typical,
        // The current is the power over the battery's voltage: its interval says no more.
        after: ({ i }) => stem === "current_ma" ? null : html`<span class="second n"><${Interval} low=${path(i, "low")} high=${path(i, "high")} /></span>` });
    });
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
    ...duties,
    figure("flash", "flash_bytes", "cycles", { path: "flash.total_bytes", value: (row) => row.flash.total_bytes }),
    figure("ram", "ram_bytes", "cycles", { path: "ram.total_bytes", value: (row) => row.ram.total_bytes }),
  ];
  return html`<${Section} id="boards" note=${t("note_boards")}>
    ${programs.length > 1 ? html`<${Choice} label=${t("program")} value=${program} onChoose=${setProgram}
      options=${programs.map((one, i) => ({ value: i, title: nameOf(one) }))} />` : null}
    <${Scatter} key=${program} label=${t("section_boards")} measures=${measures}
      entries=${rows.map(({ row, i }) => ({ row, text: row.board, path: `rows.${i}.` }))} />
    <${Table} caption=${t("section_boards")} columns=${columns} rows=${rows} />
    ${reasons.length > 0 ? html`<ol class="reasons">${reasons.map((reason, i) => html`<li id=${"reason-" + (i + 1)}><${English} text=${reason} /></li>`)}</ol>` : null}
    ${rows.some(({ row }) => row.cost_basis && row.cost_basis.assumptions.length > 0) ? html`<p class="note">~ ${t("note_assumed")}</p>` : null}
  </${Section}>`;
}
