"use strict";
// Sorts and filters the table that is there. It reads cells as text and writes no markup.
(() => {
  const table = document.getElementById("submissions");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const words = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: "base" });
  const atOnce = Number(table.dataset.atOnce);
  const [find, human, flagged, shown, all, found] = ["find", "only-human", "only-flagged", "shown", "show-all", "found"].map((id) => document.getElementById(id));
  let most = atOnce; // rows: to lay out thousands takes a browser seconds

  const key = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.sort === undefined ? cell.textContent.trim() : cell.dataset.sort;
  };

  const sort = (column, direction) => {
    const numbers = heads[column].classList.contains("number");
    const order = (a, b) => (numbers ? Number(a) - Number(b) : words.compare(a, b));
    const keys = new Map(rows.map((row) => [row, key(row, column)]));
    rows.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      if (a === "" || b === "") return (a === "") - (b === ""); // what has no value stands last, either way
      return direction * order(a, b);
    });
    body.append(...rows);
    filter();
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
  };

  const filter = () => {
    const wanted = find.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      const kept =
        row.textContent.toLowerCase().includes(wanted) &&
        (!human.checked || row.classList.contains("human")) &&
        (!flagged.checked || row.classList.contains("flagged"));
      row.hidden = !kept;
      count += kept;
      row.classList.toggle("later", kept && count > most);
    }
    shown.textContent = Math.min(count, most);
    found.textContent = count;
    all.hidden = count <= most;
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column, head.getAttribute("aria-sort") === "ascending" ? -1 : 1));
    head.append(button);
  });
  find.addEventListener("input", filter);
  human.addEventListener("change", filter);
  flagged.addEventListener("change", filter);
  all.addEventListener("click", () => {
    most = Infinity;
    filter();
  });
  document.getElementById("tools").hidden = false;
  filter();
})();
