"use strict";
// Sorts and filters the table that is there. It reads cells as text and writes no markup.
(() => {
  const table = document.getElementById("submissions");
  const body = table.tBodies[0];
  const rows = Array.from(body.rows);
  const heads = Array.from(table.tHead.rows[0].cells);
  const words = new Intl.Collator(document.documentElement.lang, { numeric: true, sensitivity: "base" });
  const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
  const [find, shown, only, all, found] = ["find", "shown", "only", "show-all", "found"].map((id) => document.getElementById(id));
  const states = Array.from(document.querySelectorAll("#tools input[name=state]"));
  let kind = ""; // of fault, or of machine, that a link asked for
  let most = Number(table.dataset.atOnce); // rows: to lay out thousands takes a browser seconds

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
    const any = states.filter((one) => one.checked).map((one) => one.value);
    let count = 0;
    for (const row of rows) {
      const has = (token) => row.classList.contains(token);
      const kept = texts.get(row).includes(wanted) && (any.length === 0 || any.some(has)) && (kind === "" || has(kind));
      row.hidden = !kept;
      count += kept;
      row.classList.toggle("later", kept && count > most);
    }
    shown.textContent = Math.min(count, most);
    found.textContent = count;
    all.hidden = count <= most;
  };

  const follow = () => {
    const [, token] = location.hash.match(/^#is-([a-z0-9]+)$/) || [, ""];
    const link = token && document.querySelector(`a[href="#is-${token}"]`);
    kind = link ? token : "";
    only.hidden = !link;
    if (link) {
      const row = link.closest("tr, li");
      only.firstElementChild.textContent = (row.querySelector("th") || row.querySelector("bdi")).textContent.trim();
    }
    filter();
  };

  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column, head.getAttribute("aria-sort") === "ascending" ? -1 : 1));
    head.append(button);
  });
  find.addEventListener("input", filter);
  all.addEventListener("click", () => {
    most = Infinity;
    filter();
  });
  states.forEach((one) => one.addEventListener("change", filter));
  only.querySelector("button").addEventListener("click", () => {
    history.replaceState(null, "", location.pathname);
    kind = "";
    only.hidden = true;
    filter();
  });
  addEventListener("hashchange", follow);
  document.getElementById("tools").hidden = false;
  follow();
})();
