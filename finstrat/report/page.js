"use strict";
// Draws the charts of the page, sorts its tables and lets the reader choose a scheme. Specs carry concrete colours;
// here they become CSS variables, so that the scheme and print need no redrawing.
(() => {
  const variables = {
    "#0072b2": "var(--series-1)", "#d55e00": "var(--series-2)", "#009e73": "var(--series-3)",
    "#cc79a7": "var(--series-4)", "#e69f00": "var(--series-5)", "#8a8f98": "var(--series-0)",
    "#d98a52": "var(--loss-3)", "#ebb68f": "var(--loss-2)", "#f7e2d1": "var(--loss-1)",
    "#dcebf6": "var(--gain-1)", "#a5cde9": "var(--gain-2)", "#66aadb": "var(--gain-3)",
    "#1a1e24": "var(--ink)",
  };
  const themed = (node, key) => {
    if (key === "data") return node;
    if (typeof node === "string") return variables[node] || node;
    if (Array.isArray(node)) return node.map((item) => themed(item));
    if (node && typeof node === "object") {
      return Object.fromEntries(Object.entries(node).map(([name, item]) => [name, themed(item, name)]));
    }
    return node;
  };
  const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif";
  const words = { labelColor: "var(--soft)", titleColor: "var(--soft)", labelFont: font, titleFont: font, labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" };
  const config = {
    background: "transparent",
    font,
    view: { stroke: "transparent" },
    axis: { ...words, gridColor: "var(--rule)", domainColor: "var(--rule)", tickColor: "var(--rule)", labelOverlap: true },
    axisX: { grid: false, tickCount: { expr: "max(2, round(width / 90))" } },
    axisY: { tickCount: 5, domain: false, ticks: false, labelPadding: 6 },
    legend: { ...words, symbolStrokeWidth: 2.5, labelLimit: 260 },
  };

  const holder = document.getElementById("charts");
  const charts = holder ? JSON.parse(holder.textContent) : {};
  for (const element of document.querySelectorAll("[data-chart]")) {
    // The interpreter (ast) needs no eval, which the page's policy forbids.
    const options = { renderer: "svg", actions: false, ast: true, config, mode: "vega-lite" };
    vegaEmbed(element, themed(charts[element.dataset.chart]), options).catch((error) => {
      element.textContent = `This chart could not be drawn (${error.message}). ${element.getAttribute("aria-label")}`;
    });
  }

  // Numbers go by their value, text by the reader's own order; what is unknown stays at the end.
  const sorted = (rows, place, direction) => {
    const key = (row) => row.cells[place].dataset.value ?? row.cells[place].textContent.trim();
    const unknown = (text) => text === "" || text === "–";
    return rows.sort((one, other) => {
      const [a, b] = [key(one), key(other)];
      if (unknown(a) || unknown(b)) return unknown(a) - unknown(b);
      const numeric = one.cells[place].dataset.value !== undefined;
      return direction * (numeric ? a - b : a.localeCompare(b, undefined, { numeric: true }));
    });
  };
  for (const table of document.querySelectorAll(".block table:not(.figures)")) {
    const body = table.tBodies[0];
    if (!table.tHead || body.rows.length < 2) continue;
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const rising = head.getAttribute("aria-sort") !== "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", rising ? "ascending" : "descending");
        body.append(...sorted([...body.rows], place, rising ? 1 : -1));
      });
    });
  }

  const button = document.getElementById("scheme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => {
    const chosen = document.documentElement.style.colorScheme;
    return chosen ? chosen === "dark" : system.matches;
  };
  const label = () => { button.textContent = isDark() ? "Light scheme" : "Dark scheme"; };
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.style.colorScheme = isDark() ? "light" : "dark";
    label();
  });
  system.addEventListener("change", label);
  label();
})();
