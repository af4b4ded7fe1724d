// What a part costs by how many are bought, where prices of several quantities are known.
import { html } from "./base.js";
import { Figure, Name } from "./figures.js";
import { t } from "./language.js";
import { Plot } from "./plot.js";
import { list } from "./report.js";
import { Section } from "./section.js";

// Boards with their prices of two quantities or more, each with its path.
function offers() {
  const seen = new Set(), found = [];
  list("rows").forEach((row, i) => {
    if (seen.has(row.board)) return;
    seen.add(row.board);
    const prices = (row.prices || []).map((price, k) => ({ ...price, path: `rows.${i}.prices.${k}.` })).filter((price) => price.quantity > 0);
    const usual = prices.filter((price) => price.currency === prices[0].currency && price.of === prices[0].of)
      .sort((one, other) => one.quantity - other.quantity);
    if (new Set(usual.map((price) => price.quantity)).size > 1) found.push({ board: row.board, prices: usual });
  });
  return found;
}

export function Volume({ epoch }) {
  const found = offers();
  if (found.length === 0) return null;
  const shown = found.slice(0, 8);
  const quantities = [...new Set(shown.flatMap((one) => one.prices.map((price) => price.quantity)))].sort((a, b) => a - b);
  const data = [quantities, ...shown.map((one) => quantities.map((quantity) => {
    const price = one.prices.find((offer) => offer.quantity === quantity);
    return price ? price.amount : undefined;
  }))];
  return html`<${Section} id="volume" note=${t("note_volume")}>
    <${Plot} label=${t("section_volume")} epoch=${epoch} isLogX data=${data} x=${t("quantity")} y=${shown[0].prices[0].currency}
      series=${shown.map((one) => ({ label: one.board, isPoints: true }))} />
    <div class="scroller" tabindex="0" role="region" aria-label=${t("section_volume")} data-scrolls><table><thead><tr><th scope="col" class="text">${t("board")}</th>
      <th scope="col" class="n">${t("quantity")}</th><th scope="col" class="n">${t("price")}</th><th scope="col" class="text">${t("source")}</th></tr></thead>
      <tbody>${found.flatMap((one) => one.prices.map((price) => html`<tr><th scope="row" class="text"><${Name} text=${one.board} /></th><td class="n"><${Figure} path=${price.path + "quantity"} /></td>
        <td class="n"><${Figure} path=${price.path + "amount"} unit=${price.currency} isShort /></td><td class="text"><span class="second wide" lang="en">${price.source} ${price.date}</span></td></tr>`))}</tbody></table></div>
  </${Section}>`;
}
