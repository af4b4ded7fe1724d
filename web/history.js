// What changed since an older report, and why.
import { html, useMemo } from "./base.js";
import { Figure, Name, Sentences } from "./figures.js";
import { say, t } from "./language.js";
import { has, list, report } from "./report.js";
import { Section } from "./section.js";
import { Table } from "./table.js";

const units = { uJ: "µJ", days: () => t("days") };

export function unitOf(figure) {
  const unit = units[figure.unit];
  return typeof unit === "function" ? unit() : unit || figure.unit;
}

export function tone(figure) {
  return figure.is_better === null ? "" : figure.is_better ? "good" : "bad";
}

// Signed: points of what judges a model, else percent of the older value.
export function Change({ figure, path }) {
  const signed = (value, inner) => html`<span class=${tone(figure)}>${value > 0 ? "+" : ""}${inner}</span>`;
  if (figure.old === figure.new) return html`<span>${t("same")}</span>`;
  if (figure.points_lost !== null)
    return signed(-figure.points_lost, html`<${Figure} path=${path + "points_lost"} scale=${-1} isShort unit=${t("points")} />`);
  return signed(figure.change, html`<${Figure} path=${path + "change"} scale=${100} isShort unit="%" />`);
}

function note(figure) {
  const words = [];
  if (figure.is_better !== null) words.push(t(figure.is_better ? "better" : "worse"));
  if (figure.is_within_interval) words.push(t("within_interval"));
  return words.join(", ");
}

const valueColumn = (key, title) => ({ key, title: t(title), value: ({ figure }) => figure[key],
  cell: ({ figure, path }) => html`<${Figure} path=${path + key} isShort unit=${unitOf(figure)} />` });

function figureColumns() {
  return [valueColumn("old", "was_column"), valueColumn("new", "is_column"),
    { key: "change", title: t("change"), value: ({ figure }) => figure.change, cell: ({ figure, path }) => html`<${Change} figure=${figure} path=${path} />` },
    { key: "note", title: "", isText: true, value: ({ figure }) => note(figure), cell: ({ figure }) => html`<span class="second">${note(figure)}</span>` }];
}

function titleOf(figure) {
  return html`${say(figure.title)}${figure.of ? html`<span class="second"><bdi>${figure.of}</bdi></span>` : null}`;
}

function Figures() {
  const programs = list("history.programs");
  const rows = useMemo(() => programs.flatMap((program, i) => program.figures.map((figure, j) => ({ program, figure, path: `history.programs.${i}.figures.${j}.` })))
    .filter(({ figure }) => figure.old !== figure.new), []);
  if (rows.length === 0) return null;
  const isOfSeveral = programs.some((program) => program.program !== programs[0].program);
  const title = { key: "figure", title: t("figure"), isText: true, value: ({ figure }) => say(figure.title), cell: ({ figure }) => titleOf(figure) };
  const place = { key: "board", title: t("board"), isText: true, role: "naming", value: ({ program }) => program.board || program.program,
    cell: ({ program }) => html`<${Name} text=${program.board || program.program} />${isOfSeveral && program.board ? html`<span class="second"><bdi>${program.program}</bdi></span>` : null}` };
  const columns = programs.length > 1 ? [place, title] : [{ ...title, role: "naming" }];
  return html`<${Table} caption=${t("section_history")} rows=${rows} columns=${[...columns, ...figureColumns()]} />`;
}

// Layers that changed, of a report of one program: a line a figure.
function Layers() {
  const layers = list("history.programs.0.layers");
  const rows = useMemo(() => layers.flatMap((layer, i) => layer.figures.map((figure, j) => ({ layer, i, figure, isFirst: j === 0, path: `history.programs.0.layers.${i}.figures.${j}.` }))), []);
  if (rows.length === 0) return null;
  const words = (layer) => layer.words.map((one) => html`<span class="second">${t("word_" + one.name)} <bdi>${one.new}</bdi>, ${t("was")} <bdi>${one.old}</bdi></span>`);
  return html`<h3>${t("section_layers")}</h3><${Table} caption=${t("section_layers")} rows=${rows} columns=${[
    { key: "layer", title: t("layer"), isText: true, role: "naming", value: ({ layer }) => layer.name,
      cell: ({ layer, isFirst }) => html`<${Name} text=${layer.name} />${isFirst ? words(layer) : null}` },
    { key: "figure", title: t("figure"), isText: true, value: ({ figure }) => say(figure.title), cell: ({ figure }) => say(figure.title) },
    ...figureColumns(),
    { key: "share", title: t("share_of_change"), value: ({ layer, isFirst }) => (isFirst ? layer.share_of_change : null),
      cell: ({ i, isFirst }) => (isFirst ? html`<${Figure} path=${`history.programs.0.layers.${i}.share_of_change`} scale=${100} isShort unit="%" />` : null) }]} />`;
}

function Reasons() {
  const reasons = list("history.reasons");
  const conditions = list("history.programs").flatMap((program) => program.conditions.map((sentence) => ({ program, sentence })));
  // Each condition once, with its first boards.
  const grouped = new Map();
  for (const { program, sentence } of conditions) {
    const key = say(sentence);
    if (!grouped.has(key)) grouped.set(key, { sentence, boards: new Set() });
    if (program.board) grouped.get(key).boards.add(program.board);
  }
  const isMany = list("history.programs").length > 1;
  const changed = reasons.filter((one) => one.difference !== "none").map((one) => one.sentence);
  const same = reasons.filter((one) => one.difference === "none").map((one) => one.sentence);
  return html`<div class="columns">
    ${changed.length + grouped.size > 0 ? html`<div><h3>${t("reasons")}</h3><${Sentences} items=${changed} />
      <ul class="sentences">${[...grouped.values()].map(({ sentence, boards }) => html`<li>${say(sentence)}${isMany && boards.size > 0
        ? html` <span class="second"><bdi>(${[...boards].slice(0, 4).join(", ") + (boards.size > 4 ? ", …" : "")})</bdi></span>` : null}</li>`)}</ul></div>` : null}
    ${same.length > 0 ? html`<div><h3>${t("reasons_same")}</h3><${Sentences} items=${same} /></div>` : null}</div>`;
}

export function History() {
  if (!has("history")) return null;
  return html`<${Section} id="history" note=${report.history.is_same ? null : t("note_history")}>
    ${report.history.is_same ? html`<div class="lead"><${Sentences} items=${list("history.summary").slice(0, 1)} /></div>` : null}
    <${Figures} /><${Layers} /><${Reasons} />
  </${Section}>`;
}
