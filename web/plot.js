// Line charts by uPlot: in the page's colours and language, drawn again when those change, and for print.
import uPlot from "uplot";
import { html, useEffect, useRef } from "./base.js";
import { t, tick } from "./language.js";

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// From below the least value or line to above the largest.
function rangeOf(least, most, lines) {
  const low = Math.min(least, ...lines.map((line) => line.at)), high = Math.max(most, ...lines.map((line) => line.at));
  const room = (high - low || Math.abs(high) || 1) * 0.1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

// `data`: [xs, ys, ys, ...]; `series`: [{label, isPoints, isAccent, color}], one for each list of ys.
export function Plot({ label, data, series, height = 240, x, y, isLogX, isLogY, lines = [], epoch }) {
  const place = useRef(null);
  useEffect(() => {
    const draw = () => {
      place.current.replaceChildren();
      const font = `12px ${getComputedStyle(document.body).fontFamily}`;
      const axis = (title, size) => ({
        stroke: color("--muted"), font, labelFont: font, label: title, labelSize: 22, size,
        grid: { stroke: color("--line"), width: 1 }, ticks: { show: false },
        values: (_, values) => values.map((value) => (value === null ? "" : tick(value))),
      });
      const styles = ["--accent", "--ink", "--muted", "--bad"];
      const options = {
        width: Math.max(240, place.current.clientWidth), height,
        legend: { show: false }, cursor: { y: false, points: { size: 8 } },
        scales: { x: { time: false, distr: isLogX ? 3 : 1 }, y: { distr: isLogY ? 3 : 1, range: isLogY ? undefined : (_, least, most) => rangeOf(least, most, lines) } },
        axes: [axis(x, 34), axis(y, 52)],
        series: [{}, ...series.map((one, i) => ({
          label: one.label, stroke: color(one.color || styles[i % styles.length]), width: 1.75,
          dash: one.isDashed ? [5, 4] : i >= styles.length ? [8, 3] : undefined,
          points: { show: Boolean(one.isPoints), size: 6, fill: color("--paper") }, spanGaps: false,
        }))],
        hooks: { draw: [(plot) => {
          for (const line of lines) {
            const at = plot.valToPos(line.at, "y", true);
            plot.ctx.save();
            plot.ctx.strokeStyle = color("--bad");
            plot.ctx.setLineDash([4, 4]);
            plot.ctx.beginPath();
            plot.ctx.moveTo(plot.bbox.left, at);
            plot.ctx.lineTo(plot.bbox.left + plot.bbox.width, at);
            plot.ctx.stroke();
            plot.ctx.restore();
          }
        }] },
      };
      new uPlot(options, data, place.current);
      const canvas = place.current.querySelector("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", label);
    };
    draw();
    const observer = new ResizeObserver(() => {
      const canvas = place.current && place.current.querySelector(".uplot");
      if (canvas && Math.abs(canvas.clientWidth - place.current.clientWidth) > 1) draw();
    });
    observer.observe(place.current);
    const print = matchMedia("print");
    print.addEventListener("change", draw);
    return () => {
      observer.disconnect();
      print.removeEventListener("change", draw);
    };
  }, [epoch]);
  return html`<figure class="plot"><div class="canvas" ref=${place} style=${`min-height:${height}px`}></div>
    ${series.length > 1 ? html`<figcaption class="legend">${series.map((one, i) => html`<span class=${"key key-" + (i % 4) + (i >= 4 ? " dashed" : "")}><bdi>${one.label}</bdi></span>`)}</figcaption>`
      : lines.length > 0 ? html`<figcaption class="readout">${t("dashed")}: ${lines[0].title}</figcaption>` : null}</figure>`;
}
