// Ways to run a program, price or energy against latency, with the line of those that no other beats.
import { html, useState } from "./base.js";
import { Axes, Chart, logTicks, logarithmic, placedLabels } from "./chart.js";
import { Figure, Name } from "./figures.js";
import { t } from "./language.js";
import { Choice } from "./section.js";

// The currency that most prices are in: others are not on the same scale.
function usualCurrency(rows, currency) {
  const counts = {};
  for (const row of rows) counts[currency(row)] = (counts[currency(row)] || 0) + 1;
  return Object.keys(counts).sort((one, other) => counts[other] - counts[one])[0];
}

// Of points sorted by x, those that no other beats in both.
function frontOf(points) {
  const front = [];
  for (const point of [...points].sort((one, other) => one.x - other.x || one.y - other.y))
    if (front.length === 0 || point.y < front[front.length - 1].y) front.push(point);
  return front;
}

// `entries`: [{row, path, text}] with what `compare` says of a board in `row`, which stands at `path`. `measures`: {name:
// {value(row), path, currency(row)}}.
export function Scatter({ entries, measures, label }) {
  const priced = Object.values(measures).find((measure) => measure.currency);
  const currency = priced && usualCurrency(entries.map(({ row }) => row).filter((row) => priced.value(row) > 0), priced.currency);
  const known = (name) => entries.filter(({ row }) => row.fits && row.latency_ms_estimated > 0 && measures[name].value(row) > 0 &&
    (!measures[name].currency || measures[name].currency(row) === currency));
  const offered = Object.keys(measures).filter((name) => known(name).length > 1);
  const [chosen, setChosen] = useState(offered[0]);
  if (offered.length === 0) return null;
  const name = offered.includes(chosen) ? chosen : offered[0];
  const measure = measures[name];
  const all = known(name).map((entry) => ({ ...entry, r: 6, x: entry.row.latency_ms_estimated, y: measure.value(entry.row) }));
  const front = frontOf(all);
  const onFront = new Set(front);
  // By latency, for the arrow keys; those of the line are drawn last.
  const points = [...all].sort((one, other) => one.x - other.x);
  const drawn = points.map((_, k) => k).sort((one, other) => onFront.has(points[one]) - onFront.has(points[other]));
  const range = (values) => [Math.min(...values) / 1.35, Math.max(...values) * 1.35];
  const [x0, x1] = range(points.map((point) => point.x)), [y0, y1] = range(points.map((point) => point.y));
  const draw = (width, active, marks) => {
    const left = 50, right = width - 6, top = 26, bottom = 320;
    const x = logarithmic(x0, x1, left, right), y = logarithmic(y0, y1, bottom, top);
    for (const point of points) [point.px, point.py] = [x(point.x), y(point.y)];
    const line = front.map((point, k) => (k === 0 ? `M${point.px},${point.py}` : `H${point.px} V${point.py}`)).join(" ");
    return html`<${Axes} left=${left} right=${right} top=${top} bottom=${bottom}
        x=${{ scale: x, ticks: logTicks(x0, x1, width < 500 ? 4 : 9), title: t("latency_ms") }}
        y=${{ scale: y, ticks: logTicks(y0, y1, 8), title: measure.currency ? `${t("price")}, ${currency}` : t("energy_uj") }} />
      <path class="front" d=${line} />
      ${drawn.map((k) => html`<g ...${marks(k)}><circle class=${onFront.has(points[k]) ? "best" : "other"} cx=${points[k].px} cy=${points[k].py} r=${onFront.has(points[k]) ? 6 : 4.5} /></g>`)}
      ${placedLabels(front, points, width, top).map((one) => html`<text class="label" aria-hidden="true" x=${one.x} y=${one.y} text-anchor=${one.anchor}>${one.text}</text>`)}`;
  };
  const readout = (k) => html`<b><${Name} text=${points[k].text} /></b> <${Figure} path=${points[k].path + "latency_ms_estimated"} unit="ms" />, <${Figure}
      path=${points[k].path + measure.path} unit=${measure.currency ? currency : "µJ"} isShort />${onFront.has(points[k]) ? html` · ${t("on_line")}` : null}`;
  return html`${offered.length > 1 ? html`<${Choice} label=${t("against_latency")} value=${name} onChoose=${setChosen}
      options=${offered.map((one) => ({ value: one, title: t("axis_" + one) }))} />` : null}
    <${Chart} label=${label} height=${360} count=${points.length} draw=${draw} readout=${readout} />
    <p class="note">${front.length > 1 ? t("note_line") : ""} ${t("note_unknown")}</p>`;
}
