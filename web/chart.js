// What charts share: scales, ticks, an SVG as wide as its place whose marks are reached by mouse and arrow keys.
import { html, useLayoutEffect, useRef, useState } from "./base.js";
import { t, tick } from "./language.js";

export function linear(from, to, start, end) {
  const span = to - from || 1;
  return (value) => start + ((value - from) / span) * (end - start);
}

export function logarithmic(from, to, start, end) {
  const scale = linear(Math.log(from), Math.log(to), start, end);
  return (value) => scale(Math.log(Math.max(value, from * 1e-3)));
}

// About `wanted` round values from 0 or `from` to `to`.
export function linearTicks(from, to, wanted) {
  const rough = (to - from) / Math.max(1, wanted) || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.99);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; ++i) ticks.push(i * step + 0);
  return ticks;
}

// Powers of ten, with more between them where they are few.
export function logTicks(from, to, most = 8) {
  const inside = (steps) => {
    const ticks = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); ++power)
      for (const one of steps) ticks.push(one * 10 ** power);
    return ticks.filter((value) => value >= from * 0.999 && value <= to * 1.001);
  };
  // The finest that is not too many.
  const all = [[1, 1.2, 1.5, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1]].map(inside);
  return all.find((ticks) => ticks.length <= most) || all[2];
}

// A name that fits into `width` pixels, at about 7 a letter. Names of one model differ at their ends: that is what is
// kept. Isolated: it may run from right to left.
export function clipped(text, width, pixels = 7) {
  const letters = Array.from(text);
  const most = Math.floor(width / pixels);
  if (most < 3) return "";
  const shown = letters.length <= most ? text : "…" + letters.slice(1 - most).join("");
  return "\u2068" + shown + "\u2069";
}

const kLetter = 8.6;  // pixels of a bold one, at most

// Places for names beside points, those that come first preferred, none over another or over one of `marks`: [{x, y, text,
// anchor}]. Points have `px`, `py`, `text` and a radius `r`.
export function placedLabels(points, marks, width, top) {
  const taken = marks.map((mark) => ({ x: mark.px - mark.r, y: mark.py + 4, length: 2 * mark.r })), labels = [];
  for (const point of points) {
    const text = clipped(point.text, Math.min(190, width / 2), kLetter);
    const length = kLetter * (Array.from(text).length - 2), gap = point.r + 4;
    const places = [];
    if (point.px + gap + length <= width) places.push({ x: point.px + gap, from: point.px + gap, anchor: "start" });
    if (point.px - gap - length >= 0) places.push({ x: point.px - gap, from: point.px - gap - length, anchor: "end" });
    for (const [place, y] of places.flatMap((one) => [[one, point.py - 9], [one, point.py + 18]])) {
      if (y < top || taken.some((box) => place.from < box.x + box.length && box.x < place.from + length && Math.abs(box.y - y) < 14)) continue;
      taken.push({ x: place.from, y, length });
      labels.push({ x: place.x, y, text, anchor: place.anchor });
      break;
    }
  }
  return labels;
}

// The width that an element has, in pixels.
export function useWidth() {
  const place = useRef(null);
  const [width, setWidth] = useState(720);
  useLayoutEffect(() => {
    const measure = () => place.current && setWidth(Math.max(240, Math.floor(place.current.clientWidth)));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return [place, width];
}

// An SVG with marks 0 to `count` - 1. `draw(width, active, marks)` gives its content; `readout(active)` the words under
// it for the mark that the pointer or the arrow keys are on.
export function Chart({ label, height, count, draw, readout }) {
  const [place, width] = useWidth();
  const [active, setActive] = useState(-1);
  const keys = (event) => {
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    let next = active;
    if (event.key in steps) next = active < 0 ? (steps[event.key] > 0 ? 0 : count - 1) : active + steps[event.key];
    else if (event.key === "Home") next = 0;
    else if (event.key === "End") next = count - 1;
    else if (event.key === "Escape") next = -1;
    else return;
    event.preventDefault();
    setActive(event.key === "Escape" ? -1 : Math.min(count - 1, Math.max(0, next)));
  };
  const marks = (i) => ({
    "data-mark": i,
    onPointerEnter: () => setActive(i),
    onClick: () => setActive(i),
    class: i === active ? "mark active" : "mark",
  });
  const tall = typeof height === "function" ? height(width) : height;
  return html`<figure class="chart" ref=${place}>
    <svg viewBox=${`0 0 ${width} ${tall}`} width=${width} height=${tall} tabindex="0" role="img"
      aria-label=${label + ". " + t("arrows")} onKeyDown=${keys}>${draw(width, active, marks)}</svg>
    <figcaption class="readout" aria-live="polite">${active >= 0 && active < count
      ? readout(active)
      : html`<span class="hint">${t("point")}</span>`}</figcaption>
  </figure>`;
}

// Lines and numbers of both axes. `x` and `y`: {scale, ticks, title}.
export function Axes({ x, y, left, right, top, bottom }) {
  return html`<g class="axes" aria-hidden="true">
    ${y.ticks.map((value) => html`<g><line class="grid" x1=${left} x2=${right} y1=${y.scale(value)} y2=${y.scale(value)} />
      <text x=${left - 8} y=${y.scale(value)} dy="0.32em" text-anchor="end">${tick(value)}</text></g>`)}
    ${x.ticks.map((value) => html`<text x=${x.scale(value)} y=${bottom + 16} text-anchor=${x.scale(value) > right - 14 ? "end" : "middle"}>${tick(value)}</text>`)}
    <line class="axis" x1=${left} x2=${right} y1=${bottom} y2=${bottom} />
    <text class="axis-title" x=${right} y=${bottom + 34} text-anchor="end">${x.title}</text>
    <text class="axis-title" x="0" y=${top - 12}>${y.title}</text>
  </g>`;
}
