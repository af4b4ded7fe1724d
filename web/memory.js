// Who lies where in the arena, layer by layer.
import { html } from "./base.js";
import { Axes, Chart, clipped, linear, linearTicks } from "./chart.js";
import { Figure, Name } from "./figures.js";
import { t } from "./language.js";
import { at, has, list } from "./report.js";
import { Section } from "./section.js";

export function Memory() {
  const rows = list("memory_map");
  if (!rows.some((row) => "offset_bytes" in row)) return null;  // that of `time` says where sections lie
  const arena = Math.max(at("ram.arena_bytes") || at("arena_bytes") || 0, ...rows.map((row) => row.offset_bytes + row.size_bytes));
  const last = Math.max(...rows.map((row) => row.last_layer));
  const layers = list("layers");
  const draw = (width, active, marks) => {
    const left = 58, right = width - 4, top = 26, bottom = 276;
    const x = linear(-1, last + 1, left, right), y = linear(0, arena, bottom, top);
    return html`<${Axes} left=${left} right=${right} top=${top} bottom=${bottom}
        x=${{ scale: (value) => x(value - 0.5), ticks: linearTicks(1, last + 1, width / 90).filter(Number.isInteger), title: t("layer_number") }}
        y=${{ scale: y, ticks: linearTicks(0, arena, 5), title: t("bytes_in_arena") }} />
      ${rows.map((row, i) => {
        const box = { x: x(row.first_layer) + 0.5, y: y(row.offset_bytes + row.size_bytes) + 0.5 };
        const wide = Math.max(1, x(row.last_layer + 1) - box.x - 0.5), tall = Math.max(1, y(row.offset_bytes) - box.y - 0.5);
        return html`<g ...${marks(i)}><rect x=${box.x} y=${box.y} width=${wide} height=${tall} rx="1.5" />
          ${tall >= 15 && wide >= 40 ? html`<text aria-hidden="true" x=${box.x + 6} y=${box.y + Math.min(tall / 2, 14)} dy="0.32em">${clipped(row.name, wide - 10)}</text>` : null}</g>`;
      })}`;
  };
  const layerName = (i) => i < 0 ? t("input") : i >= layers.length ? t("output") : html`<${Name} text=${layers[i].name} />`;
  const readout = (i) => html`<b><${Name} text=${rows[i].name} /></b> <${Figure} path=${`memory_map.${i}.size_bytes`} unit="B" /> ${t("at_offset")} <${Figure}
    path=${`memory_map.${i}.offset_bytes`} /> · ${layerName(rows[i].first_layer)} → ${layerName(rows[i].last_layer)}`;
  return html`<${Section} id="memory" note=${t("note_memory")}>
    <${Chart} label=${t("section_memory")} height=${316} count=${rows.length} draw=${draw} readout=${readout} />
    ${has("memories") ? html`<dl class="facts">${list("memories").map((memory, i) => html`<div><dt><${Name} text=${memory.name} code /> ${memory.name.includes(memory.kind) ? null : html`<span class="kind">${memory.kind}</span>`}</dt>
      <dd>${memory.holds.map((one, j) => html`${j > 0 ? ", " : ""}${t("holds_" + one.what)} <${Figure} path=${`memories.${i}.holds.${j}.size_bytes`} />`)} ${t("of")} <${Figure}
        path=${`memories.${i}.size_bytes`} unit="B" /></dd></div>`)}</dl>` : null}
  </${Section}>`;
}
