// Tables of class sortable: a button in every column head. The picture: a row's own edges stand out. And nothing stays
// folded on paper.
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const cell = (row) => row.cells[column];
      const order = (a, b) => cell(a).dataset.v === undefined
        ? cell(a).textContent.localeCompare(cell(b).textContent, "en", { numeric: true })
        : cell(a).dataset.v - cell(b).dataset.v;
      const rows = [...table.tBodies[0].rows].sort((a, b) => order(a, b) * (down ? -1 : 1));
      table.tBodies[0].append(...rows);
    });
  });
}
document.querySelectorAll(".network li").forEach((row, number) => {
  const own = [...document.querySelectorAll(".branch")].filter((b) => b.dataset.rows.split(" ").includes(String(number)));
  row.addEventListener("mouseenter", () => own.forEach((b) => b.classList.add("on")));
  row.addEventListener("mouseleave", () => own.forEach((b) => b.classList.remove("on")));
});
addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
