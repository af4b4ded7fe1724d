// The top of the page: what the report is about, languages and themes, the verdict, the command.
import { html, useState } from "./base.js";
import { Figure, Interval, Name, withCode } from "./figures.js";
import { Change, tone, unitOf } from "./history.js";
import { languages, say, t } from "./language.js";
import { at, has, list, report } from "./report.js";
import { Choice } from "./section.js";

const themes = ["auto", "light", "dark"];

function subject() {
  const models = list("report.files").filter((file) => file.role === "model" || file.role === "firmware");
  const names = models.map((file) => file.file.split("/").slice(-2).join("/"));
  if (names.length > 0) return names.join(", ");
  return at("model") || t("verb_" + at("report.verb"));
}

export function Head({ language, theme, onLanguage, onTheme }) {
  const board = at("board");
  const parts = [board, at("core"), at("cost_basis.clock_hz") && html`<${Figure} path="cost_basis.clock_hz" scale=${1e-6} unit="MHz" />`];
  return html`<header class="head">
    <div class="bar">
      <p class="mark-of">nblocks <span>${t("verb_" + at("report.verb"))}</span></p>
      <div class="switches">
        <${Choice} label=${t("language")} value=${language} onChoose=${onLanguage}
          options=${languages.map((one) => ({ value: one, title: one.toUpperCase() }))} />
        <${Choice} label=${t("theme")} value=${theme} onChoose=${onTheme}
          options=${themes.map((one) => ({ value: one, title: t("theme_" + one) }))} />
      </div>
    </div>
    <h1><${Name} text=${subject()} /></h1>
    <p class="about">${parts.filter(Boolean).map((part, i) => html`${i > 0 ? " · " : ""}<span>${part}</span>`)}</p>
  </header>`;
}

// A range within 0 to its high end, and the estimate in it.
function Whisker({ low, value, high }) {
  if (![low, value, high].every((path) => typeof at(path) === "number")) return null;
  const percent = (path) => `${(100 * at(path)) / (at(high) * 1.15)}%`;
  return html`<div class="gauge whisker" aria-hidden="true"><i style=${`left:${percent(low)};right:calc(100% - ${percent(high)})`}></i
    ><b style=${`left:${percent(value)}`}></b></div>`;
}

function Fill({ used, size }) {
  const share = Math.min(1, used / size);
  return html`<div class=${"gauge fill" + (used > size ? " over" : "")} aria-hidden="true"><i style=${`width:${100 * share}%`}></i></div>`;
}

function Tile({ name, title, children, why, tone }) {
  return html`<div class=${"tile" + (tone ? " " + tone : "")} data-tile=${name}>
    <h3>${title || t("tile_" + name)}</h3>
    ${why ? html`<p class="value blank">–</p><p class="why">${withCode(why)}</p>` : children}
  </div>`;
}

function Estimate({ name, stem, scale = 1, unit }) {
  const path = stem + "_estimated";
  if (!has(path)) return html`<${Tile} name=${name} why=${say(at("report.blanks." + name)) || t("unknown")} />`;
  return html`<${Tile} name=${name}>
    <p class="value"><${Figure} path=${path} scale=${scale} unit=${unit} /></p>
    <${Whisker} low=${stem + "_low"} value=${path} high=${stem + "_high"} />
    <p class="under"><${Interval} low=${stem + "_low"} high=${stem + "_high"} scale=${scale} unit=${unit} /></p>
  </${Tile}>`;
}

function energyScale() {
  return at("energy_uj_estimated") >= 1000 ? [1e-3, "mJ"] : [1, "µJ"];
}

// Flash or RAM: what is taken of the memory that holds most of it.
function MemoryTile({ name, path, holds }) {
  const estimated = { flash: "weights_bytes", ram: "ram_total_bytes_estimated" }[name];
  const shown = has(path) ? path : has(estimated) ? estimated : null;
  if (!shown || has("report.blanks." + name))
    return html`<${Tile} name=${name} why=${say(at("report.blanks." + name)) || t("unknown")} />`;
  const memories = list("memories");
  const place = memories.findIndex((memory) => memory.holds.some((one) => holds.includes(one.what)));
  const isKib = at(shown) >= 10240;
  return html`<${Tile} name=${name}>
    <p class="value"><${Figure} path=${shown} scale=${isKib ? 1 / 1024 : 1} unit=${isKib ? "KiB" : "B"} /></p>
    ${place >= 0 && memories[place].size_bytes ? html`
      <${Fill} used=${memories[place].used_bytes} size=${memories[place].size_bytes} />
      <p class="under"><${Figure} path=${`memories.${place}.used_bytes`} /> ${t("of")} <${Figure} path=${`memories.${place}.size_bytes`} unit="B" /> ${t("in")} <${Name} text=${memories[place].name} code /></p>` : null}
    ${shown === path ? null : html`<p class="under">${t(name === "flash" ? "weights_alone" : "with_allowance")}</p>`}
  </${Tile}>`;
}

