// How near each layer comes to what its core can do.
import { html } from "./base.js";
import { Axes, Chart, logTicks, logarithmic, placedLabels } from "./chart.js";
import { Figure, Name } from "./figures.js";
import { say, t } from "./language.js";
import { at, list } from "./report.js";
import { Section } from "./section.js";

export function Roofline() {
  const layers = list("layers").map((layer, i) => ({ layer, i })).filter(({ layer }) => layer.macs_per_cycle > 0 && layer.macs_per_byte > 0);
  if (layers.length === 0) return null;
  const peak = at("roofline.peak_macs_per_cycle"), bytes = at("roofline.loaded_bytes_per_cycle");
  const xs = layers.map(({ layer }) => layer.macs_per_byte), ys = layers.map(({ layer }) => layer.macs_per_cycle);
  let x0 = Math.min(...xs) / 1.6;
  const x1 = Math.max(...xs) * 1.6;
  const corner = peak && bytes ? peak / bytes : null;
  if (corner && corner > x0 / 10) x0 = Math.min(x0, corner / 2);
  const y0 = Math.min(...ys) / 1.6, y1 = Math.max(...ys, peak || 0) * 1.5;
  const most = Math.max(...layers.map(({ layer }) => layer.cycles_share || 0), 1e-9);
  const draw = (width, active, marks) => {
    const left = 46, right = width - 8, top = 26, bottom = 300;
    const x = logarithmic(x0, x1, left, right), y = logarithmic(y0, y1, bottom, top);
    const start = corner ? Math.max(x0, Math.min(corner, y0 / bytes)) : x0;
    const slope = corner && corner > x0 ? `M${x(Math.max(start, x0))},${y(Math.max(y0, bytes * Math.max(start, x0)))} L${x(Math.min(corner, x1))},${y(bytes * Math.min(corner, x1))}` : null;
    const points = layers.map(({ layer }) => ({ layer, text: layer.name, px: x(layer.macs_per_byte), py: y(layer.macs_per_cycle),
      r: 4 + 10 * Math.sqrt((layer.cycles_share || 0) / most) }));
    const rank = (point) => (point === points[active] ? 2 : point.layer.cycles_share || 0);
    const named = [...points].sort((one, other) => rank(other) - rank(one)).slice(0, 8);
    return html`<${Axes} left=${left} right=${right} top=${top} bottom=${bottom}
        x=${{ scale: x, ticks: logTicks(x0, x1, width < 500 ? 4 : 9), title: t("macs_per_byte") }}
        y=${{ scale: y, ticks: logTicks(y0, y1, 7), title: t("macs_per_cycle") }} />
      ${peak && (!corner || corner < x1) ? html`<line class="roof" x1=${x(Math.max(corner || x0, x0))} x2=${right} y1=${y(peak)} y2=${y(peak)} />` : null}
      ${slope ? html`<path class="roof" d=${slope} />` : null}
      ${peak ? html`<text class="roof-name" x=${right} y=${y(peak) - 8} text-anchor="end">${t("peak")}</text>` : null}
      ${points.map((point, i) => html`<g ...${marks(i)}><circle cx=${point.px} cy=${point.py} r=${point.r} /></g>`)}
      ${placedLabels(named, points, width, top).map((label) => html`<text class="label" aria-hidden="true" x=${label.x} y=${label.y} text-anchor=${label.anchor}>${label.text}</text>`)}`;
  };
  const readout = (k) => {
    const path = `layers.${layers[k].i}.`;
    return html`<b><${Name} text=${layers[k].layer.name} /></b> <${Figure} path=${path + "macs_per_cycle"} /> ${t("macs_per_cycle")}, <${Figure}
      path=${path + "macs_per_byte"} /> ${t("macs_per_byte")}, <${Figure} path=${path + "cycles_share"} scale=${100} unit="%" /> ${t("of_cycles")}`;
  };
  return html`<${Section} id="roofline" note=${say(at("roofline.how"))}>
    <${Chart} label=${t("section_roofline")} height=${340} count=${layers.length} draw=${draw} readout=${readout} />
    ${peak ? html`<p class="note">${t("roof_of")} <${Figure} path="roofline.peak_macs_per_cycle" /> ${t("macs_per_cycle")}${bytes ? html`, <${Figure}
      path="roofline.loaded_bytes_per_cycle" /> ${t("bytes_per_cycle")}` : null}. ${t("size_is_share")}</p>` : html`<p class="note">${t("no_roof")} ${t("size_is_share")}</p>`}
  </${Section}>`;
}
