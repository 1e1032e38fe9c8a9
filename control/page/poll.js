// Asks the server again and again: every few seconds while the page is seen, not at all while it is hidden, and with
// growing pauses while there is no answer.

const pause = 5000, longestPause = 30000, patience = 10000;

export class ServerError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const fetchJson = async (path) => {
  const answer = await fetch(path, { signal: AbortSignal.timeout(patience), cache: "no-store" });
  const text = await answer.text();
  if (answer.ok) return JSON.parse(text);
  let message = text.trim();
  try { message = JSON.parse(message).error; } catch { /* plain text */ }
  throw new ServerError(answer.status, message || "the server answered " + answer.status);
};

// `work` is an asynchronous function that asks and shows; `failed(error, seconds, since)` is told of every failure,
// `worked()` of every success.
export class Poll {
  constructor(work, { failed, worked }) {
    Object.assign(this, { work, failed, worked, failures: 0, since: null, timer: null, round: 0 });
    document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(this.timer) : this.now()));
    window.addEventListener("online", () => this.now());
  }

  // Asks at once; what is under way is not waited for, and no longer counts.
  async now() {
    clearTimeout(this.timer);
    const round = ++this.round;
    let wait = pause;
    try {
      await this.work(() => round === this.round);
      if (round !== this.round) return;
      this.failures = 0;
      this.since = null;
      this.worked();
    } catch (error) {
      if (round !== this.round) return;
      this.since ??= new Date();
      wait = Math.min(longestPause, 1000 * 2 ** this.failures++);
      this.failed(error, Math.round(wait / 1000), this.since);
    }
    if (!document.hidden) this.timer = setTimeout(() => this.now(), wait);
  }
}
