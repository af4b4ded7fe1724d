// The page: sections that have data, in the order in which people ask.
import { html, render, useEffect, useLayoutEffect, useState } from "./base.js";
import { Accuracy, Noise } from "./accuracy.js";
import { Advice } from "./advice.js";
import { Boards } from "./boards.js";
import { Explanation, Frontier, LayerFormats, Quantization } from "./formats.js";
import { Command, Head, Verdict } from "./head.js";
import { language, t, useLanguage } from "./language.js";
import { History } from "./history.js";
import { Functions, Layers } from "./layers.js";
import { Memory } from "./memory.js";
import { Findings, Messages, Method } from "./method.js";
import { Roofline } from "./roofline.js";
import { at } from "./report.js";
import { Timeline } from "./timeline.js";
import { Volume } from "./volume.js";

const sections = [Advice, History, Findings, Boards, Volume, Frontier, Explanation, LayerFormats, Accuracy, Noise, Timeline, Layers, Functions,
  Memory, Roofline, Quantization, Messages, Method];

// Links to the sections that are there.
function Contents({ epoch }) {
  const [found, setFound] = useState([]);
  useLayoutEffect(() => setFound([...document.querySelectorAll("main section[id]")].map((one) => one.id)), [epoch]);
  return html`<nav class="contents" aria-label=${t("contents")} data-scrolls><ul>${found.map((id) => html`<li><a href=${"#" + id}>${t("section_" + id)}</a></li>`)}</ul></nav>`;
}

function kept(key, fallback) {
  try {
    return localStorage.getItem("nblocks-" + key) || fallback;
  } catch {
    return fallback;  // a page from disk may have no storage
  }
}

function keep(key, value) {
  try {
    localStorage.setItem("nblocks-" + key, value);
  } catch {
    // it holds for this view alone
  }
}

function Page() {
  const [shown, setShown] = useState(language());
  const [theme, setTheme] = useState(kept("theme", "auto"));
  const [isDark, setDark] = useState(matchMedia("(prefers-color-scheme: dark)").matches);
  useEffect(() => {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const change = () => setDark(system.matches);
    system.addEventListener("change", change);
    return () => system.removeEventListener("change", change);
  }, []);
  useLanguage(shown);
  document.documentElement.dataset.theme = theme;
  document.title = "nblocks · " + [at("model"), at("board")].filter(Boolean).join(" · ");
  const epoch = [shown, theme, isDark].join();
  const chooseTheme = (value) => { keep("theme", value); setTheme(value); };
  const chooseLanguage = (value) => { keep("language", value); setShown(value); };
  return html`<a class="skip" href="#main">${t("skip")}</a>
    <div class="sheet">
      <${Head} language=${shown} theme=${theme} onLanguage=${chooseLanguage} onTheme=${chooseTheme} />
      <${Verdict} /><${Command} />
      <div class="body"><${Contents} epoch=${epoch} />
        <main id="main" tabindex="-1">${sections.map((Part) => html`<${Part} epoch=${epoch} />`)}</main></div>
      <footer class="foot">nblocks ${at("report.nblocks")} · ${t("offline")}</footer>
    </div>`;
}

const wanted = kept("language", null);
if (wanted) useLanguage(wanted);
render(html`<${Page} />`, document.getElementById("page"));
