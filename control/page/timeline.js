// What happened to a zone: versions that were published or held, primaries that fell silent, answers that differed; as
// lanes over time for the eye, and as a list for everybody.
import { ago, el, icon, now, plural, svg } from "./dom.js";

const kinds = {
  version: { lane: "Versions", icon: "plain", tone: "plain" },
  held: { lane: "Versions", icon: "care", tone: "care" },
  released: { lane: "Versions", icon: "plain", tone: "plain" },
  refused: { lane: "Transfers", icon: "bad", tone: "bad" },
  "primary-silent": { lane: "Transfers", icon: "bad", tone: "bad" },
  "primary-back": { lane: "Transfers", icon: "good", tone: "good" },
  state: { lane: "State", icon: "half", tone: "care" },
  differs: { lane: "Answers", icon: "bad", tone: "bad" },
  agrees: { lane: "Answers", icon: "good", tone: "good" },
};
const shownAtFirst = 40;

const versionText = (version) => {
  const change = version.how === "whole" ? plural(version.records, "record", "records") + ", whole" : "+" + version.added + " \u2212" + version.removed + " records";
  return "Version " + version.version + ", serial " + version.serial + (version.live ? ", is served" : "") + ": " + change + (version.source ? ", from " + version.source : "");
};

const gather = ({ versions, events }) => {
  const all = events.map(({ when, kind, text }) => ({ when, kind, text }));
  for (const version of versions) {
    if (version.held !== null) continue; // the events tell it, with its reason
    all.push({ when: version.published, kind: "version", text: versionText(version) });
  }
  return all.sort((a, b) => b.when.localeCompare(a.when));
};

// Trouble is pointed, whatever its colour.
const mark = (tone, x) =>
  tone === "bad" || tone === "care"
    ? svg("rect", { class: "mark pointed " + tone, x, y: "50%", width: "9", height: "9" })
    : svg("circle", { class: "mark " + tone, cx: x, cy: "50%", r: "5" });

const lanes = (entries) => {
  const end = now(), begin = Math.min(end - 3600e3, Date.parse(entries.at(-1).when));
  const place = (when) => (2 + 96 * (Date.parse(when) - begin) / (end - begin)).toFixed(2) + "%";
  const names = [...new Set(Object.values(kinds).map(({ lane }) => lane))];
  return el("figure", { class: "lanes", "aria-hidden": "true" },
    names.map((name) => {
      const plot = svg("svg", {}, svg("line", { x1: "0", x2: "100%", y1: "50%", y2: "50%" }));
      for (const entry of [...entries].reverse()) {
        const kind = kinds[entry.kind];
        if (kind && (kind.lane === name || (entry.kind === "version" && name === "Transfers"))) {
          plot.append(mark(name === "Transfers" && entry.kind === "version" ? "good" : kind.tone, place(entry.when)));
        }
      }
      return el("div", { class: "lane" }, el("span", {}, name), plot);
    }),
    el("p", { class: "span" }, ago(new Date(begin).toISOString()), el("span", {}, "now")));
};

const line = (entry) => {
  const { icon: name, tone } = kinds[entry.kind] ?? { icon: "none", tone: "soft" };
  return el("li", {}, icon(name, tone), ago(entry.when), el("p", {}, entry.text));
};

export const timeline = (history) => {
  const entries = gather(history);
  if (entries.length === 0) return el("p", { class: "soft" }, "Nothing has happened yet.");
  const list = el("ol", { class: "events" }, entries.slice(0, shownAtFirst).map(line));
  if (entries.length <= shownAtFirst) return [lanes(entries), list];
  const more = el("button", { type: "button", class: "more" }, "Show all " + entries.length);
  more.addEventListener("click", () => {
    list.append(...entries.slice(shownAtFirst).map(line));
    more.remove();
  });
  return [lanes(entries), list, more];
};
