// One zone: how it is, what differs right now (both answers side by side), its primaries, and its timeline.
import { ago, el, icon, number, plural, setText, show } from "./dom.js";
import { ServerError, fetchJson } from "./poll.js";
import { timeline } from "./timeline.js";
import { classes, stateMark, tags } from "./words.js";

const fact = (name, value, more) => el("div", {}, el("dt", {}, name), el("dd", {}, value, more ? el("small", {}, more) : null));

const comparisonFact = (comparison) => {
  if (comparison === null || comparison.addresses === 0) return fact("Compared", "Never", "whether it says what its primary says is unknown");
  const when = comparison.last_full_pass ? el("span", {}, "in full ", ago(comparison.last_full_pass)) : "never in full yet";
  if (comparison.mismatches > 0) return fact("Compared", plural(comparison.mismatches, "answer differs", "answers differ"), when);
  if (comparison.complete) return fact("Compared", "Equal", when);
  return fact("Compared", Math.floor(comparison.coverage * 100) + " % so far", when);
};

const facts = (zone) => el("dl", { class: "facts" },
  fact("Serial served", zone.serial === null ? "none" : String(zone.serial), zone.primary_serial === null ? "no primary told one yet" : "a primary has " + zone.primary_serial),
  fact("Version", zone.version === 0 ? "none yet" : number(zone.version), zone.published ? el("span", {}, "published ", ago(zone.published)) : null),
  fact("Records", number(zone.records)),
  fact("Last check", ago(zone.last_check), zone.next_check ? el("span", {}, "next ", ago(zone.next_check)) : null),
  fact("Expires", ago(zone.expires), zone.expires ? "unless a primary answers before" : null),
  comparisonFact(zone.comparison));

const notices = (zone) => {
  const all = [];
  if (zone.held) {
    all.push(el("div", { class: "notice" }, el("p", {}, el("strong", {}, "Version " + zone.held.version + " is held"), ", serial " + zone.held.serial + ", ", ago(zone.held.since), ": " + zone.held.message + "."),
      el("p", { class: "soft" }, "It adds " + plural(zone.held.added, "record", "records") + " and removes " + number(zone.held.removed) + ". ",
        el("code", {}, "understudy accept " + zone.zone + " --version " + zone.held.version), " serves it.")));
  }
  for (const warning of zone.warnings) all.push(el("p", { class: "notice" }, "The gate warns of what is served: " + warning.message + "."));
  if (zone.on_hold) all.push(el("p", { class: "notice" }, "On hold by an operator: what comes is stored, and not served."));
  if (zone.rolled_back) all.push(el("p", { class: "notice" }, "Rolled back by an operator: what comes is stored, and not served."));
  if (zone.conditions.includes("behind")) all.push(el("p", { class: "notice" }, "A primary told a newer serial ", ago(zone.out_of_sync_since), ", and it has not come yet."));
  if (zone.last_refusal) all.push(el("p", { class: "notice" }, "A version was not taken ", ago(zone.last_refusal.when), ": " + zone.last_refusal.message));
  return all;
};

// What the evidence says of each answer: the version that it came from, and who gave it.
const witness = (words) => el("p", { class: "witness" }, words.filter((word) => word !== null).join(" \u00b7 "));
const ourWitness = ({ version, serial }) => witness(["version " + number(version), "serial " + serial]);
const theirWitness = ({ address_serial: serial, zone_version: answered, nsid }) => witness([
  serial === null ? "told no serial" : "serial " + serial, answered === null ? null : "answered from serial " + answered, nsid === null ? null : "answered by " + nsid]);

const side = (title, kind, mine, other, said) => {
  if (mine === null) return el("div", { class: "side " + kind }, el("h4", {}, title), el("p", {}, "no answer"));
  const there = new Set(other === null ? [] : other.rdata);
  const meta = (name, value, differs) => el("span", { class: differs ? "other" : false }, name + value);
  const differs = (key) => other !== null && mine[key] !== other[key];
  return el("div", { class: "side " + kind }, el("h4", {}, title),
    el("p", { class: "meta" }, meta("", mine.rcode, differs("rcode")), mine.flags ? [" \u00b7 ", meta("", mine.flags, differs("flags"))] : [],
      mine.rdata.length > 0 ? [" \u00b7 ", meta("TTL ", mine.ttl, differs("ttl"))] : []),
    mine.rdata.length === 0 ? el("p", { class: "soft" }, "no records")
      : el("ul", {}, mine.rdata.map((data) => el("li", { class: there.has(data) ? false : "only" }, there.has(data) ? null : el("span", { class: "unseen" }, "only here: "), data))),
    said);
};

const difference = (item) => el("article", { class: "difference" },
  el("header", {}, el("h3", {}, item.owner + " " + item.type), el("span", { class: "tag bad" }, classes[item.class] ?? item.class)),
  el("p", { class: "what" }, "at " + item.address + ", since ", ago(item.since), ", last seen ", ago(item.evidence.last_seen),
    item.evidence.made_up ? ", a name made up for the question" : ""),
  el("div", { class: "sides" }, side("This server", "ours", item.ours, item.theirs, ourWitness(item.evidence)),
    side("The primary", "theirs", item.theirs, item.ours, theirWitness(item.evidence))));