function FitsTile() {
  const fits = at("fits");
  if (fits === null || fits === undefined)
    return html`<${Tile} name="fits" why=${say(at("report.blanks.fits")) || (at("ok") ? t("unknown") : t("failed"))} />`;
  return html`<${Tile} name="fits" tone=${fits ? "good" : "bad"}>
    <p class="value">${t(fits ? "yes" : "no")}</p>
    <p class="under">${t("on_board")} <${Name} text=${at("board")} /></p>
  </${Tile}>`;
}

function AccuracyTile() {
  if (!has("metric.program")) return html`<${Tile} name="accuracy" why=${say(at("report.blanks.accuracy")) || t("unknown")} />`;
  return html`<div class="tile" data-tile="accuracy">
    <h3>${at("metric.name") === "accuracy" ? t("tile_accuracy") : at("metric.name")}</h3>
    <p class="value"><${Figure} path="metric.program" /></p>
    <p class="under">${has("metric.reference") ? html`${t("reference")} <${Figure} path="metric.reference" />, ` : null}<${Figure}
      path="samples" /> ${t("samples")}</p>
  </div>`;
}

// The row of `rows` that fits and has least at `path`.
function least(path) {
  let best = -1;
  const value = (i) => at(`rows.${i}.${path}`);
  list("rows").forEach((row, i) => {
    if (row.fits && typeof value(i) === "number" && (!path.startsWith("price.") || row.price.currency === at("currency")) && (best < 0 || value(i) < value(best))) best = i;
  });
  return best;
}

function BestTile({ name, path, scale, unit, interval }) {
  const i = least(path);
  if (i < 0) return html`<${Tile} name=${name} why=${t("unknown")} />`;
  const row = `rows.${i}.`;
  return html`<${Tile} name=${name}>
    <p class="value"><${Figure} path=${row + path} scale=${scale} isShort unit=${typeof unit === "function" ? unit(i) : unit} /></p>
    ${interval ? html`<${Whisker} low=${row + interval + "_low"} value=${row + path} high=${row + interval + "_high"} />` : null}
    <p class="under"><${Name} text=${at(row + "board")} />${interval ? html`<br /><${Interval}
      low=${row + interval + "_low"} high=${row + interval + "_high"} scale=${scale} unit=${unit} />` : null}</p>
  </${Tile}>`;
}

function ComparisonTiles() {
  return html`${list("programs").map((program, i) => html`<${Tile} name="boards">
      <p class="value"><${Figure} path=${`programs.${i}.boards_that_fit`} /> <small>${t("of")} <${Figure} path=${`programs.${i}.boards`} /></small></p>
      <${Fill} used=${program.boards_that_fit} size=${program.boards} />
      <p class="under"><${Name} text=${program.model + (program.format ? ", " + program.format : "")} /></p>
    </${Tile}>`)}
    <${BestTile} name="fastest" path="latency_ms_estimated" unit="ms" interval="latency_ms" />
    <${BestTile} name="frugal" path="energy_uj_estimated" scale=${1e-3} unit="mJ" interval="energy_uj" />
    <${BestTile} name="cheapest" path="price.amount" unit=${(i) => at(`rows.${i}.price.currency`)} />`;
}

// The first answer of `advise`, if there is one.
function AdviceTiles() {
  const count = list("advice.ranked").length;
  if (count === 0) return html`<${Tile} name="verdict" tone="bad"><p class="value">${t("no")}</p><p class="under">${t("none_keeps")}</p></${Tile}>`;
  const best = "advice.ranked.0.";
  const format = `advice.formats.${at(best + "format")}.value`;
  const blanks = at(best + "blanks") || {};
  const tile = (name, path, unit, scale, low, high) => html`<${Tile} name=${name} why=${has(path) ? null : blanks[name] || t("unknown")}>
    <p class="value"><${Figure} path=${path} unit=${unit} scale=${scale} isShort /></p>
    ${low && has(low) ? html`<${Whisker} low=${low} value=${path} high=${high} /><p class="under"><${Interval} low=${low} high=${high} scale=${scale} /></p>` : null}</${Tile}>`;
  return html`<${Tile} name="first" tone="good wide"><p class="value"><${Name} text=${at(best + "base_board")} /></p><p class="under">${withCode(say(at(best + "title")))}</p></${Tile}>
    ${tile("price", best + "price", at("advice.currency"))}${tile("latency", best + "latency_ms_estimated", "ms", 1, best + "latency_ms_low", best + "latency_ms_high")}
    ${tile("energy", best + "energy_uj_estimated", "mJ", 1e-3, best + "energy_uj_low", best + "energy_uj_high")}${tile("flash", best + "flash.total_bytes", "KiB", 1 / 1024)}${tile("ram", best + "ram.total_bytes", "KiB", 1 / 1024)}
    ${has("advice.metric") ? tile("accuracy", format, null, 1, format + "_low", format + "_high") : null}`;
}

