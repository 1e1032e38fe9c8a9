// What states and conditions are called, and how grave they are: a word and an icon, never colour alone.
import { el, icon } from "./dom.js";

export const states = {
  fresh: { word: "Fresh", icon: "good", tone: "good", help: "The last check of a primary succeeded" },
  retrying: { word: "Retrying", icon: "half", tone: "care", help: "The last check failed; the zone is served" },
  stale: { word: "Stale", icon: "care", tone: "care", help: "Served past its expire time, as its policy says" },
  expired: { word: "Expired", icon: "bad", tone: "bad", help: "Answered with SERVFAIL: no primary confirmed it in time" },
  empty: { word: "Empty", icon: "none", tone: "bad", help: "There never were data; answered with SERVFAIL" },
};

// Those that are states too are not told twice.
export const conditions = {
  differs: { word: "Differs", tone: "bad" },
  behind: { word: "Behind", tone: "bad" },
  "signatures-ended": { word: "Signatures ended", tone: "bad" },
  held: { word: "Held", tone: "care" },
  alone: { word: "No primary answers", tone: "care" },
  "differs-slightly": { word: "TTLs differ", tone: "care" },
  unproven: { word: "Not fully compared", tone: "soft" },
};

export const classes = {
  missing: "The primary lacks it",
  extra: "This server lacks it",
  rdata: "Other data",
  ttl: "Another TTL",
  rcode: "Another response code",
  flags: "Other flags",
  delegation: "Another delegation",
  dnssec: "Other signatures",
  negative_ttl: "Another negative TTL",
  wildcard: "A wildcard is not the same",
};

export const stateMark = (state) => {
  const known = states[state] ?? { word: state, icon: "none", tone: "soft", help: "" };
  return el("span", { class: "state", title: known.help }, icon(known.icon, known.tone), known.word);
};

export const tags = (words) =>
  words.filter((word) => conditions[word]).map((word) => el("span", { class: "tag " + conditions[word].tone }, conditions[word].word));
