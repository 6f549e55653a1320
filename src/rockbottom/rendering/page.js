"use strict";
(() => {
  const tip = document.getElementById("tip");
  const hide = () => { tip.hidden = true; };
  const show = (mark) => {
    tip.textContent = mark.getAttribute("data-tip");
    tip.hidden = false;
    const box = mark.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.left + box.width / 2 - own.width / 2), innerWidth - own.width - 8);
    const above = box.top - own.height - 8;
    tip.style.left = left + "px";
    tip.style.top = Math.max(8, above < 8 ? Math.min(box.bottom + 8, innerHeight - own.height - 8) : above) + "px";
  };
  for (const mark of document.querySelectorAll("[data-tip]")) {
    mark.addEventListener("pointerenter", () => show(mark));
    mark.addEventListener("pointerleave", hide);
    mark.addEventListener("focus", () => show(mark));
    mark.addEventListener("blur", hide);
  }
  const follow = () => {  // moving to a bar scrolls it into view, and its numbers go with it
    const mark = document.activeElement;
    if (!tip.hidden && mark && mark.hasAttribute("data-tip")) show(mark); else hide();
  };
  addEventListener("scroll", follow, { passive: true, capture: true });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  const value = (row, index) => {
    const cell = row.cells[index];
    if (!cell || cell.colSpan > 1) return null;
    return cell.hasAttribute("data-value") ? Number(cell.getAttribute("data-value")) : cell.textContent.trim();
  };
  for (const table of document.querySelectorAll("table.sorts")) {
    table.querySelectorAll("thead button").forEach((button, index) => button.addEventListener("click", () => {
      const head = button.closest("th");
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("thead th").forEach((one) => one.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((first, second) => {
        const a = value(first, index), b = value(second, index);
        if (a === null || a === "") return b === null || b === "" ? 0 : 1;
        if (b === null || b === "") return -1;
        const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
        return down ? -order : order;
      });
      body.append(...rows);
    }));
  }
  const button = document.getElementById("copy");
  const csv = JSON.parse(document.getElementById("csv").textContent);
  button.addEventListener("click", async () => {
    let copied = false;
    try { await navigator.clipboard.writeText(csv); copied = true; } catch {
      const area = document.createElement("textarea");
      area.value = csv; document.body.append(area); area.select();
      copied = document.execCommand("copy"); area.remove();
    }
    button.textContent = copied ? "Copied" : "Could not copy";
    setTimeout(() => { button.textContent = "Copy as CSV"; }, 2000);
  });
})();
