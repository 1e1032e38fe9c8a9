// The public page: each zone and its state, and nothing else.
import { ago, el, number, plural, serverTime, setText, show } from "./dom.js";
import { Poll, fetchJson } from "./poll.js";
import { stateMark } from "./words.js";

const pageSize = 100;
const byId = (id) => document.getElementById(id);
const content = byId("content");
const parameters = new URLSearchParams(location.search);
let name = parameters.get("name") ?? "", page = Math.min(10000, Math.max(1, Number.parseInt(parameters.get("page") ?? "1", 10) || 1));

const input = el("input", { type: "search", "aria-label": "Filter by name", placeholder: "Filter by name", autocomplete: "off", spellcheck: "false", value: name });
const body = el("tbody", { role: "rowgroup", class: "plain" });
const place = el("span", { role: "status" });
const previous = el("button", { type: "button" }, "Previous"), next = el("button", { type: "button" }, "Next");
const pager = el("nav", { class: "pager", "aria-label": "Pages of zones", hidden: true }, previous, next, place);
const head = el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ["Zone", "State"].map((text) => el("th", { scope: "col", role: "columnheader" }, text))));
content.append(el("section", { class: "part", "aria-labelledby": "zones-heading" }, el("h2", { id: "zones-heading" }, "Zones"),
  el("div", { class: "filters", role: "search" }, input),
  el("table", { class: "zones", role: "table", "aria-labelledby": "zones-heading" }, head, body), pager));

const row = ({ zone, state }) => el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, zone), el("td", { role: "cell" }, stateMark(state)));

const poll = new Poll(async (current) => {
  const list = await fetchJson(`/api/v1/public?offset=${(page - 1) * pageSize}&limit=${pageSize}&name=${encodeURIComponent(name)}`);
  if (!current()) return;
  serverTime(list.time);
  const silent = list.total - list.answered, all = silent === 0 && list.total > 0;
  byId("verdict").dataset.answer = all ? "yes" : "no";
  setText(byId("answer"), all ? "Yes" : "No");
  setText(byId("because"), list.total === 0 ? "There are no zones." : all ? plural(list.total, "zone is", "zones are") + " answered." : number(silent) + " of " + plural(list.total, "zone", "zones") + (silent === 1 ? " is" : " are") + " not answered.");
  show(body, list.zones, () => list.zones.map(row));
  const pages = Math.max(1, Math.ceil(list.matching / pageSize));
  if (page > pages) return go(pages);
  pager.hidden = pages === 1;
  setText(place, "Page " + number(page) + " of " + number(pages));
  previous.disabled = page <= 1;
  next.disabled = page >= pages;
}, {
  worked: () => { byId("outage").hidden = true; },
  failed: (error, seconds, since) => {
    byId("outage").hidden = false;
    show(byId("outage"), since.getTime(), () => ["No answer since ", ago(since.toISOString()), "; this page goes on asking."]);
    byId("verdict").dataset.answer = "unknown";
    setText(byId("answer"), "Not known");
    setText(byId("because"), "The server does not answer this page.");
  },
});

const go = (to) => {
  page = to;
  const kept = new URLSearchParams();
  if (name) kept.set("name", name);
  if (page > 1) kept.set("page", page);
  history.replaceState(null, "", "/" + (kept.size > 0 ? "?" + kept : ""));
  poll.now();
};
let typing = null;
input.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { name = input.value.trim(); go(1); }, 200);
});
previous.addEventListener("click", () => go(page - 1));
next.addEventListener("click", () => go(page + 1));
poll.now();
