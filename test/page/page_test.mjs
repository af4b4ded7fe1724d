// report.html in Chromium: every number shown is the report's, nothing overflows, colours have contrast, keys work.
//
// usage: page_test.mjs CHROMIUM SCRATCH PAGE.html...
// Pages whose names end in + are looked at in each language, theme and width, others in a part of those. Prints failures,
// then "N checks, N failed".
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const [executablePath, scratch, ...pages] = process.argv.slice(2);
let checks = 0, failed = 0;

function check(isRight, what) {
  ++checks;
  if (isRight) return;
  ++failed;
  console.log("FAILED " + what);
}

// The number that a text stands for in a language.
function parsed(text, language) {
  const plain = text.replace(/[\u202f\u00a0\s]/g, "").replace(/\u2212/g, "-");
  return Number(language === "fr" ? plain.replace(",", ".") : plain.replace(/,/g, ""));
}

// How far a number may be from the text that shows it: whole ones are in full, others have four digits, or all before
// the point.
function slack(value) {
  if (Number.isInteger(value)) return 0;
  const size = Math.abs(value);
  return 0.500001 * (size >= 1000 ? 1 : 10 ** (Math.floor(Math.log10(size)) - 3));
}

function valueAt(report, path) {
  return path.split(".").reduce((value, step) => (value === null || value === undefined ? undefined : value[step]), report);
}

async function checkFigures(page, name, report, language) {
  const figures = await page.$$eval("[data-path]", (all) => all.map((one) => [one.dataset.path, one.dataset.scale || "1", one.textContent]));
  check(figures.length > 0, `${name}: it shows no figure`);
  for (const [path, scale, text] of figures) {
    const wanted = valueAt(report, path) * Number(scale);
    check(Math.abs(parsed(text, language) - wanted) <= slack(wanted), `${name} (${language}): ${path} is ${wanted}, shown as ${text}`);
  }
  return figures.length;
}

// No number in a cell of figures is without its path.
async function checkMarked(page, name) {
  const loose = await page.$$eval("td.n, .tile .value, .facts dd", (cells) => cells.filter((cell) => {
    const copy = cell.cloneNode(true);
    for (const one of copy.querySelectorAll("[data-path], .name, .code, [lang], sup, .place, bdi")) one.remove();
    return /\d/.test(copy.textContent) && !cell.closest("#method");
  }).map((cell) => cell.textContent));
  check(loose.length === 0, `${name}: numbers without a path: ${loose.slice(0, 5).join(" | ")}`);
}

async function checkOverflow(page, name, width) {
  const wide = await page.evaluate(() => {
    const found = [];
    const root = document.documentElement;
    if (root.scrollWidth > root.clientWidth) found.push(`the page: ${root.scrollWidth} of ${root.clientWidth}`);
    for (const one of document.body.querySelectorAll("*")) {
      if (one.closest("svg, .unseen, script, style")) continue;
      if (one.closest("[data-scrolls]") && !one.matches("[data-scrolls]")) continue;
      const style = getComputedStyle(one);
      if (style.display === "inline" || style.display === "none") continue;
      if (!one.matches("[data-scrolls]") && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
        found.push(`${one.tagName}.${one.className}: ${one.scrollWidth} of ${one.clientWidth}`);
      const box = one.getBoundingClientRect();
      if (box.width > 0 && box.right > root.clientWidth + 1 && !one.closest(".skip")) found.push(`${one.tagName}.${one.className} ends at ${Math.round(box.right)}`);
    }
    return found;
  });
  check(wide.length === 0, `${name} at ${width}: ${wide.slice(0, 5).join("; ")}`);
  // Chart labels end within their chart.
  const outside = await page.$$eval(".chart svg", (all) => all.flatMap((svg) => {
    const frame = svg.getBoundingClientRect();
    return [...svg.querySelectorAll("text")].filter((text) => {
      const box = text.getBoundingClientRect();
      return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
    }).map((text) => text.textContent);
  }));
  check(outside.length === 0, `${name} at ${width}: labels outside their chart: ${outside.slice(0, 5).join(" | ")}`);
}

async function checkContrast(page, name) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { runOnly: { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21aa"] } }));
  check(found.passes.some((rule) => rule.id === "color-contrast"), `${name}: axe looked at no contrast`);
  for (const rule of found.violations)
    check(false, `${name}: ${rule.id}: ${rule.nodes.slice(0, 2).map((node) => node.html.slice(0, 160) + " " + (node.any[0] ? node.any[0].message : "")).join(" | ")}`);
}

// Each heading of the first table with buttons sorts by Enter, says so, and puts its column in order.
async function checkSorting(page, name) {
  const table = page.locator("table:has(thead button)").first();
  if ((await table.count()) === 0) return;
  const columns = await table.locator("thead th").count();
  for (let i = 0; i < columns; ++i) {
    const heading = table.locator("thead th").nth(i);
    await heading.locator("button").focus();
    for (const wanted of [await heading.evaluate((one) => (one.classList.contains("text") ? "ascending" : "descending")), null]) {
      await page.keyboard.press("Enter");
      const order = await heading.getAttribute("aria-sort");
      if (wanted) check(order === wanted, `${name}: column ${i} sorts ${order}, not ${wanted}`);
      const values = await table.evaluate((one, place) => [...one.tBodies[0].rows].map((row) => {
        const figure = row.cells[place].querySelector("[data-path]");
        return figure ? [figure.dataset.path, figure.textContent] : null;
      }), i);
      if (await heading.evaluate((one) => one.classList.contains("text"))) continue;
      const report = await page.evaluate(() => JSON.parse(document.getElementById("report").textContent));
      const known = values.filter(Boolean).map(([path]) => valueAt(report, path));
      const sign = order === "descending" ? -1 : 1;
      check(known.every((value, k) => k === 0 || sign * (value - known[k - 1]) >= 0), `${name}: column ${i} is not in ${order} order`);
    }
    const others = await table.locator('thead th[aria-sort="none"]').count();
    check(others === (await table.locator("thead th[aria-sort]").count()) - 1, `${name}: more than one column says that it sorts`);
  }
}

// Charts are reached by Tab, and arrow keys show figures of their marks.
async function checkCharts(page, name) {
  const charts = page.locator(".chart svg");
  for (let i = 0; i < (await charts.count()); ++i) {
    await charts.nth(i).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    const readout = page.locator(".chart").nth(i).locator(".readout");
    check((await readout.locator("[data-path]").count()) > 0, `${name}: chart ${i} shows no figures by keys`);
    const outline = await charts.nth(i).evaluate((one) => getComputedStyle(one).outlineStyle);
    check(outline !== "none", `${name}: chart ${i} does not show that it has the focus`);
  }
}

async function checkSkipLink(page, name) {
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.classList.contains("skip")), `${name}: the first stop of Tab is not the skip link`);
  await page.keyboard.press("Enter");
  check(await page.evaluate(() => location.hash === "#main"), `${name}: the skip link leads nowhere`);
}

