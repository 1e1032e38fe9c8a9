// The operator's page: the verdict above, below it the list of zones or one zone; which, the address says.
import { ago, el, icon, number, serverTime, setText, show } from "./dom.js";
import { Poll, ServerError, fetchJson } from "./poll.js";
import { ListView } from "./list.js";
import { ZoneView } from "./zone.js";

const byId = (id) => document.getElementById(id);
const content = byId("content");
let view = null;

const reason = (item, prevents) => el("li", {},
  icon(prevents ? "bad" : "care"),
  el("div", {},
    el("span", { class: "unseen" }, prevents ? "Why not: " : "Note: "),
    item.zones > 0 ? el("a", { href: "/?state=" + encodeURIComponent(item.reason), "data-route": true }, item.message) : item.message,
    ".",
    item.examples.length === 0 ? null
      : el("span", { class: "examples" }, item.examples.join(", ") + (item.zones > item.examples.length ? " and others" : ""))));

const because = ({ ready, reasons, cautions }, { total }) => {
  if (!ready) return reasons.length === 1 ? "One thing stands against it." : reasons.length + " things stand against it.";
  const all = total === 1 ? "The zone is answered" : "All " + number(total) + " zones are answered";
  if (cautions.length === 0) return all + (total === 1 ? ", and as its primary answers." : ", and as their primaries answer.");
  const unproven = cautions.some((caution) => caution.reason === "unproven");
  return all + ", and no wrong answer is known" + (unproven ? "; not everything is proved." : ".");
};

const showVerdict = ({ takeover, zones, version }) => {
  const { ready, reasons, cautions } = takeover;
  byId("verdict").dataset.answer = ready ? "yes" : "no";
  setText(byId("answer"), ready ? "Yes" : "No");
  setText(byId("because"), because(takeover, zones));
  const list = byId("reasons");
  list.hidden = reasons.length + cautions.length === 0;
  show(list, [reasons, cautions], () => [...reasons.map((item) => reason(item, true)), ...cautions.map((item) => reason(item, false))]);
  setText(byId("about"), "Understudy " + version);
  setText(byId("where"), location.host);
  document.title = (ready ? "Yes" : "No") + " \u2013 Understudy";
};

const failed = (error, seconds, since) => {
  const outage = byId("outage");
  outage.hidden = false;
  const why = error instanceof ServerError ? error.message : "it cannot be reached";
  show(outage, [why, since.getTime()], () => ["No answer from the server: " + why + ". Noticed ", ago(since.toISOString()), "; what is below is from then, and this page goes on asking."]);
  byId("verdict").dataset.answer = "unknown";
  setText(byId("answer"), "Not known");
  setText(byId("because"), "The server does not answer this page. Ask it for an answer with dig.");
  byId("reasons").hidden = true;
  content.classList.add("stale-data");
  document.title = "Not known \u2013 Understudy";
};

const worked = () => {
  byId("outage").hidden = true;
  content.classList.remove("stale-data");
};

const poll = new Poll(async (current) => {
  const [summary, ...data] = await Promise.all([fetchJson("/api/v1/summary"), ...view.paths().map((path) => view.fetch(path))]);
  if (!current()) return;
  serverTime(summary.time);
  showVerdict(summary);
  view.show(summary, ...data);
}, { failed, worked });

// What the address says, as a view. `focus`: somebody went there, so that the reading position follows.
const open = (focus) => {
  const parameters = new URLSearchParams(location.search);
  const zone = parameters.get("zone");
  if (zone === null && view instanceof ListView) {
    view.adopt(parameters);
  } else {
    view = zone === null ? new ListView(parameters, changed) : new ZoneView(zone);
    content.replaceChildren(view.root);
    byId("verdict").classList.toggle("compact", zone !== null);
  }
  poll.now();
  if (!focus) return;
  window.scrollTo(0, 0);
  (view.heading ?? content).focus();
};

// The list changed its filter: the address keeps it, and what is asked for is another page.
const changed = (search) => {
  history.replaceState(null, "", "/" + search);
  poll.now();
};

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-route]");
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", link.getAttribute("href"));
  open(true);
});
window.addEventListener("popstate", () => open(true));
open(false);