// Of a kept report against an older one: how its figures changed.
function HistoryTiles() {
  const programs = list("history.programs");
  const count = html`<${Tile} name="changed"><p class="value"><${Figure} path="history.changed" /> <small>${t("of")} <${Figure} path="history.compared" /></small></p>
    <p class="under">${t(at("history.is_same") ? "nothing_changed" : "since")} <${Name} text=${at("history.old.file")} /></p></${Tile}>`;
  if (programs.length !== 1) return count;
  const shown = ["latency_ms", "energy_uj", "flash_bytes", "ram_bytes"];
  return html`${programs[0].figures.map((figure, i) => ({ figure, path: `history.programs.0.figures.${i}.` }))
    .filter(({ figure }) => figure.is_headline && figure.of === null && figure.old !== null && figure.new !== null &&
      (shown.includes(figure.name) || figure.points_lost !== null))
    .map(({ figure, path }) => html`<${Tile} name=${figure.name} title=${say(figure.title)} tone=${tone(figure)}>
      <p class="value"><${Change} figure=${figure} path=${path} /></p>
      <p class="under"><${Figure} path=${path + "new"} unit=${unitOf(figure)} />, ${t("was")} <${Figure} path=${path + "old"} /></p></${Tile}>`)}${count}`;
}

function CountTile({ name, path, why }) {
  if (!has(path)) return html`<${Tile} name=${name} why=${why || t("unknown")} />`;
  return html`<${Tile} name=${name}><p class="value"><${Figure} path=${path} /></p></${Tile}>`;
}

export function Verdict() {
  const [scale, unit] = energyScale();
  let tiles;
  if (has("advice")) tiles = html`<${AdviceTiles} />`;
  else if (has("history") && !has("rows")) tiles = html`<${HistoryTiles} />`;
  else if (has("rows")) tiles = html`<${ComparisonTiles} />`;
  else if (at("report.verb") === "time" && has("cycles_estimated"))
    tiles = html`<${Estimate} name="cycles" stem="cycles" /><${Estimate} name="latency" stem="latency_ms" unit="ms" />
      <${Estimate} name="energy" stem="energy_uj" scale=${scale} unit=${unit} /><${CountTile} name="instructions" path="instructions" />`;
  else if (["run", "analyze", "validate"].includes(at("report.verb")) && has("macs"))
    tiles = html`<${FitsTile} />
      <${MemoryTile} name="flash" path="flash.total_bytes" holds=${["program", "weights"]} />
      <${MemoryTile} name="ram" path="ram.total_bytes" holds=${["arena"]} />
      <${Estimate} name="latency" stem="latency_ms" unit="ms" />
      <${Estimate} name="energy" stem="energy_uj" scale=${scale} unit=${unit} />
      <${AccuracyTile} />`;
  else if (!at("ok")) tiles = html`<${Tile} name="verdict" tone="bad"><p class="value">${t("failed")}</p><p class="under">${t("exit_code")} <${Figure} path="exit_code" /></p></${Tile}>`;
  else return null;
  return html`<section class="verdict" aria-label=${t("section_verdict")}><div class="tiles">${tiles}</div></section>`;
}

export function Command() {
  const [isCopied, setCopied] = useState(false);
  const command = at("report.command");
  if (!command) return null;
  const copy = () => navigator.clipboard && navigator.clipboard.writeText(command).then(() => setCopied(true), () => setCopied(false));
  return html`<section class="command" aria-labelledby="command-title">
    <h2 id="command-title" class="small">${t("section_command")}</h2>
    <div class="line"><pre tabindex="0" data-scrolls><code>${command}</code></pre>
      ${navigator.clipboard ? html`<button type="button" class="plain" onClick=${copy}>${t(isCopied ? "copied" : "copy")}</button>` : null}</div>
  </section>`;
}