// Each language, theme and width once at least; with `isWhole` each with each.
function* views(isWhole) {
  for (const language of ["en", "fr"])
    for (const theme of ["light", "dark"])
      for (const width of [1280, 400])
        if (isWhole || (language === "en") === (theme === "light")) yield { language, theme, width };
}

const kMostLoads = 4;

// Milliseconds from its address to its load event: the least of some loads, for other work on this computer only adds to it.
async function opening(page) {
  const measured = () => page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventEnd);
  let least = await measured();
  for (let i = 1; i < kMostLoads && least >= 1000; ++i) {
    await page.reload();
    await page.waitForSelector(".foot");
    least = Math.min(least, await measured());
  }
  return least;
}

async function checkPage(browser, argument) {
  const path = argument.replace(/\+$/, "");
  const name = basename(path, ".html");
  const report = JSON.parse(readFileSync(path, "utf8").match(/<script type="application\/json" id="report">([^]*?)<\/script>/)[1]);
  for (const { language, theme, width } of views(path !== argument)) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, locale: language });
    const page = await context.newPage();
    const said = [], asked = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    page.on("dialog", (dialog) => { said.push("dialog " + dialog.message()); dialog.dismiss(); });
    await page.goto(pathToFileURL(path).href);
    await page.waitForSelector(".foot");
    const where = `${name} ${language} ${theme}`;
    check((await page.getAttribute("html", "lang")) === language, `${where}: the page is not in the browser's language`);
    const timing = await opening(page);
    check(timing < 1000, `${where}: opens in ${Math.round(timing)} ms`);
    await checkFigures(page, name, report, language);
    await checkOverflow(page, where, width);
    if (width === 1280) {
      await checkContrast(page, where);
      await checkMarked(page, where);
    }
    if (language === "en" && theme === "light" && width === 1280) {
      await checkSkipLink(page, where);
      await checkSorting(page, where);
      await checkCharts(page, where);
      await checkFigures(page, name + " sorted", report, language);
      await checkSwitches(page, where, report);
      console.log(`${name}: opened in ${Math.round(timing)} ms`);
    }
    await page.screenshot({ path: `${scratch}/${name}-${language}-${theme}-${width}.png`, fullPage: true });
    if (language === "en" && theme === "light" && width === 1280) await page.pdf({ path: `${scratch}/${name}.pdf`, preferCSSPageSize: true, printBackground: true });
    check(said.length === 0, `${where} at ${width}: the console has ${said.slice(0, 3).join(" | ")}`);
    check(asked.length === 1, `${where}: asks for ${asked.slice(1).join(", ")}`);
    await context.close();
  }
}

// Language and theme by their buttons; all figures agree afterwards.
async function checkSwitches(page, name, report) {
  await page.getByRole("button", { name: "FR", exact: true }).click();
  check((await page.getAttribute("html", "lang")) === "fr", `${name}: FR does not switch`);
  await checkFigures(page, name + " switched", report, "fr");
  await page.getByRole("button", { name: "EN", exact: true }).click();
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await paper();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  check((await paper()) !== light, `${name}: Dark does not switch`);
  await page.getByRole("button", { name: "Auto", exact: true }).click();
  check((await paper()) === light, `${name}: Auto does not follow the system`);
}

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const path of pages) await checkPage(browser, path);
await browser.close();
console.log(`${checks} checks, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
