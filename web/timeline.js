// Layers over estimated time, under the groups of their names; functions by what they take.
import { html } from "./base.js";
import { Chart, clipped, linear, linearTicks } from "./chart.js";
import { Figure, Interval, Name } from "./figures.js";
import { t, tick } from "./language.js";
import { at, list } from "./report.js";
import { Section } from "./section.js";

// The groups and layers as a tree; a group of one thing is one with it.
function treeOf(parts) {
  const root = { name: "", children: [] };
  const open = [root];
  parts.forEach((part, i) => {
    const path = part.path || [part.name];
    let shared = 1;
    while (shared < open.length && shared < path.length && open[shared].name === path[shared - 1]) ++shared;
    open.length = shared;
    for (const name of path.slice(shared - 1, -1)) {
      const group = { name, children: [] };
      open[open.length - 1].children.push(group);
      open.push(group);
    }
    open[open.length - 1].children.push({ name: path[path.length - 1] || part.name, i });
  });
  const joined = (node) => {
    if (!node.children) return node;
    node.children = node.children.map(joined);
    if (node === root || node.children.length > 1) return node;
    const [only] = node.children;
    return { ...only, name: node.name + "/" + only.name };
  };
  return joined(root);
}

// Boxes {depth, start, end, name, i}: layers with their index, groups without. A group is as long as its layers follow
// one another.
function boxesOf(parts) {
  const boxes = [];
  let now = 0, depth = 0;
  const add = (node, level) => {
    depth = Math.max(depth, level);
    const box = { depth: level, start: now, name: node.name, i: node.i };
    boxes.push(box);
    if (node.children) for (const child of node.children) add(child, level + 1);
    else now += parts[node.i].cycles_estimated;
    box.end = now;
  };
  for (const child of treeOf(parts).children) add(child, 0);
  return { boxes, depth, end: now };
}

export function Timeline() {
  const of = list("layers").length > 0 ? "layers" : "functions";
  const parts = list(of);
  if (parts.length === 0 || !parts.every((part) => typeof part.cycles_estimated === "number")) return null;
  const { boxes, depth, end } = boxesOf(parts);
  const clock = at("cost_basis.clock_hz");
  const scale = clock ? 1e3 / clock : 1;
  const leaves = boxes.filter((box) => box.i !== undefined);
  const tall = 28, top = 6;
  const draw = (width, active, marks) => {
    const x = linear(0, end, 0, width), bottom = top + (depth + 1) * tall + 6;
    const mark = new Map(leaves.map((box, k) => [box, k]));
    return html`<g class="axes" aria-hidden="true">${linearTicks(0, end * scale, width / 90).map((value) => html`<line class="grid" x1=${x(value / scale)} x2=${x(value / scale)} y1=${top} y2=${bottom} />
        <text x=${Math.min(Math.max(x(value / scale), 8), width - 18)} y=${bottom + 16} text-anchor="middle">${tick(value)}</text>`)}
        <text class="axis-title" x=${width} y=${bottom + 34} text-anchor="end">${t(clock ? "ms_estimated" : "cycles_estimated")}</text></g>
      ${boxes.map((box) => {
        const wide = Math.max(0.75, x(box.end) - x(box.start) - 1), y = top + box.depth * tall;
        const isLeaf = box.i !== undefined;
        return html`<g ...${isLeaf ? marks(mark.get(box)) : { class: "group" }}><rect x=${x(box.start)} y=${y} width=${wide} height=${tall - 2} rx="1.5" />
          ${wide > 34 ? html`<text aria-hidden="true" x=${x(box.start) + 6} y=${y + tall / 2 - 1} dy="0.32em">${clipped(box.name, wide - 10)}</text>` : null}</g>`;
      })}`;
  };
  const readout = (k) => {
    const path = `${of}.${leaves[k].i}.`;
    return html`<b><${Name} text=${parts[leaves[k].i].name || "(none)"} /></b> ${clock
      ? html`<${Figure} path=${path + "latency_ms_estimated"} unit="ms" /> (<${Interval} low=${path + "latency_ms_low"} high=${path + "latency_ms_high"} />), ` : null}<${Figure}
      path=${path + "cycles_estimated"} /> ${t("cycles")}, <${Figure} path=${path + "cycles_share"} scale=${100} unit="%" />`;
  };
  return html`<${Section} id="timeline" note=${t(of === "layers" ? "note_timeline" : "note_timeline_functions")}>
    <${Chart} label=${t("section_timeline")} height=${top + (depth + 1) * tall + 46} count=${leaves.length} draw=${draw} readout=${readout} />
  </${Section}>`;
}