const differencesAtFirst = 20;

const primaries = (zone) => zone.primaries.map((primary) => {
  const silent = primary.failing_since !== null;
  const mark = primary.up && !silent ? icon("good") : silent ? icon("bad") : icon("none", "soft");
  const word = primary.up ? (silent ? "answers, and is not believed" : "answers") : silent ? "silent" : "not asked yet";
  return el("tr", { role: "row" }, el("th", { scope: "row", role: "rowheader" }, primary.address ?? primary.source),
    el("td", { role: "cell", class: "wide" }, el("span", { class: "state" }, mark, word)),
    el("td", { role: "cell", "data-label": "Serial" }, primary.serial === null ? "\u2013" : String(primary.serial)),
    el("td", { role: "cell", "data-label": "Answered" }, ago(primary.last_answer)),
    el("td", { role: "cell", "data-label": "Trouble" }, silent ? el("span", {}, primary.failure?.message ?? "it fails", " (since ", ago(primary.failing_since), ")") : "none"));
});

const part = (id, title) => {
  const body = el("div");
  const heading = el("h2", { id }, title);
  return { heading, body, root: el("section", { class: "part", "aria-labelledby": id }, heading, body) };
};

export class ZoneView {
  constructor(name) {
    this.name = name;
    this.all = false;
    this.heading = el("h2", { tabindex: "-1", id: "zone-heading" }, name);
    this.state = el("p");
    this.facts = el("div");
    this.notices = el("div");
    this.differences = part("differences-heading", "What differs right now");
    this.primaries = part("primaries-heading", "Primaries");
    this.timeline = part("timeline-heading", "Timeline");
    this.parts = [this.differences, this.primaries, this.timeline];
    this.root = el("article", { "aria-labelledby": "zone-heading" }, el("p", { class: "crumb" }, el("a", { href: "/", "data-route": true }, "All zones")),
      el("div", { class: "title" }, this.heading, this.state), this.notices, this.facts, this.parts.map(({ root }) => root));
  }

  paths() {
    const zone = "/api/v1/zones/" + encodeURIComponent(this.name);
    return [zone, zone + "/mismatches", zone + "/history"];
  }

  // A zone that is gone is something to tell, not an outage.
  async fetch(path) {
    try {
      return await fetchJson(path);
    } catch (error) {
      if (error instanceof ServerError && (error.status === 404 || error.status === 400)) return null;
      throw error;
    }
  }

  show(summary, zone, comparison, history) {
    for (const { root } of this.parts) root.hidden = zone === null;
    if (zone === null) {
      show(this.state, null, () => "This server has no such zone.");
      show(this.notices, null, () => []);
      show(this.facts, null, () => []);
      return;
    }
    show(this.state, [zone.state, zone.conditions], () => [stateMark(zone.state), el("span", { class: "tags" }, tags(zone.conditions))]);
    show(this.notices, [zone.held, zone.warnings, zone.on_hold, zone.rolled_back, zone.out_of_sync_since, zone.conditions, zone.last_refusal], () => notices(zone));
    show(this.facts, [zone.serial, zone.primary_serial, zone.version, zone.published, zone.records, zone.last_check, zone.next_check, zone.expires, zone.comparison], () => facts(zone));
    this.showDifferences(comparison);
    show(this.primaries.body, zone.primaries, () => zone.primaries.length === 0 ? el("p", { class: "soft" }, "None.") : this.primaryTable(zone));
    show(this.timeline.body, history, () => timeline(history));
  }

  primaryTable(zone) {
    const columns = ["Primary", "State", "Serial", "Answered", "Trouble"];
    return el("table", { class: "zones", role: "table", "aria-labelledby": "primaries-heading" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, columns.map((name) => el("th", { scope: "col", role: "columnheader" }, name)))),
      el("tbody", { role: "rowgroup" }, primaries(zone)));
  }

  showDifferences(comparison) {
    const mismatches = comparison?.mismatches ?? [], unknown = (comparison?.against ?? []).reduce((sum, tally) => sum + tally.unknown, 0);
    setText(this.differences.heading, "What differs right now" + (mismatches.length > 0 ? ": " + number(mismatches.length) : ""));
    const seen = this.all ? mismatches : mismatches.slice(0, differencesAtFirst);
    show(this.differences.body, [seen, mismatches.length, comparison?.complete, unknown > 0, (comparison?.against ?? []).length], () => {
      if (mismatches.length === 0) return el("p", { class: "soft" }, this.agreement(comparison, unknown));
      const more = el("button", { type: "button", class: "more" }, "Show all " + number(mismatches.length));
      more.addEventListener("click", () => { this.all = true; this.showDifferences(comparison); });
      return [...seen.map(difference), seen.length < mismatches.length ? more : null];
    });
  }

  agreement(comparison, unknown) {
    if (!comparison || comparison.against.length === 0) return "Nobody is compared with: give the zone compare-with, or a primary as its source.";
    if (comparison.complete) return "Nothing: every answer is the primary's.";
    return unknown > 0 ? "Nothing is known to differ, but some questions got no answer." : "Nothing so far; the comparison is not complete.";
  }
}
