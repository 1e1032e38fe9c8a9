// The list of zones: chips that tell how many are how and filter by it, a filter by name, a page of rows; above it the
// plots. Rows stay the same elements while their zone is shown, so that focus and selection survive an update.
import { el, number, plural, setAgo, setText, show } from "./dom.js";
import { fetchJson } from "./poll.js";
import { Plots } from "./plots.js";
import { conditions, stateMark, states, tags } from "./words.js";

const pageSize = 50;
const columns = ["Zone", "State", "Serial", "Checked", "Compared"];

const serial = (zone) => {
  if (zone.serial === null) return "\u2013";
  if (zone.primary_serial === null || zone.primary_serial === zone.source_serial) return String(zone.serial);
  return zone.serial + " (primary: " + zone.primary_serial + ")";
};

const compared = ({ comparison }) => {
  if (comparison === null || comparison.addresses === 0) return "not compared";
  if (comparison.mismatches > 0) return plural(comparison.mismatches, "answer differs", "answers differ");
  if (comparison.complete) return "equal";
  return comparison.coverage < 1 ? Math.floor(comparison.coverage * 100) + " % so far" : "to be confirmed";
};

const makeRow = (name) => {
  const link = el("a", { href: "/?zone=" + encodeURIComponent(name), "data-route": true }, name);
  const cells = columns.slice(1).map((column, i) =>
    el("td", { role: "cell", class: i === 0 ? "wide" : false, "data-label": i === 0 ? false : column }));
  return { row: el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, link), cells), cells };
};

const fillRow = ({ cells: [state, serials, checked, comparison] }, zone) => {
  // What is not compared in full, the last column tells.
  show(state, [zone.state, zone.conditions], () => [stateMark(zone.state), el("span", { class: "tags" }, tags(zone.conditions.filter((word) => word !== "unproven")))]);
  setText(serials, serial(zone));
  setAgo(checked, zone.last_check);
  setText(comparison, compared(zone));
};

export class ListView {
  constructor(parameters, changed) {
    this.changed = changed;
    this.rows = new Map();
    this.plots = new Plots();
    this.heading = el("h2", { id: "zones-heading", tabindex: "-1" }, "Zones");
    this.input = el("input", { type: "search", "aria-label": "Filter by name", placeholder: "Filter by name", autocomplete: "off", spellcheck: "false" });
    this.chips = el("div", { class: "chips", role: "group", "aria-label": "Filter by state" });
    this.body = el("tbody", { role: "rowgroup" });
    this.table = el("table", { class: "zones", role: "table", "aria-labelledby": "zones-heading" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map((name) => el("th", { scope: "col", role: "columnheader" }, name)))), this.body);
    this.none = el("p", { class: "none", hidden: true });
    this.place = el("span", { role: "status" });
    this.previous = el("button", { type: "button" }, "Previous");
    this.next = el("button", { type: "button" }, "Next");
    this.pager = el("nav", { class: "pager", "aria-label": "Pages of zones" }, this.previous, this.next, this.place);
    this.root = el("div", {}, this.plots.root,
      el("section", { class: "part", "aria-labelledby": "zones-heading" }, this.heading,
        el("div", { class: "filters", role: "search" }, this.input, this.chips), this.table, this.none, this.pager));
    let typing = null;
    this.input.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.filter({ name: this.input.value.trim() }), 200);
    });
    this.previous.addEventListener("click", () => this.turn(-1));
    this.next.addEventListener("click", () => this.turn(1));
    this.adopt(parameters);
  }

  adopt(parameters) {
    this.name = parameters.get("name") ?? "";
    this.state = parameters.get("state") ?? "";
    this.page = Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1);
    if (this.input.value.trim() !== this.name) this.input.value = this.name;
  }

  search() {
    const parameters = new URLSearchParams();
    if (this.name) parameters.set("name", this.name);
    if (this.state) parameters.set("state", this.state);
    if (this.page > 1) parameters.set("page", this.page);
    const text = parameters.toString();
    return text ? "?" + text : "";
  }

  filter({ name = this.name, state = this.state }) {
    Object.assign(this, { name, state, page: 1 });
    this.changed(this.search());
  }

  turn(by) {
    this.page += by;
    this.changed(this.search());
    this.heading.scrollIntoView({ block: "start" });
  }

  paths() {
    const parameters = { offset: (this.page - 1) * pageSize, limit: pageSize };
    if (this.name) parameters.name = this.name;
    if (this.state) parameters.state = this.state;
    const text = Object.entries(parameters).map(([key, value]) => key + "=" + encodeURIComponent(value)).join("&");
    return ["/api/v1/zones?" + text, "/api/v1/traffic"];
  }

  fetch(path) { return fetchJson(path); }

  show(summary, list, traffic) {
    this.plots.show(traffic);
    this.showChips(summary.zones);
    const pages = Math.max(1, Math.ceil(list.matching / pageSize));
    if (this.page > pages) return this.turn(pages - this.page);
    this.showRows(list.zones);
    this.table.hidden = list.zones.length === 0;
    this.none.hidden = list.zones.length > 0;
    setText(this.none, list.total === 0 ? "No zones are served. `understudy add` adds one." : "No zone is like that.");
    this.pager.hidden = list.matching <= pageSize;
    const first = list.offset + 1, last = list.offset + list.zones.length;
    setText(this.place, number(first) + "\u2013" + number(last) + " of " + number(list.matching));
    this.previous.disabled = this.page === 1;
    this.next.disabled = this.page === pages;
  }

  showRows(zones) {
    const wanted = new Set(zones.map((zone) => zone.zone));
    for (const [name, { row }] of this.rows) {
      if (wanted.has(name)) continue;
      row.remove();
      this.rows.delete(name);
    }
    zones.forEach((zone, i) => {
      if (!this.rows.has(zone.zone)) this.rows.set(zone.zone, makeRow(zone.zone));
      const made = this.rows.get(zone.zone);
      fillRow(made, zone);
      if (this.body.children[i] !== made.row) this.body.insertBefore(made.row, this.body.children[i] ?? null);
    });
  }

  showChips({ total, states: byState, conditions: byCondition }) {
    const chips = [["", "All", total]];
    for (const [key, { word }] of Object.entries(states)) chips.push([key, word, byState[key]]);
    for (const [key, { word }] of Object.entries(conditions)) chips.push([key, word, byCondition[key]]);
    const seen = chips.filter(([key, , count]) => key === "" || key === this.state || count > 0);
    const keys = JSON.stringify(seen.map(([key]) => key));
    if (this.chips.dataset.keys !== keys) {
      this.chips.dataset.keys = keys;
      const focused = document.activeElement?.dataset?.state;
      this.chips.replaceChildren(...seen.map(([key, word]) => {
        const chip = el("button", { type: "button", class: "chip", "data-state": key }, word + " ", el("b"));
        chip.addEventListener("click", () => this.filter({ state: this.state === key ? "" : key }));
        return chip;
      }));
      if (focused !== undefined) this.chips.querySelector(`[data-state="${CSS.escape(focused)}"]`)?.focus();
    }
    seen.forEach(([key, , count], i) => {
      const chip = this.chips.children[i];
      setText(chip.lastElementChild, number(count));
      chip.setAttribute("aria-pressed", String(key === this.state));
    });
  }
}
