// Tables that sort by any column: a button in each heading, by mouse and keyboard.
import { html, useMemo, useState } from "./base.js";
import { t } from "./language.js";

function kind(column) {
  return (column.isText ? "text" : "n") + (column.role ? " " + column.role : "");
}

// `columns`: [{key, title, cell(row), value(row), isText, role}]; a value of null comes last in either order. `rows` keep
// their own order until a heading is pressed. On a narrow screen the column with the role "naming" stays in sight, and
// that with "place" goes.
export function Table({ columns, rows, caption, rowClass }) {
  const naming = columns.find((column) => column.role === "naming") || columns[0];
  const [order, setOrder] = useState(null);
  const sorted = useMemo(() => {
    if (!order) return rows;
    const column = columns.find((one) => one.key === order.key);
    if (!column) return rows;
    const value = column.value;
    const direction = order.isDown ? -1 : 1;
    return [...rows].sort((one, other) => {
      const a = value(one), b = value(other);
      const isBlank = (x) => x === null || x === undefined;
      if (isBlank(a) || isBlank(b)) return isBlank(a) - isBlank(b);
      return direction * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
    });
  }, [rows, order, columns]);
  const press = (column) => {
    if (!order || order.key !== column.key) setOrder({ key: column.key, isDown: !column.isText });
    else setOrder({ key: column.key, isDown: !order.isDown });
  };
  const state = (column) => (order && order.key === column.key ? (order.isDown ? "descending" : "ascending") : "none");
  return html`<div class="scroller" tabindex="0" role="region" aria-label=${caption} data-scrolls>
    <table>
      <caption class="unseen">${caption}</caption>
      <thead><tr>${columns.map((column) => html`<th scope="col" class=${kind(column)}
        aria-sort=${column.value ? state(column) : undefined}>${column.value
          ? html`<button type="button" title=${t("sort")} onClick=${() => press(column)}><span>${column.title}</span
            ><span class="arrow" aria-hidden="true">${{ ascending: "↑", descending: "↓", none: "" }[state(column)]}</span></button>`
          : column.title}</th>`)}</tr></thead>
      <tbody>${sorted.map((row) => html`<tr class=${rowClass ? rowClass(row) : undefined}>${columns.map((column) =>
        column === naming
          ? html`<th scope="row" class=${kind(column)}>${column.cell(row)}</th>`
          : html`<td class=${kind(column)}>${column.cell(row)}</td>`)}</tr>`)}</tbody>
    </table>
  </div>`;
}
